//! The report: one HTML page with its pictures inside, readable without the network.

use super::run::Window;
use crate::chart::{COLOURS, Chart, STYLE, Series, distribution, escape};
use headroom_sim::{
    comparison::{Comparison, Row},
    contender::Contender,
    session::Step,
    profile::Profile,
    statistics,
};
use std::fmt::Write as _;

/// The whole page.
pub(super) fn page(
    profile: &Profile,
    comparison: &Comparison,
    rows: &[Row],
    windows: &[Window],
    contenders: &[Contender],
) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Adaptation: {name}</title><style>{STYLE}</style>\
         <h1>Adaptation policies, profile {name}</h1>",
        name = profile.name
    );
    let (traces, count) = rows.first().map_or((0, 0), |row| (row.traces, row.windows));
    let _ = write!(
        html,
        "<p>{count} sessions of each policy over the same windows of {traces} traces; buffer {} s, {} Mbit/s for each second of \
         stall. QoE is linear, in Mbit/s a segment. Gain and gap are against <b>{}</b>; the oracle plans five segments ahead on the \
         true trace. Intervals: 95 %, bootstrap over traces, fixed seed.</p>",
        profile.buffer_s,
        profile.stall_penalty,
        escape(&comparison.entries[comparison.reference].policy)
    );
    html.push_str(&table(rows));
    html.push_str(&distributions(comparison, rows));
    html.push_str(&reliability(rows));
    html.push_str(&one_window(profile, comparison, rows, windows, contenders));
    html.push_str("</html>\n");
    html
}

fn label(row: &Row) -> String {
    row.client.as_ref().map_or_else(|| row.policy.clone(), |client| format!("{} over {client}", row.policy))
}

fn table(rows: &[Row]) -> String {
    let mut html = String::from(
        "<table><tr><th>policy<th>QoE<th>95 %<th>gain<th>95 %<th>worst tenth<th>stall %<th>95 %<th>Mbit/s<th>switches/min\
         <th>latency s<th>gap closed<th>95 %</tr>",
    );
    let range = |[low, high]: [f64; 2]| format!("{low:.2} to {high:.2}");
    for row in rows {
        let gap = row.gap_closed.map_or_else(|| "–".to_owned(), |gap| format!("{gap:.3}"));
        let gap_range = row.gap_closed_ci95.map_or_else(|| "–".to_owned(), range);
        let _ = write!(
            html,
            "<tr><td>{}<td>{:.3}<td>{}<td>{:+.3}<td>{}<td>{:.2}<td>{:.2}<td>{}<td>{:.2}<td>{:.2}<td>{:.2}<td>{gap}<td>{gap_range}</tr>",
            escape(&label(row)),
            row.qoe_mean,
            range(row.qoe_ci95),
            row.qoe_gain,
            range(row.qoe_gain_ci95),
            row.qoe_p10,
            row.stall_ratio * 100.0,
            range(row.stall_ratio_ci95.map(|share| share * 100.0)),
            row.bitrate_mbps,
            row.switches,
            row.latency_s,
        );
    }
    html.push_str("</table>");
    html
}

/// Distributions of QoE and stall over the sessions.
fn distributions(comparison: &Comparison, rows: &[Row]) -> String {
    let series = |value: fn(&headroom_sim::score::Score) -> f64| -> Vec<Series> {
        let entries = comparison.entries.iter().zip(rows).zip(COLOURS.into_iter().cycle());
        entries
            .map(|((entry, row), colour)| Series {
                name: label(row),
                points: distribution(entry.scores.iter().map(value)),
                colour,
                steps: true,
            })
            .collect()
    };
    let all: Vec<f64> =
        comparison.entries.iter().flat_map(|entry| entry.scores.iter().map(|score| score.qoe)).collect();
    let qoe = Chart {
        title: "QoE of the sessions",
        x_label: "QoE, Mbit/s a segment (the lowest 2 % are cut off)",
        y_label: "share of sessions",
        x_range: Some((statistics::quantile(&all, 0.02), statistics::quantile(&all, 1.0))),
        y_top: Some(1.0),
        series: series(|score| score.qoe),
        ..Chart::default()
    };
    let stall = Chart {
        title: "Stalls of the sessions",
        x_label: "stall seconds for 100 s of media (beyond 30 cut off)",
        y_label: "share of sessions",
        x_range: Some((0.0, 30.0)),
        y_top: Some(1.0),
        series: series(|score| score.stall_ratio * 100.0),
        ..Chart::default()
    };
    qoe.svg() + &stall.svg()
}

