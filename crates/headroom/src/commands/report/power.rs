//! `headroom report power`: how much traffic an answer needs.

use super::archive::{self, UnitSums, Units};
use crate::chart::STYLE;
use anyhow::Context;
use clap::Args;
use headroom_core::{
    experiment::Metric,
    statistics::{LEAST_UNITS, power},
};
use serde::Serialize;
use std::{fmt::Write as _, io::Write as _, path::PathBuf, process::ExitCode};

/// Reads the sessions of the archive ([history.archive] location) and says how many an experiment of two equal arms needs to find an
/// effect four times in five, looked at all the time.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Directory of the archive.
    #[arg(long, value_name = "DIRECTORY")]
    archive: PathBuf,
    /// Share of the sessions that the archive keeps ([history.archive] session_share).
    #[arg(long, default_value_t = 1.0, value_name = "SHARE", value_parser = share)]
    kept: f64,
    /// Effects, in percent of a metric's present value.
    #[arg(long, value_delimiter = ',', default_value = "5,10,20", value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    effects: Vec<u8>,
    /// Probability of finding it.
    #[arg(long, default_value_t = 0.8, value_name = "PROBABILITY", value_parser = share)]
    power: f64,
    /// Write the report as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|&share| share > 0.0 && share < 1.0 || share == 1.0);
    share.ok_or_else(|| "a number above 0 and at most 1".to_owned())
}

/// The keys other programs rely on.
#[derive(Serialize)]
struct Power {
    sessions: usize,
    days: f64,
    sessions_per_day: f64,
    power: f64,
    rows: Vec<Needed>,
}

#[derive(Serialize)]
struct Needed {
    metric: &'static str,
    value: f64,
    effect_percent: u8,
    sessions: f64,
    days: f64,
}

const ALPHA: f64 = 0.05;
/// Sessions below which their spread is not known.
const LEAST_SESSIONS: usize = 100;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut units = Units::new();
    let (mut first_us, mut last_us) = (u64::MAX, 0);
    archive::read(&arguments.archive, |report| {
        first_us = first_us.min(report.at_us);
        last_us = last_us.max(report.at_us);
        units.entry(report.session).or_default().add(&report);
    })?;
    anyhow::ensure!(
        units.len() >= LEAST_SESSIONS,
        "{} sessions in the archive; {LEAST_SESSIONS} at least, to know how much they differ",
        units.len()
    );
    anyhow::ensure!(arguments.power < 1.0, "--power is below 1");
    let days = last_us.saturating_sub(first_us) as f64 / 86_400e6;
    let sessions_per_day = units.len() as f64 / arguments.kept / days.max(1.0 / 1_440.0);
    let mut rows = Vec::new();
    for metric in Metric::ALL {
        let Some(moments) = UnitSums::moments(units.values(), metric) else { continue };
        let deviation = (moments.ratio_variance() * moments.units()).sqrt();
        if !(moments.ratio() > 0.0 && deviation > 0.0) {
            continue;
        }
        for &effect_percent in &arguments.effects {
            let effect = moments.ratio() * f64::from(effect_percent) / 100.0;
            let units = power::units(effect, deviation, ALPHA, arguments.power);
            // Fewer in an arm say nothing, however large the effect.
            let sessions = (2.0 * units.max(LEAST_UNITS)).ceil();
            let days = sessions / sessions_per_day;
            rows.push(Needed { metric: metric.name(), value: moments.ratio(), effect_percent, sessions, days });
        }
    }
    let report = Power { sessions: units.len(), days, sessions_per_day, power: arguments.power, rows };
    if let Some(path) = &arguments.html {
        std::fs::write(path, page(&report)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let said = if arguments.json { format!("{}\n", serde_json::to_string(&report)?) } else { text(&report) };
    // A pipe that was closed early has had enough.
    let _ = std::io::stdout().write_all(said.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn sentence(row: &Needed) -> String {
    format!(
        "{} % of {} ({:.4}) needs {:.0} sessions, {:.1} days at your traffic",
        row.effect_percent, row.metric, row.value, row.sessions, row.days
    )
}

fn head(report: &Power) -> String {
    format!(
        "{} sessions over {:.1} days; {:.0} sessions a day. Two equal arms, found {:.0} % of the time, looked at all the time.",
        report.sessions,
        report.days,
        report.sessions_per_day,
        report.power * 100.0
    )
}

fn text(report: &Power) -> String {
    let mut text = format!("{}\n", head(report));
    for row in &report.rows {
        let _ = writeln!(text, "  {}", sentence(row));
    }
    text
}

fn page(report: &Power) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Power</title><style>{STYLE}</style>\
         <h1>What your traffic can find</h1><p>{}</p><table><tr><th>metric<th>now<th>effect<th>sessions<th>days</tr>",
        head(report)
    );
    for row in &report.rows {
        let _ = write!(
            html,
            "<tr><td>{}<td>{:.4}<td>{} %<td>{:.0}<td>{:.1}</tr>",
            row.metric, row.value, row.effect_percent, row.sessions, row.days
        );
    }
    html + "</table></html>\n"
}
