//! A plan for the terminal.

use super::wording::{fit, hour, rate};
use headroom_server::plan::{Line, Plan, Skill};
use std::fmt::Write as _;

pub(super) fn text(plan: &Plan, unchanged: &Plan, skill: Skill) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "From {}: {} hours of past, {} of them filled. {} hours from {} UTC.",
        plan.source,
        plan.past_hours,
        plan.filled_hours,
        plan.hours,
        hour(plan.from_s)
    );
    if let Some(over) = skill.over_naive {
        let verdict = if over < 1.0 { "better" } else { "NOT better" };
        let _ = writeln!(
            text,
            "On this past the forecast erred {over:.2} times as much as repeating last week ({verdict}; {} earlier forecasts).",
            skill.origins
        );
    }
    let scenario = &plan.scenario;
    let mut changes = Vec::new();
    if scenario.viewers != 1.0 {
        changes.push(format!("{} × the viewers", scenario.viewers));
    }
    if !scenario.ladder.is_empty() {
        let rates: Vec<String> = scenario.ladder.iter().map(u32::to_string).collect();
        changes.push(format!(
            "the ladder {} kbit/s ({:.2} × the egress of a session)",
            rates.join(", "),
            plan.ladder_factor
        ));
    }
    if !scenario.lost.is_empty() {
        changes.push(format!("{} lost", scenario.lost.join(" and ")));
    }
    if let Some(segments) = plan.segments {
        changes.push(format!(
            "segments of {} s ({} requests/s at the peak, {} s behind live at least)",
            segments.segment_s, segments.peak_requests_per_s, segments.latency_floor_s
        ));
    }
    if !changes.is_empty() {
        let _ = writeln!(
            text,
            "What if: {}. Peak {} instead of {}.",
            changes.join(", "),
            rate(plan.total.peak.p50_kbps),
            rate(unchanged.total.peak.p50_kbps)
        );
    }
    let _ = writeln!(
        text,
        "\n{:<22} {:>16} {:>9} {:>13} {:>13} {:>9}",
        "", "peak (UTC)", "sessions", "likely", "1 in 10 above", "a week"
    );
    line(&mut text, "everything", &plan.total);
    for group in &plan.groups {
        line(&mut text, group.name.as_deref().unwrap_or_default(), group);
    }
    if !plan.pathways.is_empty() {
        let _ = writeln!(
            text,
            "\n{:<22} {:>6} {:>13} {:>12} {:>28}",
            "pathway", "share", "peak", "10⁹ bytes", "cost (10 … 90 %)"
        );
    }
    for pathway in &plan.pathways {
        let [low, likely, high] = pathway.cost;
        let cost = format!("{likely:.0} {} ({low:.0} … {high:.0})", plan.currency);
        let _ = writeln!(
            text,
            "{:<22} {:>4.0} % {:>13} {:>12.0} {cost:>28}{}",
            pathway.name,
            pathway.share * 100.0,
            rate(pathway.peak_kbps),
            pathway.gigabytes[1],
            pathway.saturation.as_ref().map_or_else(String::new, |saturation| format!("\n    {}", fit(saturation))),
        );
    }
    text
}

fn line(text: &mut String, name: &str, line: &Line) {
    let growth = line.growth_per_week.map_or_else(|| "–".to_owned(), |growth| format!("{:+.1} %", growth * 100.0));
    let _ = writeln!(
        text,
        "{name:<22} {:>16} {:>9.0} {:>13} {:>13} {growth:>9}{}",
        if line.lost { "lost".to_owned() } else { hour(line.peak.at_s) },
        line.peak.sessions,
        rate(line.peak.p50_kbps),
        rate(line.peak.p90_kbps),
        line.saturation.as_ref().map_or_else(String::new, |saturation| format!("\n    {}", fit(saturation))),
    );
}
