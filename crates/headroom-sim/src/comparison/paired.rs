//! Paired differences to the client alone: same windows, intervals over traces.

use super::traces::Traces;
use crate::{score::Score, statistics};
use serde::Serialize;

/// Mean differences to the client alone. Each comes with its 95 % interval; traces are resampled. The names of the fields are keys
/// that other programs read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delta {
    /// Difference of the stall ratios, percentage points.
    pub stall_points: f64,
    /// 95 % interval of `stall_points`.
    pub stall_points_ci95: [f64; 2],
    /// Ratio of the mean stall ratios; none where the client alone does not stall.
    pub stall_times: Option<f64>,
    /// 95 % interval of `stall_times`.
    pub stall_times_ci95: Option<[f64; 2]>,
    /// Difference of the log qualities, points of 100.
    pub log_quality: f64,
    /// 95 % interval of `log_quality`.
    pub log_quality_ci95: [f64; 2],
    /// Difference of the opinion scores.
    pub mos: f64,
    /// 95 % interval of `mos`.
    pub mos_ci95: [f64; 2],
    /// Difference of rung changes in a minute of media.
    pub switches: f64,
    /// 95 % interval of `switches`.
    pub switches_ci95: [f64; 2],
    /// Ratio of the mean numbers of rung changes; none where the client alone changes no rung.
    pub switches_times: Option<f64>,
    /// 95 % interval of `switches_times`.
    pub switches_times_ci95: Option<[f64; 2]>,
    /// Difference of the distances behind live, seconds.
    pub latency_s: f64,
    /// 95 % interval of `latency_s`.
    pub latency_s_ci95: [f64; 2],
    /// Difference of the bits sent for each second of media, Mbit/s.
    pub egress_mbps: f64,
    /// 95 % interval of `egress_mbps`.
    pub egress_mbps_ci95: [f64; 2],
}

/// Stall ratios of a trace that differ by less count as equal: 0.1 points, a third of a second in five minutes.
const EQUAL: f64 = 0.001;

/// The differences, and on how many traces they are felt.
pub(super) struct Paired {
    pub(super) delta: Delta,
    pub(super) better: usize,
    pub(super) worse: usize,
}

impl Paired {
    /// Compares sessions over the same windows.
    pub(super) fn of(scores: &[Score], alone: &[Score], traces: &Traces) -> Self {
        let of = |scores: &[Score], field: fn(&Score) -> f64| -> Vec<f64> { scores.iter().map(field).collect() };
        let difference = |field: fn(&Score) -> f64| {
            let pairs = scores.iter().zip(alone);
            let values: Vec<f64> = pairs.map(|(score, alone)| field(score) - field(alone)).collect();
            (statistics::mean(&values), traces.interval_of_mean(&values))
        };
        let ratio = |field: fn(&Score) -> f64| {
            let (ours, theirs) = (of(scores, field), of(alone, field));
            let total: f64 = theirs.iter().sum();
            let times = (total > 0.0).then(|| ours.iter().sum::<f64>() / total);
            (times, times.map(|_| traces.interval_of_ratio(&ours, &theirs)))
        };
        let (stall_points, stall_points_ci95) = difference(|score| 100.0 * score.stall_ratio);
        let (stall_times, stall_times_ci95) = ratio(|score| score.stall_ratio);
        let (log_quality, log_quality_ci95) = difference(|score| score.log_quality);
        let (mos, mos_ci95) = difference(|score| score.mos);
        let (switches, switches_ci95) = difference(|score| score.switches);
        let (switches_times, switches_times_ci95) = ratio(|score| score.switches);
        let (latency_s, latency_s_ci95) = difference(|score| score.latency_s);
        let (egress_mbps, egress_mbps_ci95) = difference(|score| score.egress_mbps);
        let stall = |scores: &[Score]| traces.means(&of(scores, |score| score.stall_ratio));
        let by_trace: Vec<f64> = stall(scores).iter().zip(stall(alone)).map(|(ours, theirs)| ours - theirs).collect();
        Self {
            delta: Delta {
                stall_points,
                stall_points_ci95,
                stall_times,
                stall_times_ci95,
                log_quality,
                log_quality_ci95,
                mos,
                mos_ci95,
                switches,
                switches_ci95,
                switches_times,
                switches_times_ci95,
                latency_s,
                latency_s_ci95,
                egress_mbps,
                egress_mbps_ci95,
            },
            better: by_trace.iter().filter(|&&difference| difference < -EQUAL).count(),
            worse: by_trace.iter().filter(|&&difference| difference > EQUAL).count(),
        }
    }
}
