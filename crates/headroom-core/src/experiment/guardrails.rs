//! Guardrails: an arm that does harm is stopped, and a ramp goes on only while none does.
//!
//! A pure state machine: the sums of every arm and the time go in at each look, an [`Event`] comes out when something is to be
//! done. Looks may be as often as one likes; a harmless arm is stopped at any time with probability [`ALPHA`] at most for all of
//! its guardrails together, as far as sums of this many sessions are normal.

use super::{
    definition::Experiment,
    metric::{Guardrail, Metric},
};
use crate::{
    statistics::{Mixture, Moments},
    time::{Duration, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Probability that a harmless arm is ever stopped. Own choice: whoever runs a thousand arms sees one false stop.
pub const ALPHA: f64 = 0.001;
/// Units of an arm below which nothing is judged: their sums are not yet normal. Own choice.
const LEAST_UNITS: f64 = 200.0;
/// Units that had the event at all, in both arms together; below it a rare event is an anecdote. Own choice.
const LEAST_EVENTS: u64 = 30;
/// Units of an arm at which the boundary is narrowest: harm that matters is found with about as many. Own choice.
const TUNED_UNITS: f64 = 5_000.0;
/// Silence of an arm that is served, after which it is stopped: what cannot be seen cannot be guarded. Own choice: a minute is 30
/// decisions, and longer than any interval of reports in use.
const SILENCE: Duration = Duration::from_secs(60);

/// What is known of one arm at a look, since its experiment (or the step of its ramp) began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmSums {
    /// Of each metric, over the units of the arm: numerators, denominators, covariates.
    pub metrics: BTreeMap<Metric, MetricSums>,
    /// Answers given to the arm's sessions, ever.
    pub served: u64,
    /// Reports that came from the arm's sessions, ever.
    pub reported: u64,
}

/// Sums of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricSums {
    /// Over the units.
    pub moments: Moments,
    /// Units whose numerator was above zero.
    pub events: u64,
}

/// Why an arm was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TripReason {
    /// A guardrail metric got worse by more than is tolerated.
    Harm {
        /// Which one.
        metric: Metric,
        /// The control's value.
        control: f64,
        /// The arm's value.
        treated: f64,
        /// Harm that is tolerated, as a share of the control's value.
        tolerance: f64,
    },
    /// The arm was served and nothing was reported.
    Silence {
        /// For how long.
        #[serde(rename = "silent_ms")]
        silent: Duration,
    },
}

impl std::fmt::Display for TripReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Harm { metric, control, treated, tolerance } => write!(
                f,
                "{} is {treated:.4} against {control:.4} in the control: worse by more than {:.0} %, beyond chance",
                metric.name(),
                tolerance * 100.0
            ),
            Self::Silence { silent } => {
                write!(
                    f,
                    "no report for {:.0} s from sessions that are served: harm could not be seen",
                    silent.as_secs_f64()
                )
            }
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// Put the arm into observe mode, and say why.
    Trip {
        /// Position of the arm.
        arm: usize,
        /// Why.
        reason: TripReason,
    },
    /// Let the ramp go on to this step.
    Advance {
        /// The step, from 0.
        step: usize,
    },
}

/// What guards an experiment that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guardrails {
    step: usize,
    step_since: Timestamp,
    last_look: Timestamp,
    arms: Vec<ArmState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct ArmState {
    tripped: Option<TripReason>,
    served: u64,
    reported: u64,
    /// When it was first served after its last report.
    unheard_since: Option<Timestamp>,
}

impl Guardrails {
    /// For an experiment that begins at `at`.
    #[must_use]
    pub fn new(experiment: &Experiment, at: Timestamp) -> Self {
        Self { step: 0, step_since: at, last_look: at, arms: vec![ArmState::default(); experiment.arms.len()] }
    }

    /// The step of the ramp, from 0.
    #[must_use]
    pub const fn step(&self) -> usize {
        self.step
    }

    /// Why an arm was stopped, if it was.
    #[must_use]
    pub fn tripped(&self, arm: usize) -> Option<&TripReason> {
        self.arms.get(arm)?.tripped.as_ref()
    }

    /// Looks at the arms, the control first, and says what is to be done. A clock that steps back is a look at the time of the last
    /// one. An arm that was stopped stays so.
    pub fn look(&mut self, experiment: &Experiment, at: Timestamp, sums: &[ArmSums]) -> Vec<Event> {
        let at = at.max(self.last_look);
        self.last_look = at;
        let mut events = Vec::new();
        let Some(control) = sums.first() else { return events };
        for (arm, (state, sums)) in self.arms.iter_mut().zip(sums).enumerate() {
            let silence = state.silence(sums, at);
            if state.tripped.is_some() {
                continue;
            }
            let silence = silence.map(|silent| TripReason::Silence { silent });
            let judged = experiment.guardrails.len() * (experiment.arms.len() - 1);
            let harm = || {
                let alpha = ALPHA / judged as f64;
                experiment.guardrails.iter().find_map(|guardrail| harm(guardrail, control, sums, alpha))
            };
            // The control cannot be worse than itself, but it can fall silent, and then nothing can be judged against it.
            if let Some(reason) = silence.or_else(|| (arm > 0).then(harm).flatten()) {
                state.tripped = Some(reason.clone());
                events.push(Event::Trip { arm, reason });
            }
        }
        let all_hold = self.arms.iter().all(|arm| arm.tripped.is_none());
        let heard = sums.iter().all(|arm| arm.metrics.values().any(|metric| metric.moments.units() >= LEAST_UNITS));
        let held = at.since(self.step_since) >= Duration::from_secs(experiment.ramp_hold_s().into());
        if all_hold && heard && held && self.step + 1 < experiment.ramp.len() {
            self.step += 1;
            self.step_since = at;
            events.push(Event::Advance { step: self.step });
        }
        events
    }
}

