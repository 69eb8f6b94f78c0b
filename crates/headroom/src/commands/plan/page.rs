//! The report: one HTML page with its charts inside, readable without the network.

use super::wording::{fit, hour, rate};
use crate::chart::{Band, COLOURS, Chart, STYLE, Series, escape};
use headroom_server::plan::{Forecast, HOUR_S, Line, Plan, Skill};
use std::fmt::Write as _;

/// What the axis of sessions is called.
const SESSIONS: &str = "sessions";

/// Groups drawn one by one.
const DRAWN: usize = 6;

/// Factors on the audience in the table of what breaks what.
const FACTORS: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];

pub(super) fn page(plan: &Plan, unchanged: &Plan, skill: Skill) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Capacity plan</title><style>{STYLE}</style><h1>Capacity plan</h1>\
         <p>From {}: {} whole hours, {} of them without a value and filled. {} hours from {} UTC. Shaded: what eight in ten hours \
         fall into.</p>",
        escape(&plan.source),
        plan.past_hours,
        plan.filled_hours,
        plan.hours,
        hour(plan.from_s)
    );
    let changed = plan.scenario != unchanged.scenario;
    if changed {
        let _ = write!(html, "<p><b>What if:</b> {}</p>", escape(&question(plan)));
    }
    // One unit for all charts of the page: that in which its largest value is readable.
    let largest = plan.total.peak.p90_kbps.max(unchanged.total.peak.p90_kbps);
    let (unit, scale): (&str, fn(f64) -> f64) =
        if largest >= 1e7 { ("Gbit/s", |kbps| kbps / 1e6) } else { ("Mbit/s", |kbps| kbps / 1e3) };
    let other = changed.then_some(&unchanged.total);
    html.push_str(&chart(
        "Egress of everything",
        unit,
        plan,
        &plan.total,
        other,
        |line| &line.egress_kbps,
        |line| &line.past.egress_kbps,
        scale,
    ));
    html.push_str(&chart(
        "Sessions of everything",
        SESSIONS,
        plan,
        &plan.total,
        other,
        |line| &line.sessions,
        |line| &line.past.sessions,
        |value| value,
    ));
    html.push_str(&peaks(plan));
    html.push_str(&breaks(plan));
    html.push_str(&pathways(plan));
    for group in plan.groups.iter().filter(|group| !group.lost).take(DRAWN) {
        let title = format!("Egress of {}", group.name.as_deref().unwrap_or_default());
        html.push_str(&chart(
            &title,
            unit,
            plan,
            group,
            None,
            |line| &line.egress_kbps,
            |line| &line.past.egress_kbps,
            scale,
        ));
    }
    html.push_str(&method(skill));
    html.push_str("</html>\n");
    html
}

fn question(plan: &Plan) -> String {
    let scenario = &plan.scenario;
    let mut parts = vec![format!("{} × the viewers", scenario.viewers)];
    if !scenario.ladder.is_empty() {
        parts.push(format!("ladder {:?} kbit/s: {:.2} × the egress of a session", scenario.ladder, plan.ladder_factor));
    }
    if !scenario.lost.is_empty() {
        parts.push(format!("lost: {}", scenario.lost.join(", ")));
    }
    if let Some(segments) = plan.segments {
        parts.push(format!(
            "segments of {} s: {} requests/s at the peak, at least {} s behind live",
            segments.segment_s, segments.peak_requests_per_s, segments.latency_floor_s
        ));
    }
    parts.join("; ")
}

