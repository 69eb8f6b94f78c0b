//! With the agent against alone: means, paired differences and what they show.

use super::{
    arguments::PlayerName,
    journal::Settings,
    judge::Figures,
    pair::{PairRecord, PairState},
};
use crate::paired::{Interval, paired_interval};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What is compared.
pub(super) struct Measure {
    /// In tables.
    pub(super) title: &'static str,
    /// In JSON.
    key: &'static str,
    better: Better,
    pub(super) of: fn(&Figures) -> f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    Less,
    More,
    /// A price rather than an aim.
    Neither,
}

pub(super) static MEASURES: [Measure; 8] = [
    Measure { title: "stalled, % of the time", key: "stall_percent", better: Better::Less, of: |f| f.stall_percent },
    Measure { title: "stalls a minute", key: "stalls_per_min", better: Better::Less, of: |f| f.stalls_per_min },
    Measure { title: "log quality, %", key: "log_quality", better: Better::More, of: |f| f.log_quality },
    Measure { title: "switches a minute", key: "switches_per_min", better: Better::Less, of: |f| f.switches_per_min },
    Measure { title: "behind live, s", key: "latency_s", better: Better::Less, of: |f| f.latency_s },
    Measure { title: "first picture after, s", key: "startup_s", better: Better::Less, of: |f| f.startup_s },
    Measure { title: "bit rate, Mbit/s", key: "bitrate_mbps", better: Better::Neither, of: |f| f.bitrate_mbps },
    Measure { title: "egress, Mbit/s", key: "egress_mbps", better: Better::Neither, of: |f| f.egress_mbps },
];

/// Longer behind live than this is worse, seconds (the bar of the benchmark).
const LATENCY_ALLOWED_S: f64 = 0.5;

/// The whole result.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    pub(super) settings: &'a Settings,
    pub(super) players: Vec<PlayerSummary>,
    /// All pairs that were played, discarded ones too.
    pub(super) pairs: &'a [PairRecord],
}

/// One player.
#[derive(Serialize)]
pub(super) struct PlayerSummary {
    pub(super) player: PlayerName,
    /// Pairs that count.
    pub(super) pairs: usize,
    /// Pairs on a busy machine, and such in which a browser did not start or died: with the agent, or alone.
    pub(super) machine_busy: usize,
    pub(super) browser_failed: usize,
    /// Runs in which the player or the agent reported an error, of those that count.
    pub(super) errors_alone: usize,
    pub(super) errors_agent: usize,
    #[serde(flatten)]
    pub(super) comparison: Option<Comparison>,
    /// Whether the player gains and loses nothing; see [`Comparison::meets_bar`].
    pub(super) meets_bar: bool,
    /// The same for each set of traces, where there are several.
    pub(super) sets: Vec<SetSummary>,
}

/// One set of traces.
#[derive(Serialize)]
pub(super) struct SetSummary {
    pub(super) set: String,
    pub(super) pairs: usize,
    #[serde(flatten)]
    pub(super) comparison: Comparison,
}

/// Means of both arms and their paired differences, in the order of [`MEASURES`].
#[derive(Serialize)]
pub(super) struct Comparison {
    alone: Map<String, Value>,
    agent: Map<String, Value>,
    /// Agent − alone with its 95 % interval (`_ci95`) of the paired t distribution; the interval is null for a single pair.
    difference: Map<String, Value>,
    #[serde(skip)]
    pub(super) rows: Vec<Row>,
}

/// One measure.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Position in [`MEASURES`].
    measure: usize,
    pub(super) alone: f64,
    pub(super) agent: f64,
    pub(super) difference: Interval,
}

impl<'a> Summary<'a> {
    pub(super) fn new(settings: &'a Settings, players: &[PlayerName], pairs: &'a [PairRecord]) -> Self {
        Self { settings, players: players.iter().map(|player| PlayerSummary::new(*player, pairs)).collect(), pairs }
    }

    /// Whether no pair counts.
    pub(super) fn is_empty(&self) -> bool {
        self.players.iter().all(|player| player.pairs == 0)
    }
}

