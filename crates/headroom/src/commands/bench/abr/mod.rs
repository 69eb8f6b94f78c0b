//! `headroom bench abr`: policies against each other, the client alone and an oracle, on folders of traces.

mod arguments;
mod lineup;
pub(crate) mod number;
mod report;
pub(crate) mod run;
pub(crate) mod source;
pub(crate) mod table;

pub(crate) use arguments::Arguments;

use anyhow::Context;
use headroom_sim::{
    comparison::{Comparison, Row},
    profile::Profile,
    trace::{Format, Sample, Trace},
};
use std::{io::Write, path::Path, process::ExitCode};

/// Length of a steady link where the profile plays whole traces, seconds.
const STEADY_S: f64 = 300.0;
/// Name of all sets together.
const POOLED: &str = "pooled";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let profile = arguments.profile()?;
    let sets = sets(arguments, &profile)?;
    let lineup = lineup::lineup(arguments, &profile)?;
    let threads = arguments.threads.map_or_else(run::cores, usize::from);
    let mut run = run::AbrRun::cut(&profile, &sets, arguments.windows)?;
    run.sample_risk = arguments.html.is_some() || arguments.json.is_some();
    let mut comparisons = run.play(&lineup, threads)?;
    if let Some(pooled) = pooled(&comparisons) {
        comparisons.push(pooled);
    }
    let rows: Vec<Vec<Row>> = comparisons.iter().map(Comparison::rows).collect();
    if let Some(path) = &arguments.html {
        let page = report::page(&profile, &comparisons, &rows, &run.windows, &lineup);
        std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    match &arguments.json {
        Some(path) => write_json(path, rows.iter().flatten())?,
        None => rows.iter().for_each(|rows| table::print(rows)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The sets on the command line; steady links are one of their own.
fn sets(arguments: &Arguments, profile: &Profile) -> anyhow::Result<Vec<source::Set>> {
    let format = arguments.format.or(arguments.is_on_demand().then_some(Format::CsvIntervalEnds));
    let sets = source::sets(&arguments.traces, format, arguments.scale_mean)?;
    let mut sets: Vec<source::Set> = sets.into_iter().map(|set| set.half(arguments.split)).collect();
    let steady = |mbps: &f64| {
        let sample = Sample { throughput_kbps: mbps * 1_000.0, ..Sample::default() };
        let trace = Trace::new(vec![sample], profile.window_s.unwrap_or(STEADY_S)).context("--steady")?;
        Ok(source::Source { name: format!("steady {mbps} Mbit/s"), trace })
    };
    if !arguments.steady.is_empty() {
        let sources = arguments.steady.iter().map(steady).collect::<anyhow::Result<_>>()?;
        sets.push(source::Set { name: "steady".to_owned(), sources });
    }
    Ok(sets)
}

/// All sets together, where there are several.
fn pooled(comparisons: &[Comparison]) -> Option<Comparison> {
    let (first, others) = comparisons.split_first().filter(|(_, others)| !others.is_empty())?;
    let pooled = others.iter().cloned().fold(first.clone(), Comparison::joined);
    Some(Comparison { set: POOLED.to_owned(), ..pooled })
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn write_json<'a>(path: &Path, rows: impl Iterator<Item = &'a Row>) -> anyhow::Result<()> {
    let mut lines = String::new();
    for row in rows {
        lines.push_str(&serde_json::to_string(row)?);
        lines.push('\n');
    }
    if path.as_os_str() == "-" {
        print!("{lines}");
        std::io::stdout().flush()?;
    } else {
        std::fs::write(path, lines).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
