//! What viewers say, as the engine understands it.
//!
//! A classifier outside this crate turns a message into a [`Classification`]; everything from there on is arithmetic. One
//! [`Audience`] a stream counts who complains about what, compares that with the stream's own habit and with what
//! telemetry says, and answers with [`Weights`](crate::policy::Weights) where telemetry explains the complaints and
//! with a [`BlindSpot`] where it does not. Every constant and its reason: docs/algorithms/audience.md.

mod claims;
mod conditions;
mod engagement;
mod fusion;
mod habit;
mod reading;
mod report;
mod sample;

pub use conditions::Conditions;
pub use fusion::{Audience, Change};
pub use reading::{Aspect, Aspects, Classification, Command, Sentiment, UnknownWord};
pub use report::{AspectReport, BlindSpot, Mood, State};

use serde::{Deserialize, Serialize};

/// Who wrote a message, as a keyed hash: the engine never holds a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorId(pub u64);

#[cfg(test)]
mod tests;
