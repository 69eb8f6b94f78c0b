//! Traces, links, players and evaluation around the engine of `headroom-core`: hours in seconds.
//!
//! Pure: time, seeds and file contents are arguments.

pub mod netem;
pub mod trace;
