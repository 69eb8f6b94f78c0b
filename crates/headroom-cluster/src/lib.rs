//! Engines behind locks: what a server needs between its requests and `headroom-core`.
//!
//! Sessions are spread over shards, each an engine under its own lock ([`shard`]). What the engines are told is recorded and can
//! be replayed ([`input_log`]). Cohorts and bottlenecks span all shards, so they are added up and divided here
//! ([`bottleneck`]). What the sessions went through is summed in [`rollup`]. A server talks to [`engines::Engines`].
//!
//! No HTTP and no SQL. Who watches the engines is not known here: watchers implement [`tap::Tap`] and [`meters::Meters`].

pub mod account;
pub mod answer;
pub mod arms;
pub mod bottleneck;
pub mod by_id;
pub mod clock;
mod cohort;
pub mod conditions;
pub mod demands;
pub mod engines;
pub mod input_log;
pub mod lock;
pub mod meters;
mod modes;
pub mod offer;
pub mod place;
pub mod publishers;
pub mod rollup;
mod sequence;
pub mod shard;
pub mod sketch;
pub mod tap;
pub mod tick_timing;