/// Predicted stall risk against what happened.
fn reliability(rows: &[Row]) -> String {
    let judged: Vec<_> = rows.iter().filter_map(|row| row.risk.as_ref().map(|risk| (row, risk))).collect();
    if judged.is_empty() {
        return String::new();
    }
    let ideal =
        Series { name: "calibrated".into(), points: vec![(0.0, 0.0), (1.0, 1.0)], colour: "#c8c8c8", steps: false };
    let lines = judged.iter().zip(COLOURS.into_iter().cycle()).map(|((row, risk), colour)| Series {
        name: label(row),
        points: risk.bins.iter().map(|bin| (bin.predicted, bin.observed)).collect(),
        colour,
        steps: false,
    });
    let chart = Chart {
        title: "Stall risk: predicted and observed",
        x_label: "predicted probability of a stall while the rung chosen is held for three segments",
        y_label: "share that stalled",
        x_range: Some((0.0, 1.0)),
        y_top: Some(1.0),
        series: std::iter::once(ideal).chain(lines).collect(),
        ..Chart::default()
    };
    let mut html = String::from(
        "<h2>Is the stall risk honest?</h2><p>Brier score: mean square of risk − outcome, beside that of the constant share that \
         stalled. Calibration error: mean distance from the diagonal, by count.</p><table><tr><th>choices of<th>choices\
         <th>stalled %<th>Brier<th>constant<th>calibration error</tr>",
    );
    for (row, risk) in judged {
        let _ = write!(
            html,
            "<tr><td>{}<td>{}<td>{:.2}<td>{:.4}<td>{:.4}<td>{:.4}</tr>",
            escape(&label(row)),
            risk.count,
            risk.stalled * 100.0,
            risk.brier,
            risk.brier_base_rate,
            risk.calibration_error,
        );
    }
    html.push_str("</table>");
    html + &chart.svg()
}

/// The window whose reference is nearest to the median, played again: link, bit rates, buffers.
fn one_window(
    profile: &Profile,
    comparison: &Comparison,
    rows: &[Row],
    windows: &[Window],
    contenders: &[Contender],
) -> String {
    let qoe: Vec<f64> = comparison.entries[comparison.reference].scores.iter().map(|score| score.qoe).collect();
    let median = statistics::quantile(&qoe, 0.5);
    let typical = (0..qoe.len()).min_by(|&a, &b| (qoe[a] - median).abs().total_cmp(&(qoe[b] - median).abs()));
    let Some(window) = typical.and_then(|index| windows.get(index)) else {
        return String::new();
    };
    // Reference, oracle and the best of the rest: more lines than three hide each other.
    let others = (0..rows.len()).filter(|&index| index != comparison.reference && index != comparison.oracle);
    let best = others.max_by(|&a, &b| rows[a].qoe_mean.total_cmp(&rows[b].qoe_mean));
    let shown: Vec<usize> = [Some(comparison.reference), best, Some(comparison.oracle)].into_iter().flatten().collect();
    let (mut rates, mut buffers) = (Vec::new(), Vec::new());
    let link = window.trace.samples().iter().map(|sample| (sample.t_s, sample.throughput_kbps / 1_000.0)).collect();
    rates.push(Series { name: "link".into(), points: link, colour: "#c8c8c8", steps: true });
    let mut steps: Vec<Step> = Vec::new();
    for (&index, colour) in shown.iter().zip(COLOURS) {
        profile.play(&contenders[index], &window.video, &window.trace, &mut steps);
        let mbps = |step: &Step| window.video.ladder().bitrate(step.rung).as_mbps();
        let name = label(&rows[index]);
        let rate = steps.iter().map(|step| (step.requested_s, mbps(step))).collect();
        rates.push(Series { name: name.clone(), points: rate, colour, steps: true });
        let buffer =
            steps.iter().map(|step| (step.requested_s + step.transfer_s + step.wait_s, step.buffer_s)).collect();
        buffers.push(Series { name, points: buffer, colour, steps: false });
    }
    let top = window.video.ladder().bitrate(window.video.ladder().top()).as_mbps();
    let seconds = Some((0.0, window.trace.duration_s()));
    let rate = Chart {
        title: "Bit rate played, and the link (cut off above the ladder)",
        x_label: "seconds",
        y_label: "Mbit/s",
        x_range: seconds,
        y_top: Some(top * 1.2),
        series: rates,
        ..Chart::default()
    };
    let buffer = Chart {
        title: "Media held",
        x_label: "seconds",
        y_label: "seconds",
        x_range: seconds,
        y_top: None,
        series: buffers,
        ..Chart::default()
    };
    format!("<h2>One session: {}</h2>{}{}", escape(&window.name), rate.svg(), buffer.svg())
}
