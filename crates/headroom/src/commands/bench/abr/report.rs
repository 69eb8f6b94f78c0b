//! The report: one HTML page with its pictures inside, readable without the network.

use super::{
    run::{Lineup, Window},
    table::label,
};
use crate::chart::{COLOURS, Chart, Dot, STYLE, Series, distribution, escape};
use headroom_sim::{
    comparison::{Comparison, Delta, Row},
    contender::Contender,
    profile::Profile,
    score::Score,
    session::Step,
    statistics,
};
use std::fmt::Write as _;

/// The whole page: pictures of all sets together, a table of each.
pub(super) fn page(
    profile: &Profile,
    comparisons: &[Comparison],
    rows: &[Vec<Row>],
    windows: &[Window],
    lineup: &Lineup,
) -> String {
    let name = escape(profile.name);
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Adaptation: {name}</title><style>{STYLE}</style>\
         <h1>Adaptation policies, profile {name}</h1>"
    );
    // The last set is all of them together, where there are several.
    let (Some(together), Some(together_rows)) = (comparisons.last(), rows.last()) else {
        return html;
    };
    html.push_str(&frontier(together, together_rows));
    let _ = write!(
        html,
        "<p>The same windows for every policy. Differences are to <b>{}</b> alone in the same windows; intervals: 95 %, bootstrap over \
         traces, fixed seed. b/w: traces that stall less, or more, by over 0.1 points. Log quality: mean of ln(R/lowest)/ln(top/lowest). \
         Egress counts abandoned transfers.</p>",
        escape(&together.contenders[together.alone].policy)
    );
    for (comparison, rows) in comparisons.iter().zip(rows) {
        let (traces, count) = rows.first().map_or((0, 0), |row| (row.traces, row.windows));
        let _ = write!(html, "<h2>{}: {count} windows of {traces} traces</h2>", escape(&comparison.set));
        html.push_str(&table(rows));
        if comparison.oracle.is_some() {
            html.push_str(&gaps(profile, comparison, rows));
        }
    }
    html.push_str(&distributions(together, together_rows));
    for rows in rows.iter().take(1) {
        html.push_str(&reliability(rows));
    }
    if let (Some(first), Some(rows)) = (comparisons.first(), rows.first()) {
        html.push_str(&one_window(profile, first, rows, windows, &lineup.contenders));
    }
    html.push_str("</html>\n");
    html
}

/// Stalls against quality, one dot a contender: up and to the left is better.
fn frontier(comparison: &Comparison, rows: &[Row]) -> String {
    let dots: Vec<Dot> = rows
        .iter()
        .zip(COLOURS.into_iter().cycle())
        .map(|(row, colour)| Dot { name: label(row), x: row.stall_ratio * 100.0, y: row.log_quality, colour })
        .collect();
    let range = |values: &dyn Fn(&Dot) -> f64| {
        let (low, high) = dots
            .iter()
            .map(values)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let margin = ((high - low) * 0.1).max(0.01);
        ((low - margin).max(0.0), high + margin)
    };
    let ((left, right), (bottom, top)) = (range(&|dot| dot.x), range(&|dot| dot.y));
    let title = format!("Quality and stalls, {}: up and to the left is better", comparison.set);
    let chart = Chart {
        title: &title,
        x_label: "stall seconds for 100 s of media",
        y_label: "log quality, %",
        x_range: Some((left, right)),
        y_bottom: Some(bottom),
        y_top: Some(top),
        dots,
        x_text: |x| format!("{x:.2}"),
        ..Chart::default()
    };
    chart.svg()
}