impl PlayerSummary {
    fn new(player: PlayerName, pairs: &[PairRecord]) -> Self {
        let of_player = || pairs.iter().filter(move |record| record.player == player);
        let count = |state| of_player().filter(|record| record.state == state).count();
        let kept: Vec<_> = of_player().filter_map(PairRecord::figures).collect();
        let names: BTreeSet<&String> = of_player().map(|record| &record.set).collect();
        let of_set = |set: &String| {
            let kept: Vec<_> =
                of_player().filter(|record| record.set == *set).filter_map(PairRecord::figures).collect();
            Some(SetSummary { set: set.clone(), pairs: kept.len(), comparison: Comparison::new(&kept)? })
        };
        let comparison = Comparison::new(&kept);
        Self {
            player,
            pairs: kept.len(),
            machine_busy: count(PairState::MachineBusy),
            browser_failed: count(PairState::BrowserFailed),
            errors_alone: kept.iter().filter(|(alone, _)| !alone.errors.is_empty()).count(),
            errors_agent: kept.iter().filter(|(_, agent)| !agent.errors.is_empty()).count(),
            meets_bar: comparison.as_ref().is_some_and(|comparison| comparison.meets_bar(player)),
            comparison,
            sets: if names.len() > 1 { names.into_iter().filter_map(of_set).collect() } else { Vec::new() },
        }
    }
}

impl Comparison {
    /// `None` of nothing.
    fn new(pairs: &[(&Figures, &Figures)]) -> Option<Self> {
        if pairs.is_empty() {
            return None;
        }
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / pairs.len() as f64;
        let row = |measure: usize| {
            let of = MEASURES[measure].of;
            let differences: Vec<f64> = pairs.iter().map(|(alone, agent)| of(agent) - of(alone)).collect();
            Row {
                measure,
                alone: mean(&mut pairs.iter().map(|(alone, _)| of(alone))),
                agent: mean(&mut pairs.iter().map(|(_, agent)| of(agent))),
                difference: paired_interval(&differences),
            }
        };
        let rows: Vec<Row> = (0..MEASURES.len()).map(row).collect();
        let map = |of: fn(&Row) -> f64| rows.iter().map(|row| (row.key().to_owned(), json!(of(row)))).collect();
        let mut difference: Map<String, Value> = map(|row| row.difference.mean);
        for row in &rows {
            let Interval { low, high, .. } = row.difference;
            // Without bounds JSON has null.
            let bounds = if low.is_finite() { json!([low, high]) } else { Value::Null };
            difference.insert(format!("{}_ci95", row.key()), bounds);
        }
        let stall = &rows[0];
        if stall.alone > 0.0 {
            difference.insert("stall_times".to_owned(), json!(stall.agent / stall.alone));
        }
        Some(Self { alone: map(|row| row.alone), agent: map(|row| row.agent), difference, rows })
    }

    /// Whether the bar is met: stalls or quality better with the interval clear of zero (for hls.js, which gives transfers up by a good
    /// rule of its own: quality), and nothing worse with the interval clear of zero but latency by at most half a second.
    pub(super) fn meets_bar(&self, player: PlayerName) -> bool {
        let better = |key: &str| self.rows.iter().any(|row| row.key() == key && row.better() == Some(true));
        let gained = better("log_quality") || (player != PlayerName::Hls && better("stall_percent"));
        let allowed = |row: &Row| row.key() == "latency_s" && row.difference.mean <= LATENCY_ALLOWED_S;
        gained && self.rows.iter().all(|row| row.better() != Some(false) || allowed(row))
    }

    /// What is shown and what is not, in two sentences.
    pub(super) fn verdict(&self) -> String {
        let (mut shown, mut open) = (Vec::new(), Vec::new());
        for row in self.rows.iter().filter(|row| MEASURES[row.measure].better != Better::Neither) {
            let name = row.title().split(',').next().unwrap_or_default();
            match row.better() {
                Some(true) => shown.push(format!("{name} better ({:+.2})", row.difference.mean)),
                Some(false) if row.key() == "latency_s" && row.difference.mean <= LATENCY_ALLOWED_S => {
                    shown.push(format!("{name} longer, within {LATENCY_ALLOWED_S} s ({:+.2})", row.difference.mean));
                }
                Some(false) => shown.push(format!("{name} WORSE ({:+.2})", row.difference.mean)),
                None => open.push(name),
            }
        }
        let list = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
        let mut text = format!("Shown, the interval is clear of zero: {list}.");
        if !open.is_empty() {
            text += &format!(" No difference shown: {}.", open.join(", "));
        }
        text
    }
}

