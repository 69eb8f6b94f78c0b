//! The result on a terminal.

use super::summary::{PlayerSummary, Summary};

/// Prints a table for each player; `|` makes it a table of Markdown too.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn print(summary: &Summary<'_>) {
    print!("{}", text(summary));
}

fn text(summary: &Summary<'_>) -> String {
    let settings = summary.settings;
    let mut text = format!(
        "{} s each, the first {} s not counted; sets {}; rungs of {} to {} kbit/s; advice from {}; objective {}\n",
        settings.seconds,
        settings.warm_up,
        settings.sets.join(", "),
        settings.ladder_kbps.first().copied().unwrap_or_default(),
        settings.ladder_kbps.last().copied().unwrap_or_default(),
        match settings.advice {
            super::arguments::AdviceFrom::Server => "the server",
            super::arguments::AdviceFrom::Local => "the engine in the page",
        },
        settings.objective,
    );
    let counted = summary.pairs.iter().filter(|record| record.figures().is_some());
    let busy: Vec<f64> = counted.flat_map(|record| record.busy).collect();
    if !busy.is_empty() {
        let mean = busy.iter().sum::<f64>() / busy.len() as f64;
        let most = busy.iter().copied().fold(0.0, f64::max);
        text += &format!("machine busy {:.0} % on average, {:.0} % at most\n", 100.0 * mean, 100.0 * most);
    }
    for player in &summary.players {
        text.push('\n');
        text += &of_player(player);
    }
    text
}

fn of_player(player: &PlayerSummary) -> String {
    let name = player.player.title();
    let mut text = format!("{}: {}\n", name, counts(player));
    let Some(comparison) = &player.comparison else { return text };
    text += &format!("| {name:<22} | {:>7} | {:>7} | agent − alone (95 %)      |\n", "alone", "agent");
    text += "|------------------------|--------:|--------:|---------------------------|\n";
    for row in &comparison.rows {
        text += &format!("| {:<22} | {:>7.2} | {:>7.2} | {:<25} |\n", row.title(), row.alone, row.agent, row.change());
    }
    text += &format!("{} {}\n", comparison.verdict(), bar(player));
    for set in &player.sets {
        let picked = set.comparison.rows.iter().take(4);
        let changes: Vec<String> = picked.map(|row| format!("{} {}", row.title(), row.change())).collect();
        text += &format!("  {} ({}): {}\n", set.set, pairs(set.pairs), changes.join("; "));
    }
    text
}

/// Whether the player's bar is met.
pub(super) fn bar(player: &PlayerSummary) -> &'static str {
    if player.meets_bar { "Bar met." } else { "Bar NOT met." }
}

/// A number of pairs.
pub(super) fn pairs(count: usize) -> String {
    if count == 1 { "1 pair".to_owned() } else { format!("{count} pairs") }
}

/// How many pairs count, and what became of the others.
pub(super) fn counts(player: &PlayerSummary) -> String {
    let mut text = pairs(player.pairs);
    for (count, what) in [
        (player.machine_busy, "discarded because the machine was busy"),
        (player.browser_failed, "in which a browser failed"),
        (player.errors_alone, "with errors of the player alone"),
        (player.errors_agent, "with errors of player or agent"),
    ] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{
        arguments::PlayerName,
        summary::tests::{self, settings},
    };
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_measure() {
        let (settings, records) = (settings(), tests::pairs(3.0, 0.0));
        let text = text(&Summary::new(&settings, &[PlayerName::Dash, PlayerName::Shaka], &records));
        for expected in [
            "120 s each, the first 8 s not counted",
            "dash.js: 8 pairs, 1 discarded because the machine was busy, 1 in which a browser failed",
            "| stalled, % of the time |    8.35 |    5.70 | -2.65 (",
            "Shown, the interval is clear of zero: stalled better",
            "  walks (4 pairs): stalled",
            "Shaka: 0 pairs",
            "machine busy 45 % on average, 50 % at most",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
}
