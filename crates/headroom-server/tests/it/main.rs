//! The server over real sockets: what goes in, what comes out, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod archive;
mod arms;
mod attacks;
mod audience;
mod bad_input;
mod cohorts;
mod control;
mod dashboard;
mod edge;
mod experiments;
mod forms;
mod history;
mod limits;
mod modes;
mod monitoring;
mod openapi;
mod orders;
mod origins;
mod places;
mod plan;
mod players;
mod replay;
mod silent;
mod support;
mod tls;
mod tokens;
mod world;
