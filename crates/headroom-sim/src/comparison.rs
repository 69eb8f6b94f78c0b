//! A comparison of contenders over the same windows: means, intervals, and how much of the gap to the oracle each closes.

use crate::{calibration::Reliability, score::Score, statistics};
use serde::Serialize;

/// The scores of one contender: one for each window, in the same order for every contender.
#[derive(Clone, Debug, PartialEq)]
pub struct ContenderScores {
    /// Name of the contender.
    pub policy: String,
    /// The policy of the client, where `policy` runs on the server.
    pub client: Option<String>,
    /// Its sessions.
    pub scores: Vec<Score>,
    /// The stall risk of its choices against what then happened, where it was sampled.
    pub risk: Option<Reliability>,
}

/// One line of the result. The names of the fields are keys that other programs read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the profile.
    pub profile: String,
    /// Contender.
    pub policy: String,
    /// `server-guided` or `in-player`.
    pub mode: &'static str,
    /// The policy of the client, where the contender runs on the server.
    pub client: Option<String>,
    /// Traces with at least one window.
    pub traces: usize,
    /// Sessions played.
    pub windows: usize,
    /// Mean QoE for each segment, Mbit/s.
    pub qoe_mean: f64,
    /// 95 % interval of `qoe_mean`; traces are resampled.
    pub qoe_ci95: [f64; 2],
    /// QoE below which the worst tenth of the sessions lie.
    pub qoe_p10: f64,
    /// Mean of QoE minus QoE of the reference in the same window.
    pub qoe_gain: f64,
    /// 95 % interval of `qoe_gain`.
    pub qoe_gain_ci95: [f64; 2],
    /// Mean stall seconds for each second of media.
    pub stall_ratio: f64,
    /// 95 % interval of `stall_ratio`.
    pub stall_ratio_ci95: [f64; 2],
    /// Mean bit rate, Mbit/s.
    pub bitrate_mbps: f64,
    /// Rung changes in a minute of media.
    pub switches: f64,
    /// Mean distance behind live, seconds.
    pub latency_s: f64,
    /// (QoE − reference) / (oracle − reference), of the means; none where the oracle is not ahead.
    pub gap_closed: Option<f64>,
    /// 95 % interval of `gap_closed`.
    pub gap_closed_ci95: Option<[f64; 2]>,
    /// The engine's stall risk of its choices against what then happened, of policies in the player.
    pub risk: Option<Reliability>,
}

/// The scores of all contenders over the same windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the profile.
    pub profile: String,
    /// Index of the trace each window was cut from, ascending.
    pub trace_of_window: Vec<usize>,
    /// One for each contender.
    pub entries: Vec<ContenderScores>,
    /// Position in `entries` of the reference of `qoe_gain` and `gap_closed`.
    pub reference: usize,
    /// Position in `entries` of the oracle.
    pub oracle: usize,
}

/// Seed of every bootstrap: the same scores give the same intervals.
const BOOTSTRAP_SEED: u64 = 7;

