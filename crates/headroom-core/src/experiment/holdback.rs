//! All experiments together, and the share of sessions that is never steered.

use super::{
    assignment::{Assignment, Subject},
    bucket::{BUCKETS, bucket},
    check::{self, ExperimentError},
    definition::{Experiment, Unit},
};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Sessions that nothing is ever said to, so that what steering does stays measurable for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Holdback {
    /// Share of the units, 0 to 1. Zero, the default, is no holdback; 0.05 is usual.
    pub share: f64,
    /// What is hashed with the unit.
    pub salt: String,
    /// What is held back as a whole: `session`, `viewer`, `network` or `stream`.
    pub unit: Unit,
}

impl Default for Holdback {
    fn default() -> Self {
        Self { share: 0.0, salt: "holdback".to_owned(), unit: Unit::Session }
    }
}

impl Holdback {
    fn check(&self) -> Result<(), ExperimentError> {
        match self {
            Self { share, .. } if !(0.0..=0.5).contains(share) => Err(ExperimentError::HoldbackShare(*share)),
            Self { unit: Unit::TimeSlice, .. } => Err(ExperimentError::HoldbackUnit),
            Self { salt, .. } if !check::is_salt(salt) => Err(ExperimentError::Salt("holdback".to_owned())),
            _ => Ok(()),
        }
    }

    /// Whether `subject` is held back.
    #[must_use]
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        let unit = match self.unit {
            _ if self.share <= 0.0 => None,
            Unit::Session => Some(subject.session.0),
            Unit::Viewer => subject.viewer,
            Unit::Network => Some(subject.network.0).filter(|&network| network != 0),
            Unit::Stream => Some(subject.stream.0).filter(|&stream| stream != 0),
            Unit::TimeSlice => None,
        };
        unit.is_some_and(|unit| (bucket(&self.salt, &unit.to_string()) as f64) < self.share * BUCKETS as f64)
    }
}

/// The holdback and every experiment, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiments {
    holdback: Holdback,
    experiments: Vec<Experiment>,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place<'a> {
    /// In no arm: treated as configured.
    Outside,
    /// Never steered.
    Holdback,
    /// In an arm.
    Arm {
        /// Of which experiment.
        experiment: &'a Experiment,
        /// Which arm.
        assignment: Assignment,
    },
}

impl Experiments {
    /// Puts them together.
    ///
    /// # Errors
    /// The first thing that does not fit, in one experiment or between two; see [`ExperimentError`].
    pub fn new(holdback: Holdback, experiments: Vec<Experiment>) -> Result<Self, ExperimentError> {
        holdback.check()?;
        check::experiments(&experiments)?;
        Ok(Self { holdback, experiments })
    }

    /// The holdback.
    #[must_use]
    pub const fn holdback(&self) -> &Holdback {
        &self.holdback
    }

    /// Every experiment, in the order of the configuration.
    #[must_use]
    pub fn experiments(&self) -> &[Experiment] {
        &self.experiments
    }

    /// Where `subject` is at `at`. `exposure` says how far an experiment's ramp has come ([`Experiment::exposure`]). The
    /// holdback comes first; no two experiments run on one stream at one time.
    #[must_use]
    pub fn place(&self, subject: &Subject<'_>, at: Timestamp, exposure: impl Fn(&Experiment) -> f64) -> Place<'_> {
        if self.holdback.holds(subject) {
            return Place::Holdback;
        }
        for experiment in &self.experiments {
            if let Some(assignment) = experiment.assign(subject, at, exposure(experiment)) {
                return Place::Arm { experiment, assignment };
            }
        }
        Place::Outside
    }
}
