#![doc = include_str!("../README.md")]

pub mod allocation;
pub mod audience;
pub mod decision;
pub mod engine;
pub mod experiment;
pub mod forecast;
pub mod guard;
pub mod ladder;
pub mod mode;
pub mod network;
pub mod objective;
pub mod pacing;
pub mod policy;
pub mod qoe;
#[cfg(feature = "schema")]
mod schema;
pub mod session;
pub mod statistics;
pub mod stretch;
pub mod telemetry;
pub mod time;
pub mod units;
pub mod view;