impl Comparison {
    /// One row for each entry, in their order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let groups = self.groups();
        self.entries.iter().map(|entry| self.row(entry, &groups)).collect()
    }

    /// This comparison and another of the same contenders on other traces. Risk samples are not joined.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        let traces = self.trace_of_window.last().map_or(0, |last| last + 1);
        self.trace_of_window.extend(other.trace_of_window.iter().map(|trace| traces + trace));
        for (entry, more) in self.entries.iter_mut().zip(other.entries) {
            entry.scores.extend(more.scores);
            entry.risk = None;
        }
        self
    }

    /// The windows of each trace.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut last = None;
        for (window, &trace) in self.trace_of_window.iter().enumerate() {
            if last != Some(trace) {
                groups.push(Vec::new());
                last = Some(trace);
            }
            if let Some(group) = groups.last_mut() {
                group.push(window);
            }
        }
        groups
    }

    fn row(&self, entry: &ContenderScores, groups: &[Vec<usize>]) -> Row {
        let qoe_of = |entry: &ContenderScores| entry.scores.iter().map(|score| score.qoe).collect::<Vec<_>>();
        let (qoe, reference, oracle) =
            (qoe_of(entry), qoe_of(&self.entries[self.reference]), qoe_of(&self.entries[self.oracle]));
        let stall: Vec<f64> = entry.scores.iter().map(|score| score.stall_ratio).collect();
        let gain: Vec<f64> = qoe.iter().zip(&reference).map(|(qoe, reference)| qoe - reference).collect();
        let room: Vec<f64> = oracle.iter().zip(&reference).map(|(oracle, reference)| oracle - reference).collect();
        let mean_of = |field: fn(&Score) -> f64| statistics::mean(&entry.scores.iter().map(field).collect::<Vec<_>>());
        let interval = |values: &[f64]| {
            statistics::bootstrap(groups.len(), BOOTSTRAP_SEED, |drawn| {
                total(values, groups, drawn) / count(groups, drawn)
            })
        };
        let has_room = room.iter().sum::<f64>() > 0.0;
        Row {
            profile: self.profile.clone(),
            policy: entry.policy.clone(),
            mode: if entry.client.is_some() { "server-guided" } else { "in-player" },
            client: entry.client.clone(),
            traces: groups.len(),
            windows: qoe.len(),
            qoe_mean: statistics::mean(&qoe),
            qoe_ci95: interval(&qoe),
            qoe_p10: statistics::quantile(&qoe, 0.1),
            qoe_gain: statistics::mean(&gain),
            qoe_gain_ci95: interval(&gain),
            stall_ratio: statistics::mean(&stall),
            stall_ratio_ci95: interval(&stall),
            bitrate_mbps: mean_of(|score| score.bitrate_mbps),
            switches: mean_of(|score| score.switches),
            latency_s: mean_of(|score| score.latency_s),
            risk: entry.risk.clone(),
            gap_closed: has_room.then(|| gain.iter().sum::<f64>() / room.iter().sum::<f64>()),
            gap_closed_ci95: has_room.then(|| {
                statistics::bootstrap(groups.len(), BOOTSTRAP_SEED, |drawn| {
                    total(&gain, groups, drawn) / total(&room, groups, drawn)
                })
            }),
        }
    }
}

/// Sum of the values of the groups drawn.
fn total(values: &[f64], groups: &[Vec<usize>], drawn: &[usize]) -> f64 {
    drawn.iter().flat_map(|&group| &groups[group]).map(|&window| values[window]).sum()
}

/// How many values the groups drawn hold.
fn count(groups: &[Vec<usize>], drawn: &[usize]) -> f64 {
    drawn.iter().map(|&group| groups[group].len()).sum::<usize>() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_way_to_the_oracle_closes_half_the_gap() {
        let entry = |policy: &str, qoe: &[f64]| ContenderScores {
            policy: policy.to_owned(),
            client: None,
            risk: None,
            scores: qoe.iter().map(|&qoe| Score { qoe, ..Score::default() }).collect(),
        };
        let comparison = Comparison {
            profile: "test".into(),
            trace_of_window: vec![0, 0, 3, 3],
            entries: vec![
                entry("throughput", &[1.0, 2.0, 3.0, 4.0]),
                entry("ours", &[2.0, 3.0, 4.0, 5.0]),
                entry("oracle", &[3.0, 4.0, 5.0, 6.0]),
            ],
            reference: 0,
            oracle: 2,
        };
        let rows = comparison.rows();
        assert_eq!((rows[1].traces, rows[1].windows), (2, 4));
        assert_eq!(rows[1].gap_closed, Some(0.5));
        // The gain is 1 in every window, so whatever traces are drawn it stays 1, while the means move.
        assert_eq!(rows[1].qoe_gain_ci95, [1.0, 1.0]);
        assert_eq!(rows[1].qoe_ci95, [2.5, 4.5]);
        assert_eq!(rows[0].gap_closed, Some(0.0));
        assert_eq!(rows[2].gap_closed, Some(1.0));
        assert_eq!(rows, comparison.rows());
        let twice = comparison.clone().joined(comparison.clone()).rows();
        assert_eq!((twice[1].traces, twice[1].windows, twice[1].gap_closed), (4, 8, Some(0.5)));
    }
}
