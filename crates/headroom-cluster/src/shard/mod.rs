//! The engines behind the requests: sessions are spread over shards, each an engine under its own lock.
//!
//! A shard's lock is held for one input at a time and for one shard's tick; ticks of different shards are spread over
//! the tick interval, so no request waits for all sessions.

mod intake;
mod orders;
mod questions;
mod shards;

pub use intake::{ObservedTransfer, PlayerReport, ReportingMode};
pub use shards::{ClientLocation, Shards};
