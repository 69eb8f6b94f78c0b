//! Traces, links, players and evaluation around the engine of `headroom-core`: hours in seconds.
//!
//! Pure: time, seeds and file contents are arguments.

pub mod audience;
pub mod calibration;
pub mod client;
pub mod comparison;
pub mod contender;
pub mod controller;
pub mod crowd;
pub mod experiments;
pub mod forecasting;
pub mod netem;
pub mod player;
pub mod profile;
pub mod recovery;
pub mod score;
pub mod session;
pub mod statistics;
pub mod trace;
pub mod train;
pub mod video;
