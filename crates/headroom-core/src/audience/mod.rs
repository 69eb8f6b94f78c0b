//! What viewers say, as the engine understands it.
//!
//! A classifier outside this crate turns a message into a [`Reading`]; everything from there on is arithmetic.

mod reading;

pub use reading::{Aspect, Aspects, Command, Reading, Sentiment, UnknownWord};
