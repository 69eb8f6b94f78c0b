//! What an experiment must fulfil before it touches a session.

use super::definition::Experiment;
use crate::policy::registry::{Entry, POLICIES};

/// Arms of one experiment: with the holdback and those outside, eight values of the label `arm`.
pub const MAX_ARMS: usize = 6;
/// Experiments held at once, running or not.
pub const MAX_EXPERIMENTS: usize = 32;
/// Characters of a name.
const MAX_NAME: usize = 64;
/// Streams that one experiment names.
const MAX_STREAMS: usize = 1_000;
/// Steps of a ramp.
const MAX_STEPS: usize = 16;
/// Shares are decimal fractions that need not add up exactly.
const ROUNDING: f64 = 1e-9;
/// Shorter slices hold less than a few segments.
const LEAST_SLICE_S: u32 = 30;

/// Why an experiment is refused. Each names the experiment and what would do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ExperimentError {
    #[error("{0:?} is no name: 1 to 64 lower-case letters, digits, _ and -")]
    Name(String),
    #[error("experiment {0}: the name is taken by another experiment")]
    NameTaken(String),
    #[error("{0} experiments; {MAX_EXPERIMENTS} at most")]
    TooMany(usize),
    #[error("experiment {experiment}: {arms} arms; 2 to {MAX_ARMS}, the first is the control")]
    ArmCount { experiment: String, arms: usize },
    #[error("experiment {experiment}: two arms are called {arm}")]
    ArmTaken { experiment: String, arm: String },
    #[error("experiment {experiment}: some arms have a share and {arm} has none; give all a share, or none")]
    ShareMissing { experiment: String, arm: String },
    #[error("experiment {experiment}: the share of {arm} is {share}; above 0 and at most 1")]
    Share { experiment: String, arm: String, share: f64 },
    #[error("experiment {experiment}: the shares add up to {sum}; at most 1")]
    Shares { experiment: String, sum: f64 },
    #[error("experiment {experiment}: no policy is called {policy:?}; known are {}", known())]
    Policy { experiment: String, policy: String },
    #[error("experiment {0}: it ends before it starts")]
    EndBeforeStart(String),
    #[error("experiment {0}: slice_s and washout_s belong to unit = \"time_slice\"")]
    NoSlices(String),
    #[error(
        "experiment {experiment}: slice_s is {slice_s} and washout_s {washout_s}; a slice is 30 s or more, its washout shorter"
    )]
    Slices { experiment: String, slice_s: u32, washout_s: u32 },
    #[error("experiment {0}: arms take turns in time slices, so leave their shares out")]
    SliceShares(String),
    #[error("experiment {0}: time slices treat everybody alike, so a ramp has nothing to widen; leave it out")]
    SliceRamp(String),
    #[error("experiment {0}: a ramp has 1 to 16 ascending shares above 0 and at most 1, and ramp_hold_s above 0")]
    Ramp(String),
    #[error("experiment {experiment}: guardrail {metric}: tolerance is {tolerance}; 0 to 100")]
    Tolerance { experiment: String, metric: &'static str, tolerance: f64 },
    #[error("experiment {experiment}: two guardrails watch {metric}")]
    GuardrailTaken { experiment: String, metric: &'static str },
    #[error("experiment {0}: it names more than 1000 streams, or one without a name")]
    Streams(String),
    #[error("experiment {0}: salt is 1 to 256 characters")]
    Salt(String),
    #[error(
        "experiments {first} and {second} overlap: both run on {stream} at one time; end one before the other starts, or name other streams"
    )]
    Overlap { first: String, second: String, stream: String },
    #[error("holdback: share is {0}; 0 to 0.5")]
    HoldbackShare(f64),
    #[error("holdback: unit is session, viewer, network or stream")]
    HoldbackUnit,
}

fn known() -> String {
    engine_policies().map(Entry::name).collect::<Vec<_>>().join(", ")
}

fn engine_policies() -> impl Iterator<Item = &'static Entry> {
    POLICIES.iter().filter(|entry| entry.is_in_engine())
}

impl Experiment {
    /// Checks it alone.
    ///
    /// # Errors
    /// The first thing that does not fit; see [`ExperimentError`].
    pub fn check(&self) -> Result<(), ExperimentError> {
        experiment(self)
    }
}

pub(super) fn experiments(experiments: &[Experiment]) -> Result<(), ExperimentError> {
    if experiments.len() > MAX_EXPERIMENTS {
        return Err(ExperimentError::TooMany(experiments.len()));
    }
    for (position, experiment) in experiments.iter().enumerate() {
        self::experiment(experiment)?;
        for earlier in &experiments[..position] {
            if earlier.name == experiment.name {
                return Err(ExperimentError::NameTaken(experiment.name.clone()));
            }
            if let Some(stream) = overlap(earlier, experiment) {
                let (first, second) = (earlier.name.clone(), experiment.name.clone());
                return Err(ExperimentError::Overlap { first, second, stream });
            }
        }
    }
    Ok(())
}

