//! Speech to text on the processor.
//!
//! [`Segmenter`] cuts a stream into utterances (voice activity, end points), [`Whisper`] turns one utterance into text
//! behind the guards of [`guard`], [`Worker`] does so on a thread of its own with a bounded queue in between.

mod activity;
mod endpoint;
pub mod guard;
mod segmenter;
mod whisper;
pub mod word_error;
mod worker;

pub use activity::{Earshot, FRAME, VoiceActivity};
pub use endpoint::{End, EndpointSettings, Endpointer, Utterance};
pub use segmenter::Segmenter;
pub use whisper::{DropReason, Language, LoadError, TranscribeError, Transcript, Whisper, WhisperSettings};
pub use worker::{Recognition, Worker};
