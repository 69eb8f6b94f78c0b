//! `headroom trace import`: foreign formats in, our CSV or mahimahi out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use headroom_sim::trace::format::sigcomm24::{PlaybackKind, parse_playback, recognises_playback};

use super::output::{print, tell};
use super::reading::{self, Reading};
use super::target::Target;

/// Turn trace files of known data sets into our CSV or into mahimahi's format.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Files or directories. The playback log of SIGCOMM24 becomes a CSV of its events.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// What to write.
    #[arg(long, value_enum, default_value_t)]
    to: Target,
    /// Write here; standard output if absent. For several files, a directory.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Leave out what comes before this time, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    start: f64,
    /// Write this much, seconds.
    #[arg(long, value_name = "SECONDS")]
    length: Option<f64>,
    /// Multiply the rates.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    scale: f64,
    /// Say what was written as one JSON object a line (needs --output).
    #[arg(long, requires = "output")]
    json: bool,
}

/// What one file became.
struct Imported {
    text: String,
    ending: &'static str,
    summary: serde_json::Value,
}

/// Imports every file, or stops at the first that cannot be read.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut files = Vec::new();
    for path in &arguments.files {
        files.extend(reading::files(path)?);
    }
    let several = files.len() > 1 || arguments.files[0].is_dir();
    if several {
        let directory = arguments.output.as_ref().context("several files need a directory: --output DIR")?;
        std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    }
    for file in files {
        let imported = import(arguments, &file).with_context(|| file.display().to_string())?;
        match &arguments.output {
            None => print(&imported.text)?,
            Some(output) => {
                let target = match file.file_stem().filter(|_| several) {
                    Some(stem) => output.join(format!("{}.{}", stem.to_string_lossy(), imported.ending)),
                    None => output.clone(),
                };
                reading::write(&target, imported.text.as_bytes())?;
                report(arguments.json, &file, &target, imported.summary)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn import(arguments: &Arguments, path: &Path) -> anyhow::Result<Imported> {
    let text = reading::read(path)?;
    if recognises_playback(&text) {
        ensure!(arguments.to == Target::Csv, "a playback log has no throughput to write for mahimahi");
        return playback(&text);
    }
    let (format, import) = arguments.reading.parse(&text)?;
    let mut trace = import.trace;
    if arguments.start != 0.0 || arguments.length.is_some() {
        let end_s = arguments.length.map_or(trace.duration_s(), |length_s| arguments.start + length_s);
        let duration_s = trace.duration_s();
        trace = trace.window(arguments.start, end_s).with_context(|| {
            format!("{} to {end_s} s is not inside the {duration_s} s of the trace", arguments.start)
        })?;
    }
    if arguments.scale != 1.0 {
        trace = trace.scaled(arguments.scale)?;
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A synthetic trace stays labelled, whatever it is turned into.
    let note = match headroom_sim::trace::format::csv::note(&text) {
        Some(note) => note.to_owned(),
        None => format!("imported from {name} ({format})"),
    };
    Ok(Imported {
        text: arguments.to.emit(&trace, &note)?,
        ending: arguments.to.ending(),
        summary: serde_json::json!({
            "format": format.to_string(),
            "duration_s": trace.duration_s(),
            "samples": trace.samples().len(),
            "mean_kbps": trace.mean_kbps().round(),
            "rows_left_out": import.rows_left_out,
        }),
    })
}

/// The playback log as CSV: `t_s,event,buffer_s,rung`.
fn playback(text: &str) -> anyhow::Result<Imported> {
    let events = parse_playback(text)?;
    let mut csv = String::from("t_s,event,buffer_s,rung\n");
    let mut stalls = 0;
    for event in &events {
        // Writing to a String cannot fail.
        let _ = match event.kind {
            PlaybackKind::LoadingStarted => writeln!(csv, "{:.3},loading_started,,", event.t_s),
            PlaybackKind::LoadingCompleted => writeln!(csv, "{:.3},loading_completed,,", event.t_s),
            PlaybackKind::BufferEmpty => {
                stalls += 1;
                writeln!(csv, "{:.3},buffer_empty,0,", event.t_s)
            }
            PlaybackKind::Report { buffer_s, rung } => writeln!(csv, "{:.3},report,{buffer_s},{rung}", event.t_s),
            other => anyhow::bail!("an event of kind {other:?} has no name in this CSV"),
        };
    }
    let summary = serde_json::json!({
        "format": "sigcomm24-playback",
        "duration_s": events.last().map_or(0.0, |last| last.t_s),
        "events": events.len(),
        "buffer_empty": stalls,
    });
    Ok(Imported { text: csv, ending: "events.csv", summary })
}

fn report(json: bool, from: &Path, to: &Path, mut summary: serde_json::Value) -> anyhow::Result<()> {
    if json {
        summary["from"] = from.display().to_string().into();
        summary["to"] = to.display().to_string().into();
        return print(&format!("{summary}\n"));
    }
    let figures: Vec<String> = summary
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    tell(&format!("{} -> {}: {}", from.display(), to.display(), figures.join(", ")));
    Ok(())
}