fn table(rows: &[Row]) -> String {
    let mut html = String::from(
        "<table><tr><th>policy<th>stall %<th>95 %<th>stalls/min<th>points<th>95 %<th>times<th>95 %<th>b/w<th>log %<th>±<th>95 %<th>MOS<th>±\
         <th>switches/min<th>times<th>latency s<th>±<th>Mbit/s<th>egress<th>±<th>recovery s</tr>",
    );
    let range = |[low, high]: [f64; 2]| format!("{low:.2} to {high:.2}");
    for row in rows {
        let delta = row.delta.as_ref();
        let signed = |value: fn(&Delta) -> f64| delta.map_or_else(dash, |delta| format!("{:+.2}", value(delta)));
        let interval = |value: fn(&Delta) -> Option<[f64; 2]>| delta.and_then(value).map_or_else(dash, range);
        let times =
            |value: fn(&Delta) -> Option<f64>| delta.and_then(value).map_or_else(dash, |times| format!("{times:.2}"));
        let cells = [
            escape(&label(row)),
            format!("{:.2}", row.stall_ratio * 100.0),
            range(row.stall_ratio_ci95.map(|share| share * 100.0)),
            format!("{:.2}", row.stall_events_per_min),
            signed(|delta| delta.stall_points),
            interval(|delta| Some(delta.stall_points_ci95)),
            times(|delta| delta.stall_times),
            interval(|delta| delta.stall_times_ci95),
            row.traces_better.zip(row.traces_worse).map_or_else(dash, |(better, worse)| format!("{better}/{worse}")),
            format!("{:.1}", row.log_quality),
            signed(|delta| delta.log_quality),
            interval(|delta| Some(delta.log_quality_ci95)),
            format!("{:.2}", row.mos),
            signed(|delta| delta.mos),
            format!("{:.1}", row.switches),
            times(|delta| delta.switches_times),
            format!("{:.2}", row.latency_s),
            signed(|delta| delta.latency_s),
            format!("{:.2}", row.bitrate_mbps),
            format!("{:.2}", row.egress_mbps),
            signed(|delta| delta.egress_mbps),
            row.recovery_s.map_or_else(dash, |seconds| format!("{seconds:.1}")),
        ];
        let _ = write!(html, "<tr><td>{}</tr>", cells.join("<td>"));
    }
    html.push_str("</table>");
    html
}

fn dash() -> String {
    "–".to_owned()
}

/// Linear QoE, and how much of the gap between the reference and the oracle each policy closes.
fn gaps(profile: &Profile, comparison: &Comparison, rows: &[Row]) -> String {
    let mut html = format!(
        "<p>Linear QoE, Mbit/s a segment, {} Mbit/s for each second of stall; gain and gap against <b>{}</b>; the oracle plans five segments \
         ahead on the true trace.</p><table><tr><th>policy<th>QoE<th>95 %<th>worst tenth<th>gain<th>95 %<th>gap closed<th>95 %</tr>",
        profile.stall_penalty,
        escape(&comparison.contenders[comparison.reference].policy)
    );
    let range = |[low, high]: [f64; 2]| format!("{low:.2} to {high:.2}");
    for row in rows {
        let gap = row.gap_closed.map_or_else(dash, |gap| format!("{gap:.3}"));
        let _ = write!(
            html,
            "<tr><td>{}<td>{:.3}<td>{}<td>{:.2}<td>{:+.3}<td>{}<td>{gap}<td>{}</tr>",
            escape(&label(row)),
            row.qoe_mean,
            range(row.qoe_ci95),
            row.qoe_p10,
            row.qoe_gain,
            range(row.qoe_gain_ci95),
            row.gap_closed_ci95.map_or_else(dash, range),
        );
    }
    html.push_str("</table>");
    html
}

/// Distributions of log quality and stall over the sessions.
fn distributions(comparison: &Comparison, rows: &[Row]) -> String {
    let series = |value: fn(&Score) -> f64| -> Vec<Series> {
        let contenders = comparison.contenders.iter().zip(rows).zip(COLOURS.into_iter().cycle());
        contenders
            .map(|((contender, row), colour)| Series {
                name: label(row),
                points: distribution(contender.scores.iter().map(value)),
                colour,
                steps: true,
            })
            .collect()
    };
    let quality = Chart {
        title: "Log quality of the sessions",
        x_label: "log quality, %",
        y_label: "share of sessions",
        x_range: Some((0.0, 100.0)),
        y_top: Some(1.0),
        series: series(|score| score.log_quality),
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
    quality.svg() + &stall.svg()
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

/// The window whose quality of the client alone is nearest to the median, played again: link, bit rates, buffers.
fn one_window(
    profile: &Profile,
    comparison: &Comparison,
    rows: &[Row],
    windows: &[Window],
    contenders: &[Contender],
) -> String {
    let quality: Vec<f64> =
        comparison.contenders[comparison.alone].scores.iter().map(|score| score.log_quality).collect();
    let median = statistics::quantile(&quality, 0.5);
    let distance = |window: usize| (quality[window] - median).abs();
    let typical = (0..quality.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let Some(window) = typical.and_then(|index| windows.get(index)) else {
        return String::new();
    };
    // The client alone, the oracle and the best of the rest by opinion score: more lines than three hide each other.
    let others = (0..rows.len()).filter(|&index| index != comparison.alone && Some(index) != comparison.oracle);
    let best = others.max_by(|&a, &b| rows[a].mos.total_cmp(&rows[b].mos));
    let shown: Vec<usize> = [Some(comparison.alone), best, comparison.oracle].into_iter().flatten().collect();
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
