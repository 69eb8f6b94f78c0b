//! Calibration of the stall risk: a predicted 30 % should mean a stall in three of ten cases.
//!
//! At every decision of a session the risk of the rung chosen is noted, and the rung is held on the true link for as many
//! segments as the risk speaks of: whether that stalls is the outcome. Later choices of the policy do not matter.

use crate::{
    controller::InPlayer,
    score::NOTICED_S,
    session::{Choice, Controller, Player},
    statistics,
};
use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Progress, View},
    qoe::{RISK_SEGMENTS, stall_risk},
};
use serde::Serialize;

/// One prediction and its outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RiskSample {
    /// Predicted probability of a stall.
    pub risk: f64,
    /// Whether the session would have stalled.
    pub stalled: bool,
}

/// A policy in the player whose choices are sampled. It decides as it would alone.
pub struct RiskSampler<'a> {
    inner: InPlayer<'a>,
    samples: &'a mut Vec<RiskSample>,
}

impl<'a> RiskSampler<'a> {
    /// Judges the choices of `inner`; judgements are appended to `samples`.
    pub fn new(inner: InPlayer<'a>, samples: &'a mut Vec<RiskSample>) -> Self {
        Self { inner, samples }
    }
}

impl Controller for RiskSampler<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        let choice = self.inner.choose(player);
        let next = player.next_segment();
        if next > 0 && next + RISK_SEGMENTS <= player.video().segments() {
            let view = player.view(Evidence::Forecast);
            if !view.forecast.is_unknown() {
                let risk = f64::from(stall_risk(&view, choice.rung, RISK_SEGMENTS).get());
                self.samples.push(RiskSample { risk, stalled: stalls(player, choice.rung) });
            }
        }
        choice
    }

    fn abandon(&mut self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        self.inner.abandon(view, progress)
    }

    fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        self.inner.delivered(view, delivery);
    }
}

/// Whether holding `rung` for the next segments stands still; a link that never delivers does.
fn stalls<P: Player>(player: &P, rung: RungIndex) -> bool {
    let (mut moment, mut stall_s) = (player.moment(), 0.0);
    for segment in player.next_segment()..player.next_segment() + RISK_SEGMENTS {
        let Some((after, step)) = player.preview(moment, segment, rung) else {
            return true;
        };
        moment = after;
        stall_s += step.stall_s;
    }
    stall_s > NOTICED_S
}

/// How well risks agree with outcomes. The names of the fields are keys that other programs read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Number of predictions.
    pub count: usize,
    /// Share of them that stalled.
    pub stalled: f64,
    /// Mean square of risk − outcome (Brier 1950); 0 is perfect.
    pub brier: f64,
    /// The Brier score of always predicting `stalled`, which a useful forecast must beat.
    pub brier_base_rate: f64,
    /// Mean distance between risk and outcome over the bins, weighted by their counts (expected calibration error).
    pub calibration_error: f64,
    /// By predicted risk, in tenths; empty ones are left out.
    pub bins: Vec<Bin>,
}

/// The predictions of one tenth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Mean predicted risk.
    pub predicted: f64,
    /// Share that stalled.
    pub observed: f64,
    /// Number of predictions.
    pub count: usize,
}

impl Reliability {
    /// Sums up; `None` without a prediction.
    #[must_use]
    pub fn of(samples: &[RiskSample]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let outcome = |sample: &RiskSample| f64::from(u8::from(sample.stalled));
        let mean =
            |value: &dyn Fn(&RiskSample) -> f64| statistics::mean(&samples.iter().map(value).collect::<Vec<_>>());
        let stalled = mean(&outcome);
        let bins: Vec<Bin> = (0..10_u8)
            .filter_map(|tenth| {
                let within = |sample: &&RiskSample| ((sample.risk * 10.0) as u8).min(9) == tenth;
                let members: Vec<&RiskSample> = samples.iter().filter(within).collect();
                let count = members.len();
                let share = |total: f64| total / count as f64;
                (count > 0).then(|| Bin {
                    predicted: share(members.iter().map(|sample| sample.risk).sum()),
                    observed: share(members.iter().map(|sample| outcome(sample)).sum()),
                    count,
                })
            })
            .collect();
        let apart = |bin: &Bin| (bin.predicted - bin.observed).abs() * bin.count as f64;
        Some(Self {
            count: samples.len(),
            stalled,
            brier: mean(&|sample| (sample.risk - outcome(sample)).powi(2)),
            brier_base_rate: stalled * (1.0 - stalled),
            calibration_error: bins.iter().map(apart).sum::<f64>() / samples.len() as f64,
            bins,
        })
    }
}

/// Fits `calibrated = 1 / (1 + e^−(offset + slope × logit(risk)))` by maximum likelihood (Platt 1999), Newton's method:
/// offset and slope.
#[must_use]
pub fn fit(samples: &[RiskSample]) -> (f64, f64) {
    let (mut offset, mut slope) = (0.0, 1.0);
    for _ in 0..NEWTON_STEPS {
        // A weak pull towards "as it is" keeps the step defined when nothing, or everything, stalls.
        let (mut gradient, mut curvature) = ([-offset, 1.0 - slope], [1.0, 0.0, 1.0]);
        for sample in samples {
            let x = logit(sample.risk);
            let p = 1.0 / (1.0 + (-(offset + slope * x)).exp());
            let error = f64::from(u8::from(sample.stalled)) - p;
            let weight = p * (1.0 - p);
            gradient = [gradient[0] + error, gradient[1] + error * x];
            curvature = [curvature[0] + weight, curvature[1] + weight * x, curvature[2] + weight * x * x];
        }
        let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
        offset += (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant;
        slope += (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant;
    }
    (offset, slope)
}

const NEWTON_STEPS: usize = 20;

/// Log odds; risks nearer to 0 or 1 than a thousandth count as that near.
fn logit(risk: f64) -> f64 {
    let risk = risk.clamp(0.001, 0.999);
    (risk / (1.0 - risk)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred predictions a tenth, of which a given share stalls.
    fn samples(observed: impl Fn(f64) -> f64) -> Vec<RiskSample> {
        (0..10)
            .flat_map(|tenth| {
                let risk = f64::from(tenth) / 10.0 + 0.05;
                let stalls = (observed(risk) * 100.0).round() as usize;
                (0..100).map(move |nth| RiskSample { risk, stalled: nth < stalls })
            })
            .collect()
    }

    #[test]
    fn honest_risks_have_no_calibration_error_and_beat_the_base_rate() {
        let honest = Reliability::of(&samples(|risk| risk)).unwrap();
        assert!(honest.calibration_error < 1e-9 && honest.brier < honest.brier_base_rate, "{honest:?}");
        assert_eq!((honest.count, honest.bins.len()), (1_000, 10));
        let timid = Reliability::of(&samples(|risk| risk * risk)).unwrap();
        assert!(timid.calibration_error > 0.1, "{timid:?}");
        assert_eq!(Reliability::of(&[]), None);
    }

    #[test]
    fn the_fit_finds_what_bent_the_risks() {
        let bent = |risk: f64| 1.0 / (1.0 + (0.8 - 1.4 * logit(risk)).exp());
        let (offset, slope) = fit(&samples(bent));
        assert!((offset + 0.8).abs() < 0.05 && (slope - 1.4).abs() < 0.05, "{offset} {slope}");
        let (offset, slope) = fit(&[]);
        assert_eq!((offset, slope), (0.0, 1.0));
    }
}