#[expect(clippy::too_many_arguments, reason = "one call for each chart of the page, all of them next to each other")]
fn chart(
    title: &str,
    unit: &str,
    plan: &Plan,
    line: &Line,
    other: Option<&Line>,
    forecast: fn(&Line) -> &Forecast,
    past: fn(&Line) -> &Vec<f64>,
    scale: fn(f64) -> f64,
) -> String {
    let at = |hour: usize| (plan.from_s + hour as u64 * HOUR_S) as f64;
    let ahead = |values: &[f64]| -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(hour, &value)| (at(hour), scale(value))).collect()
    };
    let before = past(line);
    let start = plan.from_s - before.len() as u64 * HOUR_S;
    let was = before.iter().enumerate().map(|(hour, &value)| ((start + hour as u64 * HOUR_S) as f64, scale(value)));
    let mut series = vec![
        Series { name: "was".into(), points: was.collect(), colour: COLOURS[6], steps: false },
        Series { name: "likely".into(), points: ahead(&forecast(line).p50), colour: COLOURS[0], steps: false },
    ];
    if let Some(other) = other {
        series.push(Series {
            name: "as it is".into(),
            points: ahead(&forecast(other).p50),
            colour: COLOURS[2],
            steps: false,
        });
    }
    if let Some(saturation) = line.saturation.filter(|_| unit != SESSIONS) {
        let limit = scale(saturation.capacity_kbps);
        let points = vec![(start as f64, limit), (at(plan.hours), limit)];
        series.push(Series { name: "capacity".into(), points, colour: COLOURS[1], steps: false });
    }
    let Forecast { p10, p90, .. } = forecast(line);
    let edges = p10.iter().zip(p90).enumerate().map(|(hour, (&low, &high))| (at(hour), scale(low), scale(high)));
    let band = Band { name: "10–90 %".into(), points: edges.collect(), colour: COLOURS[0] };
    let x_text = |at_s: f64| hour(at_s as u64)[5..10].to_owned();
    let x_unit = 24.0 * HOUR_S as f64;
    Chart { title, x_label: "days, UTC", y_label: unit, series, band: Some(band), x_text, x_unit, ..Chart::default() }
        .svg()
}

fn peaks(plan: &Plan) -> String {
    let mut html = String::from(
        "<h2>Peaks</h2><table><tr><th><th>hour (UTC)<th>sessions<th>likely<th>one time in ten above<th>growth a week<th class=\"w\">capacity</tr>",
    );
    for line in std::iter::once(&plan.total).chain(&plan.groups) {
        let growth = line
            .growth_per_week
            .map_or_else(|| "not told from chance".to_owned(), |growth| format!("{:+.1} %", growth * 100.0));
        let _ = write!(
            html,
            "<tr><td>{}<td>{}<td>{:.0}<td>{}<td>{}<td>{growth}<td class=\"w\">{}</tr>",
            escape(line.name.as_deref().unwrap_or("everything")),
            if line.lost { "lost".to_owned() } else { hour(line.peak.at_s) },
            line.peak.sessions,
            rate(line.peak.p50_kbps),
            rate(line.peak.p90_kbps),
            line.saturation.as_ref().map_or_else(|| "unknown".to_owned(), fit),
        );
    }
    html + "</table>"
}

/// What load breaks what.
fn breaks(plan: &Plan) -> String {
    let lines = std::iter::once(&plan.total)
        .chain(&plan.groups)
        .filter_map(|line| Some((line.name.as_deref().unwrap_or("everything"), line.saturation?)));
    let known: Vec<_> =
        lines.chain(plan.pathways.iter().filter_map(|way| Some((way.name.as_str(), way.saturation?)))).collect();
    if known.is_empty() {
        return "<p>No capacity is known, so nothing is said of saturation: name capacities in [plan] of the configuration or \
                with --capacity-mbps.</p>"
            .to_owned();
    }
    let mut html = String::from("<h2>What load breaks what</h2><table><tr><th>likely peak over capacity");
    for factor in FACTORS {
        let _ = write!(html, "<th>{factor} × viewers");
    }
    html.push_str("<th>breaks at</tr>");
    for (name, saturation) in known {
        let _ = write!(html, "<tr><td>{}", escape(name));
        for factor in FACTORS {
            let share = saturation.utilisation * factor;
            let mark = if share >= 1.0 { " style=\"color:#b3261e;font-weight:600\"" } else { "" };
            let _ = write!(html, "<td{mark}>{:.0} %", share * 100.0);
        }
        let _ = write!(html, "<td>{:.2} × viewers</tr>", 1.0 / saturation.utilisation.max(1e-9));
    }
    html + "</table>"
}

