//! Who reads along with a shard: an archive of its reports and decisions.

use headroom_core::{
    decision::Decision,
    telemetry::{Sample, StreamId},
    time::Timestamp,
};

/// Reads along with one shard. Every method is called under the shard's lock, so none may wait.
pub trait Tap: Send {
    /// Takes note of a report, that of a publisher included.
    fn sample(&mut self, sample: &Sample);

    /// Takes note of a decision that changed something, about a session that plays `stream`.
    fn decision(&mut self, stream: StreamId, decision: &Decision);

    /// Ends the interval that a tick at `now` closes. The shard calls what is returned once its lock is free.
    fn take(&mut self, now: Timestamp) -> Handover;
}

/// Passes on what a [`Tap`] gathered.
pub type Handover = Box<dyn FnOnce() + Send>;
