//! The Headroom engine: telemetry and audience in, one explained decision per session and tick out.
//!
//! This crate is pure. It has no clock, socket, file, thread, environment or randomness of its own: time, seeds and
//! configuration are arguments, so the same input log gives the same decision log, byte for byte. The server,
//! the simulator and `headroom replay` all run this code.
//!
//! The way of one sample: `engine` (handle_input) → `session` (state) → `forecast` → `qoe` → `policy` → `guard`.

pub mod allocation;
pub mod audience;
pub mod decision;
pub mod engine;
pub mod forecast;
pub mod guard;
pub mod ladder;
pub mod network;
pub mod pacing;
pub mod policy;
pub mod qoe;
#[cfg(feature = "schema")]
mod schema;
pub mod session;
pub mod telemetry;
pub mod time;
pub mod units;
