//! What experiments show: each arm against its control, metric by metric, with intervals that may be looked at any time.

use crate::fleet::FleetSnapshot;
use headroom_cluster::{
    account::{ArmSums, COUNTED},
    arms::{ArmId, ArmTable, Treatment},
};
use headroom_core::{
    decision::Reason,
    experiment::{self, Guardrail, Metric},
    mode::Mode,
    statistics::{Comparison, Moments, Sequence, power},
    time::Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Chance that an interval ever leaves out the true difference.
const ALPHA: f64 = 0.05;
/// Sessions of an arm at which its interval is tightest for what it covers: a day of a small audience.
const TIGHTEST_AT: f64 = 10_000.0;
/// Sessions of an arm below which nothing is said of their difference: the normal approximation needs some.
const FEWEST: f64 = 200.0;
/// Power of the smallest difference that is told: four times in five it is found.
const POWER: f64 = 0.8;

/// An experiment so far.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ExperimentResults {
    name: String,
    at_us: Timestamp,
    /// The first is the control.
    arms: Vec<ArmResults>,
}

/// One arm.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ArmResults {
    arm: String,
    mode: Mode,
    tripped: bool,
    sessions: u64,
    /// Of these, those whose players report nothing; they are in none of the metrics.
    silent: u64,
    /// Rounds of 10 s in which players kept to a cap that they were told, and in which they did not.
    obeyed: u64,
    ignored: u64,
    metrics: Vec<MetricResult>,
}

/// One metric of an arm.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct MetricResult {
    metric: Metric,
    more_is_better: bool,
    /// Of the arm itself.
    value: Option<f64>,
    /// Sessions it rests on.
    sessions: u64,
    /// Against the control; absent for the control itself, and with fewer than 200 sessions on a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Difference>,
}

/// An arm less its control.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Difference {
    value: f64,
    /// Holds the true difference with 95 %, however often it is looked at.
    low: f64,
    high: f64,
    /// The smallest difference that as many sessions would show four times in five.
    minimum_detectable: f64,
    verdict: Verdict,
}

/// What an interval says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// The interval is clear of zero, on the side that viewers want.
    Better,
    /// Clear of zero, on the other side.
    Worse,
    /// It holds zero.
    Open,
}

/// What all arms went through, and what they are.
pub(super) struct Results<'a> {
    pub(super) round: &'a FleetSnapshot,
    pub(super) table: &'a ArmTable,
}

impl Results<'_> {
    pub(super) fn of(&self, name: &str) -> Option<ExperimentResults> {
        let arms = match self.table.arms_of(name) {
            arms if !arms.is_empty() => arms,
            _ if name == "holdback" => vec![ArmId::HOLDBACK, ArmId::OUTSIDE],
            _ => return None,
        };
        let control = self.round.arms.of(arms[0]);
        let of_arm = |(position, arm): (usize, ArmId)| {
            let sums = self.round.arms.of(arm);
            let against = (position > 0).then_some(&control);
            arm_results(self.table.treatment(arm), arm, &sums, against)
        };
        let arms = arms.into_iter().enumerate().map(of_arm).collect();
        Some(ExperimentResults { name: name.to_owned(), at_us: self.round.at, arms })
    }
}

fn arm_results(treatment: &Treatment, arm: ArmId, sums: &ArmSums, control: Option<&ArmSums>) -> ArmResults {
    let metric = |(position, metric): (usize, Metric)| {
        let own = &sums.ratios[position];
        MetricResult {
            metric,
            more_is_better: metric.more_is_better(),
            value: ratio(own),
            sessions: own.units() as u64,
            difference: control.and_then(|control| difference(metric, own, &control.ratios[position], ALPHA)),
        }
    };
    ArmResults {
        arm: if arm == ArmId::OUTSIDE { "steered".to_owned() } else { treatment.arm.clone() },
        mode: treatment.reach().mode,
        tripped: treatment.is_tripped,
        sessions: sums.sessions,
        silent: sums.silent,
        obeyed: sums.obeyed,
        ignored: sums.ignored,
        metrics: COUNTED.into_iter().enumerate().map(metric).collect(),
    }
}

/// Of no session there is none.
fn ratio(sums: &Moments) -> Option<f64> {
    Some(sums.ratio()).filter(|ratio| ratio.is_finite())
}

/// An arm less its control, with an interval that misses the true difference at any time with probability `alpha` at most.
fn difference(metric: Metric, arm: &Moments, control: &Moments, alpha: f64) -> Option<Difference> {
    let found = Comparison::of(control, arm);
    if found.units < FEWEST || !found.is_defined() {
        return None;
    }
    // Of so many sessions on the smaller side, if they are like those seen.
    let planned = found.standard_error * (found.units / TIGHTEST_AT).sqrt();
    let sequence = Sequence::new(planned, alpha);
    let half = sequence.half_width(found.standard_error);
    let (low, high) = (found.difference - half, found.difference + half);
    let verdict = match (low > 0.0, high < 0.0) {
        (false, false) => Verdict::Open,
        (more, _) if more == metric.more_is_better() => Verdict::Better,
        _ => Verdict::Worse,
    };
    let minimum_detectable = power::minimum_detectable(&sequence, found.standard_error, POWER);
    Some(Difference { value: found.difference, low, high, minimum_detectable, verdict })
}

