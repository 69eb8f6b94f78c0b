//! Experiments: which session is treated how, and whether that helped.
//!
//! An [`Experiment`] names its arms; [`Experiment::assign`] says which one a session is in, as a pure function of the
//! session and a salt, so that every process, a replay and the shipped SQL agree without asking each other. The first arm
//! is the control that the others are held against.

mod assignment;
mod bucket;
mod check;
mod definition;
mod guardrails;
mod holdback;
mod metric;
mod rfc3339;
mod time_slice;

pub use assignment::{Assignment, Subject};
pub use bucket::{BUCKETS, bucket};
pub use check::{ExperimentError, MAX_ARMS, MAX_EXPERIMENTS};
pub use definition::{Actuator, Arm, Experiment, Unit};
pub use guardrails::{ALPHA, ArmSums, Event, Guardrails, MetricSums, TripReason};
pub use holdback::{Experiments, Holdback, Place};
pub use metric::{Guardrail, Metric};
pub use time_slice::{Slice, TimeSlices};

#[cfg(test)]
mod tests;
