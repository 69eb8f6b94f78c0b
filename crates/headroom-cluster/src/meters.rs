//! What shards and the input log count while they work.

use headroom_core::time::Duration;

/// Counts what happens to reports and answers. Called on the threads of requests, so no method may wait.
pub trait Meters: Send + Sync {
    /// A report came after a newer one of its session: only its transfer is used.
    fn late(&self);

    /// A report was seen before and is not used.
    fn replayed(&self);

    /// An input finds the queue of the input log full and is not recorded.
    fn shed_record(&self);

    /// The time, at an answer, since the session's shard last decided.
    fn decision_age(&self, age: Duration);
}
