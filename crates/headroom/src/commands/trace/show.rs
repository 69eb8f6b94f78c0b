//! `headroom trace show`: a line, a table, a picture.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use headroom_sim::trace::Trace;
use headroom_sim::trace::format::csv;
use headroom_sim::trace::statistics::{LAGS_S, Quantiles, Statistics};

use super::output::{print, tell};
use super::picture::{self, Named};
use super::reading::{self, Reading};
use super::sparkline;

/// Columns of a sparkline.
const WIDTH: usize = 72;

/// Draw traces and put their statistics side by side.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Files or directories; a directory counts as one, over all its files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Statistics side by side.
    #[arg(long)]
    stats: bool,
    /// Draw a picture: a name that ends in .svg or .png.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// One JSON object a line with all statistics.
    #[arg(long)]
    json: bool,
}

/// One argument: a file, or all files of a directory.
struct Shown {
    name: String,
    format: String,
    note: Option<String>,
    traces: Vec<Trace>,
}

/// Shows every argument.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut shown = Vec::new();
    for path in &arguments.files {
        shown.push(load(&arguments.reading, path)?);
    }
    if arguments.json {
        let lines: anyhow::Result<String> = shown.iter().map(json).collect();
        print(&lines?)?;
    } else {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        for one in &shown {
            print(&summary(one, colour))?;
        }
        if arguments.stats {
            print(&table(&shown))?;
        }
    }
    if let Some(path) = &arguments.picture {
        let named: Vec<Named> = shown
            .into_iter()
            .flat_map(|one| {
                let label = one.note.filter(|note| note.starts_with("synthetic")).unwrap_or(one.name);
                one.traces.into_iter().map(move |trace| Named { name: label.clone(), trace })
            })
            .collect();
        // A picture of more lines than colours says nothing.
        ensure!(named.len() <= 6, "a picture shows at most 6 traces, not {}", named.len());
        reading::write(path, &picture::draw(&named, path)?)?;
        tell(&format!("picture: {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn load(reading: &Reading, path: &Path) -> anyhow::Result<Shown> {
    let mut traces = Vec::new();
    let (mut format, mut note, mut synthetic) = (String::new(), None, false);
    for file in reading::files(path)? {
        let text = reading::read(&file)?;
        let (read_as, import) = reading.parse(&text).with_context(|| file.display().to_string())?;
        format = read_as.to_string();
        let said = csv::note(&text).map(str::to_owned);
        synthetic |= said.as_deref().is_some_and(|said| said.starts_with("synthetic"));
        note = said;
        traces.push(import.trace);
    }
    if traces.len() > 1 {
        // What one file says is not true of all of them, but one synthetic file makes the whole not measured.
        note = synthetic.then(|| "synthetic, not measured".to_owned());
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Shown { name, format, note, traces })
}

fn json(shown: &Shown) -> anyhow::Result<String> {
    let mut object = serde_json::to_value(Statistics::of_all(&shown.traces))?;
    object["name"] = shown.name.as_str().into();
    object["format"] = shown.format.as_str().into();
    object["note"] = shown.note.as_deref().into();
    object["files"] = shown.traces.len().into();
    Ok(format!("{object}\n"))
}

/// Name, origin, and for one trace its shape.
fn summary(shown: &Shown, colour: bool) -> String {
    let mut text = format!("{} ({})", shown.name, shown.format);
    if let Some(note) = &shown.note {
        text.push_str(&format!(": {note}"));
    }
    text.push('\n');
    match shown.traces.as_slice() {
        [only] => {
            let means = sparkline::means(only, WIDTH);
            let top = means.iter().copied().fold(0.0, f64::max);
            text.push_str(&format!("{}\n", sparkline::draw(&means, colour)));
            text.push_str(&format!(
                "0 to {:.0} s, {} samples; mean {}, highest bar {} (mean of {:.1} s)\n",
                only.duration_s(),
                only.samples().len(),
                mbps(only.mean_kbps()),
                mbps(top),
                only.duration_s() / WIDTH as f64,
            ));
        }
        several => text.push_str(&format!("{} files\n", several.len())),
    }
    text
}

fn mbps(kbps: f64) -> String {
    format!("{:.2} Mbit/s", kbps / 1000.0)
}

/// One row of the table: a name and a cell for each argument.
type Row = (String, Vec<String>);

/// Statistics with a column for each argument.
fn table(shown: &[Shown]) -> String {
    let all: Vec<Statistics> = shown.iter().map(|one| Statistics::of_all(&one.traces)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut row = |name: &str, cell: &dyn Fn(&Statistics) -> String| {
        rows.push((name.to_owned(), all.iter().map(cell).collect()));
    };
    row("seconds", &|one| format!("{:.0}", one.duration_s));
    row("mean Mbit/s", &|one| format!("{:.1}", one.mean_kbps / 1000.0));
    row("Mbit/s p5/25/50/75/95", &|one| cell(Some(&one.throughput_kbps), 1000.0, 1));
    row("under 0.1 Mbit/s", &|one| format!("{:.1} %, runs of {:.1} s", one.outage_share * 100.0, one.outage_mean_s));
    let lags = LAGS_S.map(|lag| lag.to_string()).join("/");
    row(&format!("autocorrelation {lags} s"), &|one| {
        one.autocorrelation.map(|value| value.map_or("-".into(), |value| format!("{value:.2}"))).join(" ")
    });
    row("RTT ms", &|one| cell(one.rtt_ms.as_ref(), 1.0, 0));
    row("jitter ms", &|one| cell(one.jitter_ms.as_ref(), 1.0, 1));
    row("loss %", &|one| cell(one.loss_ratio.as_ref(), 0.01, 1));
    row("RSRP dBm", &|one| cell(one.rsrp_dbm.as_ref(), 1.0, 0));
    row("RSRQ dB", &|one| cell(one.rsrq_db.as_ref(), 1.0, 0));
    row("SINR dB", &|one| cell(one.sinr_db.as_ref(), 1.0, 0));
    row("uplink Mbit/s", &|one| cell(one.uplink_kbps.as_ref(), 1000.0, 1));
    row("corr(log rate, SINR)", &|one| one.sinr_correlation.map_or("-".into(), |value| format!("{value:.2}")));

    let first = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..shown.len())
        .map(|column| {
            let cells = rows.iter().map(|(_, cells)| cells[column].chars().count());
            cells.chain([shown[column].name.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::from("\n");
    let mut line = |name: &str, cells: &[String]| {
        text.push_str(&format!("{name:<first$}"));
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(&format!("  {cell:>width$}"));
        }
        text.push('\n');
    };
    line("", &shown.iter().map(|one| one.name.clone()).collect::<Vec<_>>());
    for (name, cells) in &rows {
        line(name, cells);
    }
    text
}

/// Five quantiles in a unit, and how much of the time they stand for if not all of it.
fn cell(quantiles: Option<&Quantiles>, unit: f64, decimals: usize) -> String {
    let Some(q) = quantiles else { return "-".into() };
    let values = [q.p05, q.p25, q.p50, q.p75, q.p95].map(|value| format!("{:.decimals$}", value / unit)).join("/");
    if q.known < 0.995 { format!("{values} ({:.0} %)", q.known * 100.0) } else { values }
}
