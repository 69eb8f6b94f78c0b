//! `headroom report experiment`: what an experiment has shown so far.

use super::archive::{self, UnitSums};
use crate::chart::{STYLE, escape};
use anyhow::Context;
use clap::Args;
use headroom_core::{
    experiment::{Experiment, Metric, Subject, Unit},
    statistics::{Comparison, LEAST_UNITS, Sequence, holm, power, sample_ratio_e_value},
    telemetry::{NetworkId, SessionId, StreamId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Reads the reports of players in the archive, finds each session's arm by its hash, and holds every arm against the control.
/// Intervals hold at every look, however often you look. docs/experiments.md.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Directory of the archive.
    #[arg(long, value_name = "DIRECTORY")]
    archive: PathBuf,
    /// The experiment, as TOML ([[experiment]]) or JSON.
    #[arg(long, value_name = "FILE")]
    experiment: PathBuf,
    /// Which one, where the file has several.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The effect that intervals are narrowest for, in percent of the control's value.
    #[arg(long, default_value_t = 10, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    effect: u8,
    /// Write the report as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

const ALPHA: f64 = 0.05;
const POWER: f64 = 0.8;
const SAMPLE_RATIO_ALPHA: f64 = 0.01;

/// The keys other programs rely on.
#[derive(Serialize)]
struct Report {
    experiment: String,
    unit: &'static str,
    arms: Vec<ArmCount>,
    /// Whether arms did not get their shares, so that nothing else counts; none where time is what is drawn.
    sample_ratio_alarm: Option<bool>,
    /// Sessions that the experiment did not draw.
    outside: usize,
    rows: Vec<Line>,
}

#[derive(Serialize)]
struct ArmCount {
    arm: String,
    units: usize,
    share: f64,
}

#[derive(Serialize)]
struct Line {
    metric: &'static str,
    arm: String,
    control: f64,
    treated: f64,
    difference: f64,
    /// At every look, all arms together; none while there are too few units.
    interval: Option<[f64; 2]>,
    minimum_detectable: Option<f64>,
    p_value: f64,
    /// Corrected for several arms.
    adjusted_p_value: f64,
    /// `better`, `worse` or `open`.
    verdict: &'static str,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let experiment = load(&arguments.experiment, arguments.name.as_deref())?;
    anyhow::ensure!(
        matches!(experiment.unit, Unit::Session | Unit::Stream | Unit::TimeSlice),
        "the archive does not say which {} a session belongs to, so this experiment cannot be read from it",
        experiment.unit.name()
    );
    let mut arms = vec![BTreeMap::<u64, UnitSums>::new(); experiment.arms.len()];
    let mut outside = std::collections::BTreeSet::new();
    archive::read(&arguments.archive, |report| {
        let at = Timestamp::from_micros(report.at_us);
        let subject = Subject {
            session: SessionId(report.session),
            viewer: None,
            network: NetworkId::UNKNOWN,
            stream: StreamId(report.stream),
            stream_name: &report.stream_name,
        };
        let Some(assignment) = experiment.assign(&subject, at, 1.0) else {
            outside.insert(report.session);
            return;
        };
        let unit = match experiment.unit {
            Unit::Stream => report.stream,
            Unit::TimeSlice => {
                let slice = experiment.time_slices().and_then(|slices| slices.at(experiment.salt(), at));
                slice.map_or(0, |slice| slice.number)
            }
            _ => report.session,
        };
        if assignment.is_counted {
            arms[assignment.arm].entry(unit).or_default().add(&report);
        }
    })?;
    let report = report(&experiment, &arms, outside.len(), f64::from(arguments.effect) / 100.0);
    if let Some(path) = &arguments.html {
        std::fs::write(path, page(&report)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let said = if arguments.json { format!("{}\n", serde_json::to_string(&report)?) } else { text(&report) };
    // A pipe that was closed early has had enough.
    let _ = std::io::stdout().write_all(said.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn load(path: &Path, name: Option<&str>) -> anyhow::Result<Experiment> {
    #[derive(Deserialize)]
    struct File {
        experiment: Vec<Experiment>,
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let shown = || path.display().to_string();
    let experiments = if text.trim_start().starts_with('{') {
        vec![serde_json::from_str(&text).with_context(shown)?]
    } else {
        toml::from_str::<File>(&text).map_err(|error| anyhow::anyhow!("{}: {}", shown(), error.message()))?.experiment
    };
    let names = experiments.iter().map(|experiment| experiment.name.clone()).collect::<Vec<_>>().join(", ");
    let mut wanted = experiments.into_iter().filter(|experiment| name.is_none_or(|name| experiment.name == name));
    let found = wanted.next().with_context(|| format!("{}: no such experiment; it has {names}", shown()))?;
    anyhow::ensure!(wanted.next().is_none(), "{}: several experiments; choose with --name: {names}", shown());
    found.check().with_context(shown)?;
    Ok(found)
}

fn report(experiment: &Experiment, arms: &[BTreeMap<u64, UnitSums>], outside: usize, effect: f64) -> Report {
    let shares = experiment.shares();
    let whole: f64 = shares.iter().sum();
    let counts: Vec<f64> = arms.iter().map(|units| units.len() as f64).collect();
    let planned: Vec<f64> = shares.iter().map(|share| share / whole).collect();
    let evidence = sample_ratio_e_value(&counts, &planned);
    let is_drawn = experiment.unit != Unit::TimeSlice;
    let mut rows = Vec::new();
    for metric in Metric::ALL {
        let moments = |arm: usize| UnitSums::moments(arms[arm].values(), metric);
        let Some(control) = moments(0) else { continue };
        // Every arm may miss a part of what all together may.
        let alpha = ALPHA / (arms.len() - 1) as f64;
        let planned = effect * control.ratio().abs() * (2.0 / power::units(1.0, 1.0, alpha, POWER)).sqrt();
        let sequence = (planned > 0.0).then(|| Sequence::new(planned, alpha));
        let first = rows.len();
        for arm in 1..arms.len() {
            let Some(treated) = moments(arm) else { continue };
            let comparison = Comparison::of(&control, &treated);
            let known = sequence.filter(|_| comparison.is_defined() && comparison.units >= LEAST_UNITS);
            let interval = known.map(|sequence| sequence.interval(&comparison));
            let better = |difference: f64| (difference > 0.0) == metric.more_is_better();
            let verdict = match interval {
                Some([low, high]) if low > 0.0 || high < 0.0 => {
                    if better(comparison.difference) {
                        "better"
                    } else {
                        "worse"
                    }
                }
                _ => "open",
            };
            rows.push(Line {
                metric: metric.name(),
                arm: experiment.arms[arm].name.clone(),
                control: comparison.control,
                treated: comparison.treated,
                difference: comparison.difference,
                interval,
                minimum_detectable: known
                    .map(|sequence| power::minimum_detectable(&sequence, comparison.standard_error, POWER)),
                p_value: known.map_or(1.0, |sequence| sequence.p_value(&comparison)),
                adjusted_p_value: 1.0,
                verdict,
            });
        }
        let lines = &mut rows[first..];
        let adjusted = holm(&lines.iter().map(|line| line.p_value).collect::<Vec<_>>());
        lines.iter_mut().zip(adjusted).for_each(|(line, adjusted)| line.adjusted_p_value = adjusted);
    }
    let arm_counts = experiment.arms.iter().zip(arms).zip(shares);
    Report {
        experiment: experiment.name.clone(),
        unit: experiment.unit.name(),
        arms: arm_counts
            .map(|((arm, units), share)| ArmCount { arm: arm.name.clone(), units: units.len(), share })
            .collect(),
        sample_ratio_alarm: is_drawn.then(|| evidence >= (1.0 / SAMPLE_RATIO_ALPHA).ln()),
        outside,
        rows,
    }
}

/// What one must know before reading any figure.
fn head(report: &Report) -> Vec<String> {
    let arms = report.arms.iter().map(|arm| format!("{} {} ({:.0} %)", arm.arm, arm.units, arm.share * 100.0));
    let mut lines = vec![format!(
        "{}: {}s {}; {} sessions outside",
        report.experiment,
        report.unit,
        arms.collect::<Vec<_>>().join(", "),
        report.outside
    )];
    if report.sample_ratio_alarm == Some(true) {
        lines.push(
            "Arms did not get their shares: something loses sessions of one arm, and no figure below counts."
                .to_owned(),
        );
    }
    if report.rows.iter().any(|line| line.interval.is_none()) {
        lines.push(format!(
            "Fewer than {LEAST_UNITS:.0} units in an arm, or no difference between units: no interval yet."
        ));
    }
    lines
}

fn cells(line: &Line) -> [String; 6] {
    let interval = line.interval.map_or_else(|| "not yet".to_owned(), |[low, high]| format!("{low:+.4} to {high:+.4}"));
    let detectable = line.minimum_detectable.map_or_else(|| "-".to_owned(), |least| format!("{least:.4}"));
    let values = format!("{:.4} -> {:.4}", line.control, line.treated);
    [line.metric.to_owned(), line.arm.clone(), values, interval, detectable, line.verdict.to_owned()]
}

const HEADS: [&str; 6] = ["metric", "arm", "control -> arm", "difference, 95 % at every look", "detectable", "verdict"];

fn text(report: &Report) -> String {
    let mut text = head(report).join("\n") + "\n";
    let mut row = |[metric, arm, values, interval, detectable, verdict]: [String; 6]| {
        let _ = writeln!(text, "{metric:<15} {arm:<16} {values:>22} {interval:>32} {detectable:>12}  {verdict}");
    };
    row(HEADS.map(str::to_owned));
    report.rows.iter().for_each(|line| row(cells(line)));
    text
}

fn page(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title><style>{STYLE}</style><h1>{name}</h1>",
        name = escape(&report.experiment)
    );
    for line in head(report) {
        let _ = write!(html, "<p>{}</p>", escape(&line));
    }
    let _ = write!(html, "<table><tr><th>{}</tr>", HEADS.map(escape).join("<th>"));
    for line in &report.rows {
        let _ = write!(html, "<tr><td>{}</tr>", cells(line).map(|cell| escape(&cell)).join("<td>"));
    }
    html + "</table></html>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::report::archive::PlayerReport;

    fn experiment() -> Experiment {
        let arms = serde_json::json!([{ "name": "control", "mode": "observe" }, { "name": "steered" }]);
        serde_json::from_value(serde_json::json!({ "name": "test", "arms": arms })).unwrap()
    }

    /// So many sessions of two reports each; every tenth stalls for so long.
    fn sessions(count: u64, stalled_s: f64) -> BTreeMap<u64, UnitSums> {
        let of = |session| {
            let mut sums = UnitSums::default();
            let stalled_s = if session % 10 == 0 { stalled_s } else { 0.0 };
            let report = PlayerReport {
                session,
                media_s: 150.0,
                stalled_s,
                is_stall: stalled_s > 0.0,
                bitrate_kbps: Some(3_000.0 + (session % 7) as f64),
                latency_s: Some(4.0),
                ..PlayerReport::default()
            };
            sums.add(&report);
            sums.add(&report);
            (session, sums)
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn a_difference_is_found_and_lost_sessions_are_told() {
        // Sessions of each arm, stalls of each; alarm; verdict on the stall ratio.
        let cases = [
            ([5_000, 5_000], [6.0, 3.0], false, "better"),
            ([5_000, 5_000], [3.0, 6.0], false, "worse"),
            ([5_000, 5_000], [3.0, 3.0], false, "open"),
            ([500, 500], [6.0, 1.0], false, "open"),
            ([5_000, 4_000], [6.0, 6.0], true, "open"),
        ];
        for (counts, stalls, alarm, verdict) in cases {
            let arms = [sessions(counts[0], stalls[0]), sessions(counts[1], stalls[1])];
            let report = report(&experiment(), &arms, 3, 0.1);
            let line = report.rows.iter().find(|line| line.metric == "stall_ratio").unwrap();
            assert_eq!((report.sample_ratio_alarm, line.verdict), (Some(alarm), verdict), "{counts:?} {stalls:?}");
            assert!((line.control - stalls[0] / 10.0 / (150.0 + stalls[0] / 10.0)).abs() < 1e-9);
            let (text, page) = (text(&report), page(&report));
            assert_eq!(text.contains("did not get their shares"), alarm);
            assert!(page.contains("stall_ratio") && page.ends_with("</html>\n"));
        }
    }
}
