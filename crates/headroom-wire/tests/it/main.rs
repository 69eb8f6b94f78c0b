//! The crate seen from outside: laws that hold for all inputs, bad input, and agreement with independent
//! implementations and with what real players sent.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail and report as tests do")]

mod bad_input;
mod captures;
mod environment;
mod playlists;
mod records;
mod reference;

mod round_trip;
mod structured_fields;
mod vitals;