impl ArmState {
    /// For how long the arm was served without a report, when that is too long.
    fn silence(&mut self, sums: &ArmSums, at: Timestamp) -> Option<Duration> {
        // Counts that fell are those of a process that began anew.
        let (heard, served) = (sums.reported != self.reported, sums.served != self.served);
        (self.reported, self.served) = (sums.reported, sums.served);
        if heard {
            self.unheard_since = None;
        } else if served && self.unheard_since.is_none() {
            self.unheard_since = Some(at);
        }
        // Nobody served is nobody watching, which is no silence.
        let silent = at.since(self.unheard_since.filter(|_| served)?);
        (silent >= SILENCE).then_some(silent)
    }
}

/// Harm beyond what is tolerated and beyond chance, by the one-sided normal mixture.
fn harm(guardrail: &Guardrail, control: &ArmSums, treated: &ArmSums, alpha: f64) -> Option<TripReason> {
    let Guardrail { metric, tolerance } = *guardrail;
    let (control, treated) = (control.metrics.get(&metric)?, treated.metrics.get(&metric)?);
    if control.moments.units() < LEAST_UNITS || treated.moments.units() < LEAST_UNITS {
        return None;
    }
    if control.events + treated.events < LEAST_EVENTS {
        return None;
    }
    let allowed = if metric.more_is_better() { 1.0 - tolerance } else { 1.0 + tolerance };
    let (theirs, ours) = (control.moments.ratio(), treated.moments.ratio());
    let beyond = if metric.more_is_better() { allowed * theirs - ours } else { ours - allowed * theirs };
    let variance = treated.moments.ratio_variance() + allowed * allowed * control.moments.ratio_variance();
    if !(beyond > 0.0 && variance > 0.0 && variance.is_finite()) {
        return None;
    }
    // Information over units is that of one unit.
    let information = 1.0 / variance;
    let units = control.moments.units().min(treated.moments.units());
    let mixture = Mixture::one_sided(information / units * TUNED_UNITS, alpha);
    let evidence = mixture.log_evidence(beyond * information, information);
    (evidence >= (1.0 / alpha).ln()).then_some(TripReason::Harm { metric, control: theirs, treated: ours, tolerance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn experiment() -> Experiment {
        let experiment = json!({
            "name": "test", "arms": [{ "name": "control", "mode": "observe" }, { "name": "steered" }],
            "ramp": [0.01, 0.05, 0.5], "ramp_hold_s": 3_600,
        });
        serde_json::from_value(experiment).unwrap()
    }

    /// An arm of so many units, a tenth of which stalled so that the ratio comes out.
    fn arm(metric: Metric, units: u64, ratio: f64) -> ArmSums {
        let mut sums = MetricSums::default();
        for unit in 0..units {
            let stalled = unit % 10 == 0;
            // A covariate-free unit of five minutes, as heavy a tail as a tenth of the units makes.
            sums.moments.add(if stalled { 3_000.0 * ratio } else { 0.0 }, 300.0, 0.0);
            sums.events += u64::from(stalled);
        }
        ArmSums { metrics: BTreeMap::from([(metric, sums)]), served: units, reported: units }
    }

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn seconds(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn harm_trips_and_nothing_else_does() {
        let cases = [
            // Metric, units of an arm, control's ratio, arm's ratio, whether it trips.
            (Metric::StallRatio, 5_000, 0.01, 0.02, true),
            (Metric::StallRatio, 5_000, 0.01, 0.01, false),
            (Metric::StallRatio, 5_000, 0.01, 0.005, false),
            // Within what is tolerated, however sure.
            (Metric::StallRatio, 500_000, 0.01, 0.0109, false),
            (Metric::StallRatio, 500_000, 0.01, 0.0115, true),
            // Too few to say.
            (Metric::StallRatio, 150, 0.01, 0.05, false),
            (Metric::FatalErrors, 5_000, 0.01, 0.03, true),
            (Metric::StartFailures, 5_000, 0.01, 0.03, true),
            (Metric::Latency, 5_000, 4.0, 6.0, true),
            (Metric::Latency, 5_000, 4.0, 2.0, false),
            (Metric::Egress, 5_000, 4.0, 8.0, true),
            // Less of it is the harm.
            (Metric::LogQuality, 50_000, 1.5, 1.0, true),
            (Metric::LogQuality, 50_000, 1.5, 2.5, false),
            // Not a guardrail of this experiment.
            (Metric::Switches, 5_000, 1.0, 9.0, false),
        ];
        for (metric, units, control, treated, expected) in cases {
            let experiment = experiment();
            let mut guardrails = Guardrails::new(&experiment, START);
            let sums = [arm(metric, units, control), arm(metric, units, treated)];
            let events = guardrails.look(&experiment, seconds(10), &sums);
            assert_eq!(!events.is_empty(), expected, "{metric:?} {units} {control} {treated}: {events:?}");
            assert_eq!(guardrails.tripped(1).is_some(), expected);
            assert_eq!(guardrails.tripped(0), None);
            if let Some(reason) = guardrails.tripped(1) {
                assert!(reason.to_string().starts_with(metric.name()), "{reason}");
                assert_eq!(guardrails.look(&experiment, seconds(20), &sums), [], "once");
            }
        }
    }

    #[test]
    fn rare_events_are_judged_from_thirty_on() {
        let rare = |events: u64| {
            let mut sums = MetricSums { events, ..MetricSums::default() };
            (0..5_000).for_each(|unit| sums.moments.add(f64::from(u8::from(unit < events)), 1.0, 0.0));
            ArmSums { metrics: BTreeMap::from([(Metric::FatalErrors, sums)]), served: 1, reported: 1 }
        };
        for (control, treated, expected) in [(0, 25, false), (0, 60, true), (40, 45, false)] {
            let experiment = experiment();
            let mut guardrails = Guardrails::new(&experiment, START);
            guardrails.look(&experiment, START, &[rare(control), rare(treated)]);
            assert_eq!(guardrails.tripped(1).is_some(), expected, "{control} {treated}");
        }
    }

    #[test]
    fn silence_of_sessions_that_are_served_trips() {
        /// Seconds, answers of the arm, reports of the arm.
        type Look = (u64, u64, u64);
        // Whether the arm is tripped after the looks.
        let cases: &[(&str, &[Look], bool)] = &[
            ("reports come", &[(0, 100, 100), (60, 200, 200), (120, 300, 300), (180, 400, 400)], false),
            ("reports stop", &[(0, 100, 100), (30, 200, 100), (60, 300, 100), (95, 400, 100)], true),
            ("not yet a minute", &[(0, 100, 100), (30, 200, 100), (60, 300, 100), (85, 400, 100)], false),
            ("nobody watches", &[(0, 100, 100), (60, 100, 100), (600, 100, 100), (9_000, 100, 100)], false),
            ("they come back in time", &[(0, 100, 100), (50, 200, 100), (80, 300, 101), (120, 400, 101)], false),
            ("never a report", &[(0, 0, 0), (30, 100, 0), (60, 200, 0), (90, 300, 0)], true),
            ("the process began anew", &[(0, 100, 100), (60, 5, 5), (120, 10, 10)], false),
            ("the clock jumps back", &[(600, 100, 100), (630, 200, 100), (10, 300, 100), (20, 400, 100)], false),
        ];
        for (name, looks, expected) in cases {
            let experiment = experiment();
            let mut guardrails = Guardrails::new(&experiment, START);
            for &(at, served, reported) in *looks {
                let control = ArmSums { served: at + 1, reported: at + 1, ..ArmSums::default() };
                let arm = ArmSums { served, reported, ..ArmSums::default() };
                guardrails.look(&experiment, seconds(at), &[control, arm]);
            }
            assert_eq!(matches!(guardrails.tripped(1), Some(TripReason::Silence { .. })), *expected, "{name}");
        }
    }

    #[test]
    fn a_ramp_goes_on_while_guardrails_hold() {
        let (good, bad) = (arm(Metric::StallRatio, 5_000, 0.01), arm(Metric::StallRatio, 5_000, 0.03));
        let few = arm(Metric::StallRatio, 100, 0.01);
        let advance = |step| vec![Event::Advance { step }];
        let experiment = experiment();
        let mut guardrails = Guardrails::new(&experiment, START);
        for (at, treated, expected) in [
            (3_599, &good, vec![]),
            (3_600, &few, vec![]),
            (3_700, &good, advance(1)),
            (7_200, &good, vec![]),
            (7_300, &good, advance(2)),
            // The last step is the last.
            (90_000, &good, vec![]),
        ] {
            let events = guardrails.look(&experiment, seconds(at), &[good.clone(), treated.clone()]);
            assert_eq!(events, expected, "{at}");
        }
        let mut guardrails = Guardrails::new(&experiment, START);
        let events = guardrails.look(&experiment, seconds(3_600), &[good.clone(), bad]);
        assert!(matches!(events.as_slice(), [Event::Trip { arm: 1, .. }]), "{events:?}");
        assert_eq!(guardrails.look(&experiment, seconds(90_000), &[good.clone(), good]), []);
        assert_eq!(guardrails.step(), 0);
        // What is kept over a restart is all there is.
        let kept: Guardrails = serde_json::from_str(&serde_json::to_string(&guardrails).unwrap()).unwrap();
        assert_eq!((kept.step(), kept.tripped(1).is_some()), (0, true));
    }
}