fn pathways(plan: &Plan) -> String {
    if plan.pathways.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<h2>Pathways</h2><table><tr><th><th>share<th>peak<th>10⁹ bytes<th>cost<th>10 %<th>90 %<th class=\"w\">capacity</tr>",
    );
    for pathway in &plan.pathways {
        let [low, likely, high] = pathway.cost;
        let _ = write!(
            html,
            "<tr><td>{}{}<td>{:.0} %<td>{}<td>{:.0}<td>{likely:.2} {currency}<td>{low:.2}<td>{high:.2}<td class=\"w\">{}</tr>",
            escape(&pathway.name),
            if pathway.lost { " (lost)" } else { "" },
            pathway.share * 100.0,
            rate(pathway.peak_kbps),
            pathway.gigabytes[1],
            pathway.saturation.as_ref().map_or_else(|| "unknown".to_owned(), fit),
            currency = escape(&plan.currency),
        );
    }
    html + "</table><p>The 10 and 90 % of a cost take all hours as low or high together, so they lie further apart than a sum's own.</p>"
}

fn method(skill: Skill) -> String {
    let error = skill.over_naive.map_or_else(
        || "The past is too even to say how good that is.".to_owned(),
        |over| {
            format!(
                "On this very past, asked {} times at earlier days, it erred <b>{over:.2}</b> times as much as repeating last week.",
                skill.origins
            )
        },
    );
    format!(
        "<h2>How it is made</h2><p>Logarithms of hourly means; the rhythm of day and week by MSTL; what is left as a slow level and \
         a deviation that dies away; growth as a median slope, where it is more than chance; a quarter of last week again. The \
         interval comes from the errors of earlier forecasts. {error} No event that nobody announced is foreseen, and growth beyond \
         the hours shown is a continuation, not a forecast.</p>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_server::plan::{Demand, Outlook, Pathway, Scenario, Settings};
    use std::collections::BTreeMap;

    #[test]
    fn a_report_stands_alone_and_names_stay_text() {
        let mut table = "at,stream,sessions,egress_kbps\n".to_owned();
        for hour in 0..6 * 24 {
            let load = 100 + 50 * (hour % 24);
            let _ = writeln!(table, "{},<script>x,{load},{}", hour * 3_600, load * 2_000);
            let _ = writeln!(table, "{},plain,{load},{}", hour * 3_600, load * 1_000);
        }
        let outlook = Outlook::of(Demand::of_table(&table, "stream", "a & b.csv").unwrap()).unwrap();
        let pathway = Pathway { name: "<b>".into(), share: 1.0, price_per_gb: 0.01, capacity_mbps: 100.0 };
        let settings = Settings { pathways: vec![pathway], capacity_mbps: 9_000.0, ..Settings::default() };
        let ask = |scenario: &Scenario| outlook.plan(48, scenario, &settings, &BTreeMap::new()).unwrap();
        let plan = ask(&Scenario { viewers: 2.0, segment_s: Some(2.0), ..Scenario::default() });
        let html = page(&plan, &ask(&Scenario::default()), outlook.skill());
        assert!(
            html.contains("a &amp; b.csv")
                && html.contains("2 × the viewers")
                && html.contains("What load breaks what")
        );
        assert!(!html.contains("<script") && !html.contains("<b></td>") && !html.contains("http"), "{html}");
        assert!(!html.contains("NaN") && !html.contains(">inf"), "{html}");
        assert_eq!(html.matches("<svg").count(), 4);
        let text = super::super::text::text(&plan, &ask(&Scenario::default()), outlook.skill());
        assert!(text.contains("What if: 2 × the viewers, segments of 2 s") && text.contains("breaks at"), "{text}");
    }
}
