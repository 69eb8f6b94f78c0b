//! One line of the result.

use super::{
    paired::{Delta, Paired},
    scores::{Comparison, ContenderScores},
    traces::Traces,
};
use crate::{calibration::Reliability, score::Score, statistics};
use serde::Serialize;

/// One contender on one set of traces. The names of the fields are keys that other programs read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the profile.
    pub profile: String,
    /// Name of the set of traces; `pooled` for all sets together.
    pub set: String,
    /// Name of the contender.
    pub policy: String,
    /// `server-guided`, `advised` or `in-player`.
    pub mode: &'static str,
    /// The policy of the client, where the contender runs on the server.
    pub client: Option<String>,
    /// What the engine optimises, where it has a choice.
    pub objective: Option<String>,
    /// Traces with at least one window.
    pub traces: usize,
    /// Sessions played.
    pub windows: usize,
    /// Mean stall seconds for each second of media.
    pub stall_ratio: f64,
    /// 95 % interval of `stall_ratio`.
    pub stall_ratio_ci95: [f64; 2],
    /// Stalls in a minute of media.
    pub stall_events_per_min: f64,
    /// Mean of ln(R / lowest) / ln(top / lowest), %.
    pub log_quality: f64,
    /// Mean opinion score of the model, 1 to 5.
    pub mos: f64,
    /// Rung changes in a minute of media.
    pub switches: f64,
    /// Mean distance behind live, seconds.
    pub latency_s: f64,
    /// Mean bit rate, Mbit/s.
    pub bitrate_mbps: f64,
    /// Bits sent, abandoned transfers included, for each second of media, Mbit/s.
    pub egress_mbps: f64,
    /// Mean time to recover from a drop of the link, seconds, over windows with a drop.
    pub recovery_s: Option<f64>,
    /// Differences to the client alone in the same windows; none for the client itself.
    pub delta: Option<Delta>,
    /// Traces whose stall ratio is more than 0.1 points below that of the client alone.
    pub traces_better: Option<usize>,
    /// Traces whose stall ratio is more than 0.1 points above it.
    pub traces_worse: Option<usize>,
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
    /// (QoE − reference) / (oracle − reference), of the means; none where the oracle is not ahead or takes no part.
    pub gap_closed: Option<f64>,
    /// 95 % interval of `gap_closed`.
    pub gap_closed_ci95: Option<[f64; 2]>,
    /// The engine's stall risk of its choices against what then happened, of policies in the player.
    pub risk: Option<Reliability>,
}

impl Comparison {
    /// One row for each contender, in their order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let traces = Traces::of(&self.trace_of_window);
        self.contenders.iter().map(|contender| Row::of(self, contender, &traces)).collect()
    }
}

impl Row {
    fn of(comparison: &Comparison, contender: &ContenderScores, traces: &Traces) -> Self {
        let of = |contender: &ContenderScores, field: fn(&Score) -> f64| -> Vec<f64> {
            contender.scores.iter().map(field).collect()
        };
        let mean_of = |field: fn(&Score) -> f64| statistics::mean(&of(contender, field));
        let qoe_of = |contender: &ContenderScores| of(contender, |score| score.qoe);
        let (qoe, reference) = (qoe_of(contender), qoe_of(&comparison.contenders[comparison.reference]));
        let gain = differences(&qoe, &reference);
        let room = comparison
            .oracle
            .map(|oracle| differences(&qoe_of(&comparison.contenders[oracle]), &reference))
            .filter(|room| room.iter().sum::<f64>() > 0.0);
        let stall = of(contender, |score| score.stall_ratio);
        let recovery: Vec<f64> = contender.scores.iter().filter_map(|score| score.recovery_s).collect();
        let alone = &comparison.contenders[comparison.alone];
        let is_alone = std::ptr::eq(alone, contender);
        let paired = (!is_alone).then(|| Paired::of(&contender.scores, &alone.scores, traces));
        Self {
            profile: comparison.profile.clone(),
            set: comparison.set.clone(),
            policy: contender.policy.clone(),
            mode: if contender.client.is_some() { comparison.mode } else { "in-player" },
            client: contender.client.clone(),
            objective: contender.objective.clone(),
            traces: traces.count(),
            windows: qoe.len(),
            stall_ratio: statistics::mean(&stall),
            stall_ratio_ci95: traces.interval_of_mean(&stall),
            stall_events_per_min: mean_of(|score| score.stall_events_per_min),
            log_quality: mean_of(|score| score.log_quality),
            mos: mean_of(|score| score.mos),
            switches: mean_of(|score| score.switches),
            latency_s: mean_of(|score| score.latency_s),
            bitrate_mbps: mean_of(|score| score.bitrate_mbps),
            egress_mbps: mean_of(|score| score.egress_mbps),
            recovery_s: (!recovery.is_empty()).then(|| statistics::mean(&recovery)),
            traces_better: paired.as_ref().map(|paired| paired.better),
            traces_worse: paired.as_ref().map(|paired| paired.worse),
            delta: paired.map(|paired| paired.delta),
            qoe_mean: statistics::mean(&qoe),
            qoe_ci95: traces.interval_of_mean(&qoe),
            qoe_p10: statistics::quantile(&qoe, 0.1),
            qoe_gain: statistics::mean(&gain),
            qoe_gain_ci95: traces.interval_of_mean(&gain),
            gap_closed: room.as_ref().map(|room| gain.iter().sum::<f64>() / room.iter().sum::<f64>()),
            gap_closed_ci95: room.as_ref().map(|room| traces.interval_of_ratio(&gain, room)),
            risk: contender.risk.clone(),
        }
    }
}

fn differences(values: &[f64], reference: &[f64]) -> Vec<f64> {
    values.iter().zip(reference).map(|(value, reference)| value - reference).collect()
}
