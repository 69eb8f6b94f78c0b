//! The report: one HTML page with its pictures inside, readable without the network.

use super::{
    pair::{PairRecord, PairState},
    summary::{Comparison, PlayerSummary, Summary},
    table::{bar, counts, pairs as number},
};
use crate::chart::{COLOURS, Chart, Dot, STYLE, escape};
use headroom_server::calendar;
use std::fmt::Write as _;

/// The whole page.
pub(super) fn page(summary: &Summary<'_>) -> String {
    let settings = summary.settings;
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Real players</title><style>{STYLE}</style>\
         <h1>Real players: alone and with the agent</h1>{}\
         <p>Chromium on emulated links. Each pair is one player on one drive, {} s as released and {} s with the agent, the first {} s not \
         counted; half of the pairs begin alone. Sets: {}. Rungs: {} kbit/s. Differences are paired; intervals: 95 %, Student's t. Bold \
         intervals do not hold zero. Log quality: mean of ln(R/lowest)/ln(top/lowest). Egress is what the link delivered.</p>",
        frontier(summary),
        settings.seconds,
        settings.seconds,
        settings.warm_up,
        escape(&settings.sets.join(", ")),
        settings.ladder_kbps.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    );
    for player in &summary.players {
        of_player(&mut html, player);
    }
    html.push_str("<h2>All pairs</h2><p>Stalled seconds, log quality, switches a minute.</p>");
    pairs(&mut html, summary.pairs);
    html.push_str("</html>\n");
    html
}

/// Stalls against quality: two dots a player.
fn frontier(summary: &Summary<'_>) -> String {
    let mut dots = Vec::new();
    for (player, colours) in summary.players.iter().zip(COLOURS.chunks(2).cycle()) {
        let Some(comparison) = &player.comparison else { continue };
        for (arm, colour) in [("alone", colours[0]), ("with agent", colours[1])] {
            let of = |title: &str| {
                let row = comparison.rows.iter().find(|row| row.title().starts_with(title));
                row.map_or(0.0, |row| if arm == "alone" { row.alone } else { row.agent })
            };
            let name = format!("{} {arm}", player.player.title());
            dots.push(Dot { name, x: of("stalled"), y: of("log quality"), colour });
        }
    }
    let most = |of: fn(&Dot) -> f64| dots.iter().map(of).fold(0.0, f64::max);
    let chart = Chart {
        title: "Quality and stalls: up and to the left is better",
        x_label: "stalled, % of the time",
        y_label: "log quality, %",
        x_range: Some((0.0, most(|dot| dot.x) * 1.1 + 0.1)),
        y_bottom: Some(0.0),
        y_top: Some((most(|dot| dot.y) * 1.1).clamp(1.0, 100.0)),
        dots,
        x_text: |x| format!("{x:.1}"),
        ..Chart::default()
    };
    chart.svg()
}

fn of_player(html: &mut String, player: &PlayerSummary) {
    let _ = write!(html, "<h2>{}</h2><p>{}.</p>", player.player.title(), counts(player));
    let Some(comparison) = &player.comparison else { return };
    table(html, comparison);
    let _ = write!(html, "<p>{} {}</p>", escape(&comparison.verdict()), bar(player));
    for set in &player.sets {
        let _ = write!(html, "<details><summary>{}, {}</summary>", escape(&set.set), number(set.pairs));
        table(html, &set.comparison);
        html.push_str("</details>");
    }
}

fn table(html: &mut String, comparison: &Comparison) {
    html.push_str("<table><tr><th></th><th>alone</th><th>agent</th><th>agent − alone (95 %)</th></tr>");
    for row in &comparison.rows {
        let change = row.change();
        let change = if row.difference.sign().is_some() { format!("<b>{change}</b>") } else { change };
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{:.2}</td><td>{:.2}</td><td>{change}</td></tr>",
            row.title(),
            row.alone,
            row.agent
        );
    }
    html.push_str("</table>");
}

fn pairs(html: &mut String, pairs: &[PairRecord]) {
    html.push_str(
        "<table><tr><th>player</th><th>pair</th><th class=\"w\">set</th><th class=\"w\">drive</th><th>first</th><th>alone</th><th>agent</th>\
         <th>machine busy, %</th><th>load</th><th>ended</th><th class=\"w\">remarks</th></tr>",
    );
    for record in pairs {
        let arm = |figures: &Option<super::judge::Figures>| {
            figures.as_ref().map_or_else(
                || "–".to_owned(),
                |figures| {
                    format!("{:.1} s, {:.0} %, {:.1}", figures.stall_s, figures.log_quality, figures.switches_per_min)
                },
            )
        };
        let state = match record.state {
            PairState::Kept => None,
            PairState::MachineBusy => Some("discarded: the machine was busy"),
            PairState::BrowserFailed => Some("discarded: a browser failed"),
        };
        let errors = record.figures().into_iter().flat_map(|(alone, agent)| alone.errors.iter().chain(&agent.errors));
        let remarks: Vec<&str> = state
            .into_iter()
            .chain(record.failures.iter().map(String::as_str))
            .chain(errors.map(String::as_str))
            .collect();
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=\"w\">{}</td><td class=\"w\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.0}, {:.0}</td>\
             <td>{:.1}, {:.1}</td><td>{}</td><td class=\"w\">{}</td></tr>",
            record.player.title(),
            record.number + 1,
            escape(&record.set),
            escape(&record.drive),
            record.first.key(),
            arm(&record.alone),
            arm(&record.agent),
            100.0 * record.busy[0],
            100.0 * record.busy[1],
            record.load[0],
            record.load[1],
            calendar::rfc3339(record.ended_s),
            escape(&remarks.join("; ")),
        );
    }
    html.push_str("</table>");
}

#[cfg(test)]
mod tests {
    use super::super::{
        arguments::PlayerName,
        summary::tests::{pairs, settings},
    };
    use super::*;

    #[test]
    fn the_page_is_whole_and_names_cannot_break_out() {
        let (settings, pairs) = (settings(), pairs(3.0, 0.0));
        let html = page(&Summary::new(&settings, &PlayerName::ALL, &pairs));
        assert!(
            html.contains("<b>-2.65 (") && html.contains("dash.js with agent") && html.contains("8.csv from 0 s"),
            "{html}"
        );
        assert!(html.contains("&lt;drives&gt;") && !html.contains("<drives>"), "{html}");
        assert!(html.ends_with("</html>\n") && !html.contains("NaN"), "{html}");
        let empty = page(&Summary::new(&settings, &PlayerName::ALL, &[]));
        assert!(empty.contains("0 pairs") && !empty.contains("NaN"), "{empty}");
    }
}
