//! What viewers say, on its way from any source through the reader to the engine of its stream.
//!
//! The sessions of a stream are spread over all shards; its audience lives in one, chosen by the stream's identifier. The
//! conditions of its sessions in other shards are passed to it, and the weights it finds are passed back: all as recorded inputs.

mod audio;
mod ears;
mod hub;
mod message;
mod metrics;
mod post;
mod settings;
mod socket;
mod speech_settings;
mod topic;

pub(crate) use hub::Feedback;
pub(crate) use message::{Message, Sender};
pub(crate) use metrics::MessageMetrics;
pub(crate) use post::MessageLine;
pub(crate) use settings::Settings;
pub use speech_settings::SpeechSettings;
pub(crate) use topic::RecentMessage;
