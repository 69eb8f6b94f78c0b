//! Switchback: everybody gets the same arm for a slice of time, and arms take turns.
//!
//! A block has one slice for each arm, in an order that the hash of the block's number draws (a rotation), so that each arm is
//! seen as often as each other at every time of day. Arms that share a bottleneck cannot take capacity from each other, since
//! they are never there together (Bojinov, Simchi-Levi, Zhao 2023, "Design and analysis of switchback experiments").

use super::{
    bucket::bucket,
    definition::{Experiment, Unit},
};
use crate::time::{Duration, Timestamp};

/// Slices of half an hour: long enough that a washout of minutes costs little, short enough for 48 in a day.
const SLICE_S: u32 = 1_800;
/// Twice the deepest buffer of a live player (about a minute), and the queue of a bottleneck drains in far less.
const WASHOUT_S: u32 = 120;
/// How time is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSlices {
    /// When the first begins.
    pub start: Timestamp,
    /// Length of one, seconds.
    pub slice_s: u32,
    /// Beginning that is not counted, seconds.
    pub washout_s: u32,
    /// Arms that take turns.
    pub arms: usize,
}

/// One slice of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Number since the start.
    pub number: u64,
    /// Whose turn it is.
    pub arm: usize,
    /// Whether the time asked for is past the washout.
    pub is_counted: bool,
}

impl Experiment {
    /// Its slices of time, when those are what is drawn.
    #[must_use]
    pub fn time_slices(&self) -> Option<TimeSlices> {
        (self.unit == Unit::TimeSlice).then(|| TimeSlices {
            start: self.start.unwrap_or(Timestamp::EPOCH),
            slice_s: self.slice_s.unwrap_or(SLICE_S),
            washout_s: self.washout_s.unwrap_or(WASHOUT_S),
            arms: self.arms.len(),
        })
    }
}

impl TimeSlices {
    /// The slice at `at`; none before the start.
    #[must_use]
    pub fn at(&self, salt: &str, at: Timestamp) -> Option<Slice> {
        let arms = self.arms as u64;
        if at < self.start || self.slice_s == 0 || arms == 0 {
            return None;
        }
        let passed = at.since(self.start).as_micros();
        let slice = Duration::from_secs(self.slice_s.into()).as_micros();
        let number = passed / slice;
        let rotation = bucket(salt, &(number / arms).to_string()) % arms;
        Some(Slice {
            number,
            arm: ((number % arms + rotation) % arms) as usize,
            is_counted: passed % slice >= Duration::from_secs(self.washout_s.into()).as_micros(),
        })
    }
}
