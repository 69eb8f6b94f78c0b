//! How regularly the shards decide.

use headroom_core::time::Duration;

/// How regularly the shards decide.
#[derive(Clone, Copy, Debug, Default)]
pub struct TickTiming {
    /// What the configuration asks for.
    pub target: Duration,
    /// The longest interval between the latest two ticks of a shard.
    pub interval: Duration,
    /// Time since the shard that waits longest has decided.
    pub oldest: Duration,
    /// The longest time a shard took for its latest tick.
    pub took: Duration,
}