impl Row {
    pub(super) fn title(&self) -> &'static str {
        MEASURES[self.measure].title
    }

    fn key(&self) -> &'static str {
        MEASURES[self.measure].key
    }

    /// Whether the agent is better here; nothing where the interval holds zero, and of prices.
    pub(super) fn better(&self) -> Option<bool> {
        let less = self.difference.sign()? < 0.0;
        match MEASURES[self.measure].better {
            Better::Less => Some(less),
            Better::More => Some(!less),
            Better::Neither => None,
        }
    }

    /// The difference and its interval.
    pub(super) fn change(&self) -> String {
        let Interval { mean, low, high } = self.difference;
        if low.is_finite() {
            format!("{mean:+.2} ({low:+.2} … {high:+.2})")
        } else {
            format!("{mean:+.2} (one pair)")
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{arguments::AdviceFrom, pair::Arm};
    use super::*;

    /// Pairs of dash.js in two sets: the agent stalls `stall` points less on average and is `latency_s` later.
    pub(in super::super) fn pairs(stall: f64, latency_s: f64) -> Vec<PairRecord> {
        let figures = |stall_percent: f64, latency_s: f64| Figures {
            startup_s: 1.0,
            stall_s: stall_percent,
            stall_percent,
            stalls_per_min: 0.5,
            log_quality: 60.0,
            bitrate_mbps: 3.0,
            switches_per_min: 4.0,
            latency_s,
            egress_mbps: 3.1,
            advice_answers: 50,
            errors: Vec::new(),
        };
        let record = |number: usize, state| {
            let wiggle = 0.1 * number as f64;
            PairRecord {
                player: PlayerName::Dash,
                number,
                set: ["walks", "<drives>"][number % 2].to_owned(),
                drive: format!("{number}.csv from 0 s"),
                first: Arm::order(number)[0],
                state,
                alone: Some(figures(8.0 + wiggle, 6.0)),
                agent: Some(figures(8.0 - stall + 2.0 * wiggle, 6.0 + latency_s + 0.01 * wiggle)),
                failures: Vec::new(),
                busy: [0.4, 0.5],
                load: [1.0, 1.2],
                ended_s: 1_795_392_000,
            }
        };
        let mut pairs: Vec<PairRecord> = (0..8).map(|number| record(number, PairState::Kept)).collect();
        // Neither counts, however good it looks.
        pairs.push(record(8, PairState::MachineBusy));
        pairs.push(record(9, PairState::BrowserFailed));
        pairs
    }

    pub(in super::super) fn settings() -> Settings {
        Settings {
            version: "1".into(),
            seconds: 120,
            warm_up: 8,
            ladder_kbps: vec![400, 20_000],
            advice: AdviceFrom::Server,
            objective: headroom_core::objective::Objective::default(),
            sets: vec!["walks".into(), "<drives>".into()],
            congestion_control: "bbr".into(),
        }
    }

    #[test]
    fn harm_is_named_and_an_open_question_is_left_open() {
        // (stall points less, seconds later, what the verdict says, whether the bar is met)
        for (stall, latency_s, expected, met) in [
            (3.0, 0.2, "stalled better (-2.65), behind live longer, within 0.5 s (+0.20)", true),
            (3.0, 0.8, "behind live WORSE (+0.80)", false),
            (-3.0, 0.0, "stalled WORSE (+3.35)", false),
            (0.35, 0.8, "behind live WORSE (+0.80). No difference shown: stalled, stalls a minute", false),
        ] {
            let (settings, pairs) = (settings(), pairs(stall, latency_s));
            let summary = Summary::new(&settings, &[PlayerName::Dash, PlayerName::Hls], &pairs);
            let [dash, hls] = &summary.players[..] else { panic!("two players") };
            assert_eq!((dash.pairs, dash.machine_busy, dash.browser_failed, dash.sets.len()), (8, 1, 1, 2));
            assert!(hls.comparison.is_none() && !summary.is_empty());
            let verdict = dash.comparison.as_ref().unwrap().verdict();
            assert!(verdict.contains(expected), "{verdict}");
            assert_eq!(dash.meets_bar, met, "{verdict}");
            // hls.js has to show a better picture.
            assert!(!dash.comparison.as_ref().unwrap().meets_bar(PlayerName::Hls), "{verdict}");
        }
    }

    #[test]
    fn json_has_means_differences_and_intervals() {
        let (settings, pairs) = (settings(), pairs(3.0, 0.0));
        let value = serde_json::to_value(Summary::new(&settings, &[PlayerName::Dash], &pairs)).unwrap();
        let dash = &value["players"][0];
        assert_eq!(dash["player"], "dash");
        assert!((dash["alone"]["stall_percent"].as_f64().unwrap() - 8.35).abs() < 1e-9);
        assert!(dash["difference"]["stall_percent_ci95"][1].as_f64().unwrap() < 0.0);
        assert!(dash["difference"]["stall_times"].as_f64().unwrap() < 0.7);
        assert_eq!(dash["sets"][0]["pairs"], 4);
        assert_eq!(value["pairs"].as_array().unwrap().len(), 10);
        let single = serde_json::to_value(Summary::new(&settings, &[PlayerName::Dash], &pairs[..1])).unwrap();
        assert!(single["players"][0]["difference"]["stall_percent_ci95"].is_null());
    }
}
