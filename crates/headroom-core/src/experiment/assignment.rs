//! Which arm a unit is in: by the bucket of its identifier, written in decimal. Nothing needs to be stored or asked.

use super::{
    bucket::{BUCKETS, bucket},
    definition::{Experiment, Unit},
};
use crate::{
    telemetry::{NetworkId, SessionId, StreamId},
    time::Timestamp,
};

/// Whom an arm is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The session.
    pub session: SessionId,
    /// Keyed hash of the viewer's cookie, when there is one.
    pub viewer: Option<u64>,
    /// Where the session comes from.
    pub network: NetworkId,
    /// What it plays.
    pub stream: StreamId,
    /// What that stream is called.
    pub stream_name: &'a str,
}

/// An arm of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// Position of the arm.
    pub arm: usize,
    /// Whether what happens now counts: not in the washout of a time slice.
    pub is_counted: bool,
}

/// First bucket after `share` of them.
fn boundary(share: f64) -> u64 {
    // Shares are checked to be within 0 to 1.
    (share * BUCKETS as f64).round() as u64
}

impl Experiment {
    /// The arm of `subject` at `at`, with each arm at most `exposure` of all units ([`Experiment::exposure`]); none when the
    /// experiment does not run then or there, or does not draw this unit.
    #[must_use]
    pub fn assign(&self, subject: &Subject<'_>, at: Timestamp, exposure: f64) -> Option<Assignment> {
        if !self.runs_at(at) || !self.covers(subject.stream_name) {
            return None;
        }
        let unit = match self.unit {
            Unit::Session => subject.session.0,
            Unit::Viewer => subject.viewer?,
            Unit::Network => Some(subject.network).filter(|network| !network.is_unknown())?.0,
            Unit::Stream => Some(subject.stream).filter(|stream| !stream.is_unknown())?.0,
            Unit::TimeSlice => {
                let slice = self.time_slices()?.at(self.salt(), at)?;
                return Some(Assignment { arm: slice.arm, is_counted: slice.is_counted });
            }
        };
        let arm = self.arm_of_bucket(bucket(self.salt(), &unit.to_string()), exposure)?;
        Some(Assignment { arm, is_counted: true })
    }

    /// The arm of a bucket; none when it belongs to no arm. Each arm has the interval that its share and those before it
    /// span, and at a smaller exposure the beginning of it.
    #[must_use]
    pub fn arm_of_bucket(&self, bucket: u64, exposure: f64) -> Option<usize> {
        let mut before = 0.0;
        for (arm, share) in self.shares().into_iter().enumerate() {
            let from = boundary(before);
            before += share;
            let until = boundary(before).min(from + boundary(share.min(exposure)));
            if (from..until).contains(&bucket) {
                return Some(arm);
            }
        }
        None
    }
}