/// A stream on which both run at one time.
fn overlap(one: &Experiment, other: &Experiment) -> Option<String> {
    let ends_before = |one: &Experiment, other: &Experiment| matches!((one.end, other.start), (Some(end), Some(start)) if end <= start);
    if ends_before(one, other) || ends_before(other, one) {
        return None;
    }
    match (one.streams.as_slice(), other.streams.as_slice()) {
        ([], []) => Some("every stream".to_owned()),
        ([], streams) | (streams, []) => streams.first().cloned(),
        (ours, theirs) => ours.iter().find(|stream| theirs.contains(stream)).cloned(),
    }
}

fn experiment(experiment: &Experiment) -> Result<(), ExperimentError> {
    let name = || experiment.name.clone();
    if !is_name(&experiment.name) {
        return Err(ExperimentError::Name(name()));
    }
    if !is_salt(experiment.salt()) {
        return Err(ExperimentError::Salt(name()));
    }
    if experiment.streams.len() > MAX_STREAMS || experiment.streams.iter().any(String::is_empty) {
        return Err(ExperimentError::Streams(name()));
    }
    if let (Some(start), Some(end)) = (experiment.start, experiment.end)
        && end <= start
    {
        return Err(ExperimentError::EndBeforeStart(name()));
    }
    arms(experiment)?;
    slices(experiment)?;
    ramp(experiment)?;
    guardrails(experiment)
}

fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    (1..=MAX_NAME).contains(&name.len()) && letters
}

pub(super) fn is_salt(salt: &str) -> bool {
    (1..=256).contains(&salt.len())
}

fn arms(experiment: &Experiment) -> Result<(), ExperimentError> {
    let arms = &experiment.arms;
    let name = || experiment.name.clone();
    if !(2..=MAX_ARMS).contains(&arms.len()) {
        return Err(ExperimentError::ArmCount { experiment: name(), arms: arms.len() });
    }
    for (position, arm) in arms.iter().enumerate() {
        if !is_name(&arm.name) {
            return Err(ExperimentError::Name(arm.name.clone()));
        }
        if arms[..position].iter().any(|earlier| earlier.name == arm.name) {
            return Err(ExperimentError::ArmTaken { experiment: name(), arm: arm.name.clone() });
        }
        match arm.share {
            None if arms.iter().any(|arm| arm.share.is_some()) => {
                return Err(ExperimentError::ShareMissing { experiment: name(), arm: arm.name.clone() });
            }
            Some(share) if !(share > 0.0 && share <= 1.0) => {
                return Err(ExperimentError::Share { experiment: name(), arm: arm.name.clone(), share });
            }
            _ => {}
        }
        if let Some(policy) = &arm.policy
            && engine_policies().all(|entry| entry.name() != policy)
        {
            return Err(ExperimentError::Policy { experiment: name(), policy: policy.clone() });
        }
    }
    let sum: f64 = experiment.shares().iter().sum();
    if sum > 1.0 + ROUNDING {
        return Err(ExperimentError::Shares { experiment: name(), sum });
    }
    Ok(())
}

fn slices(experiment: &Experiment) -> Result<(), ExperimentError> {
    let Some(slices) = experiment.time_slices() else {
        let stray = experiment.slice_s.is_some() || experiment.washout_s.is_some();
        return if stray { Err(ExperimentError::NoSlices(experiment.name.clone())) } else { Ok(()) };
    };
    if slices.slice_s < LEAST_SLICE_S || slices.washout_s >= slices.slice_s {
        let experiment = experiment.name.clone();
        return Err(ExperimentError::Slices { experiment, slice_s: slices.slice_s, washout_s: slices.washout_s });
    }
    if experiment.arms.iter().any(|arm| arm.share.is_some()) {
        return Err(ExperimentError::SliceShares(experiment.name.clone()));
    }
    if !experiment.ramp.is_empty() {
        return Err(ExperimentError::SliceRamp(experiment.name.clone()));
    }
    Ok(())
}

fn ramp(experiment: &Experiment) -> Result<(), ExperimentError> {
    let steps = &experiment.ramp;
    let within = steps.iter().all(|&step| step > 0.0 && step <= 1.0);
    let ascending = steps.windows(2).all(|pair| pair[0] < pair[1]);
    if within && ascending && steps.len() <= MAX_STEPS && experiment.ramp_hold_s != Some(0) {
        return Ok(());
    }
    Err(ExperimentError::Ramp(experiment.name.clone()))
}

fn guardrails(experiment: &Experiment) -> Result<(), ExperimentError> {
    for (position, guardrail) in experiment.guardrails.iter().enumerate() {
        let (name, metric) = (experiment.name.clone(), guardrail.metric.name());
        if !(0.0..=100.0).contains(&guardrail.tolerance) {
            return Err(ExperimentError::Tolerance { experiment: name, metric, tolerance: guardrail.tolerance });
        }
        if experiment.guardrails[..position].iter().any(|earlier| earlier.metric == guardrail.metric) {
            return Err(ExperimentError::GuardrailTaken { experiment: name, metric });
        }
    }
    Ok(())
}
