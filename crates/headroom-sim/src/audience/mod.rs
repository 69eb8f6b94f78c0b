//! Viewers who write: a chat with ordinary days, faults and brigades, and viewers who complain about their own stalls.
//!
//! Chat rates vary by the minute and have bursts, a few people write most of it, and complaints come in clusters, so that
//! counts are far from Poisson. All of it is a model of our own, not a recording: no public recording of live chats with
//! delivery faults and a free licence was found.

mod chat;
mod viewers;

pub use chat::{Brigade, Chat, ChatOutcome, Fault};
pub use viewers::{AudienceOutcome, Viewers};

use headroom_core::{
    audience::{Aspect, Aspects, Classification, Sentiment},
    units::Ratio,
};

/// The classifier's result for a complaint about `aspect`, or for small talk without one.
fn reading(aspect: Option<Aspect>) -> Classification {
    Classification {
        sentiment: if aspect.is_some() { Sentiment::Negative } else { Sentiment::Neutral },
        confidence: Ratio::clamped(0.93),
        aspects: aspect.into_iter().collect::<Aspects>(),
        command: None,
    }
}