/// Harm of an arm beyond what a guardrail tolerates.
pub(super) struct Breach {
    pub(super) metric: Metric,
    pub(super) tolerance: f64,
    /// Of the arm, and of the control.
    pub(super) arm: f64,
    pub(super) control: f64,
}

/// Whether the whole interval of an arm lies beyond what a guardrail tolerates. A harmless arm is stopped, ever, with the probability
/// that guardrails of the core allow themselves.
pub(super) fn breach(guardrail: &Guardrail, arm: &ArmSums, control: &ArmSums) -> Option<Breach> {
    let Guardrail { metric, tolerance } = *guardrail;
    let position = COUNTED.into_iter().position(|counted| counted == metric)?;
    let (arm, control) = (&arm.ratios[position], &control.ratios[position]);
    let found = difference(metric, arm, control, experiment::ALPHA)?;
    let (arm, control) = (ratio(arm)?, ratio(control)?);
    let harm = if metric.more_is_better() { -found.high } else { found.low };
    (harm > tolerance * control.abs()).then_some(Breach { metric, tolerance, arm, control })
}

/// What would have changed.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ObservationView {
    at_us: Timestamp,
    /// Sessions seen.
    sessions: u64,
    /// Sessions that at some time played above a cap they were not told.
    touched: u64,
    /// Rounds of 10 s in which a player that was not told stayed within the cap by itself, and in which it did not.
    agreed: u64,
    differed: u64,
    /// Share of these rounds in which it did.
    agreement: Option<f64>,
    /// In the rounds that differed: mean bit rate of the cap, and of what was played.
    cap_kbps: Option<f64>,
    played_kbps: Option<f64>,
    /// In the rounds that differed: mean risk of a stall within the next seconds, at what was played.
    stall_risk: Option<f64>,
    /// Sessions by the reason of their latest decision.
    reasons: BTreeMap<&'static str, u64>,
}

impl ObservationView {
    pub(super) fn of(sums: &ArmSums, at: Timestamp) -> Self {
        let (differed, rounds) = (sums.differed as f64, (sums.agreed + sums.differed) as f64);
        let mean = |sum: f64| (differed > 0.0).then(|| sum / differed);
        let reasons = Reason::ALL.into_iter().zip(sums.reasons).filter(|&(_, sessions)| sessions > 0);
        Self {
            at_us: at,
            sessions: sums.sessions,
            touched: sums.touched,
            agreed: sums.agreed,
            differed: sums.differed,
            agreement: (rounds > 0.0).then(|| sums.agreed as f64 / rounds),
            cap_kbps: mean(sums.differing_cap_kbps),
            played_kbps: mean(sums.differing_played_kbps),
            stall_risk: mean(sums.differing_risk),
            reasons: reasons.map(|(reason, sessions)| (reason.name(), sessions)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(pairs: impl Iterator<Item = (f64, f64)>) -> Moments {
        pairs.fold(Moments::default(), |mut sums, (above, below)| {
            sums.add(above, below, 0.0);
            sums
        })
    }

    #[test]
    fn a_difference_is_told_by_its_side_and_only_when_clear() {
        // Every tenth session stalls for `stalled` of a hundred seconds.
        let arm = |stalled: f64, units: u32| {
            sums((0..units).map(move |unit| (if unit % 10 == 0 { stalled } else { 0.0 }, 100.0)))
        };
        let verdict = |stalled, units| {
            difference(Metric::StallRatio, &arm(stalled, units), &arm(10.0, units), ALPHA).map(|found| found.verdict)
        };
        assert_eq!(verdict(5.0, 20), None, "too few to say anything");
        assert_eq!(verdict(10.0, 20_000), Some(Verdict::Open));
        assert_eq!(verdict(9.0, 300), Some(Verdict::Open), "a tenth is not found in 300");
        assert_eq!(verdict(5.0, 20_000), Some(Verdict::Better));
        assert_eq!(verdict(20.0, 20_000), Some(Verdict::Worse));
        let found = difference(Metric::StallRatio, &arm(5.0, 20_000), &arm(10.0, 20_000), ALPHA).unwrap();
        assert!(
            (found.value + 0.005).abs() < 1e-9 && found.low < -0.005 && found.high < 0.0,
            "{} {}",
            found.low,
            found.high
        );
        assert!(found.minimum_detectable > found.high - found.value);
    }

    #[test]
    fn sessions_that_do_not_differ_say_nothing() {
        let same = sums((1..500).map(|unit| (f64::from(unit), 10.0 * f64::from(unit))));
        assert!(ratio(&same).is_some_and(|ratio| (ratio - 0.1).abs() < 1e-12));
        assert_eq!(ratio(&Moments::default()), None);
        assert!(difference(Metric::StallRatio, &Moments::default(), &same, ALPHA).is_none());
    }
}
