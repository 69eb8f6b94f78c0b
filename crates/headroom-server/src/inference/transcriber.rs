//! The speech recogniser, as the server sees it.
//!
//! The server does not depend on an inference engine. The binary hands it one that implements [`Transcriber`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{io, sync::Arc};

/// One voice chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceChat {
    /// The stream it is about, by name.
    pub stream: String,
    /// Program and arguments; writes raw samples to its standard output: signed 16 bit, little endian, 16 kHz, mono.
    pub command: Vec<String>,
}

/// Turns sound into text, on threads of its own.
pub trait Transcriber: Send + Sync + 'static {
    /// Queues a sound file (`clip`, as it was uploaded) and returns at once. `reply` is called exactly once, from any
    /// thread: with the words, which are empty where nobody spoke, or with why there are none. The clip is dropped after
    /// that and never written anywhere.
    fn submit(&self, clip: Bytes, reply: TranscriptReply);

    /// Listens to a voice chat for as long as the process lives; `say` is called with the words of each utterance.
    ///
    /// # Errors
    /// When no thread can be started.
    fn follow(&self, chat: &VoiceChat, say: OnUtterance) -> io::Result<()>;
}

/// Called with what was understood of a clip. Must not block.
pub type TranscriptReply = Box<dyn FnOnce(Result<String, TranscribeError>) + Send>;

/// Called with what was said. Must not block.
pub type OnUtterance = Arc<dyn Fn(String) + Send + Sync>;

/// Why a clip has no transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranscribeError {
    /// More clips arrive than can be transcribed.
    #[error("more clips came than can be heard")]
    Shed,
    /// The file is not a sound format that can be read.
    #[error("{0}")]
    NotSound(String),
    /// The clip lasts longer than clips may.
    #[error("the clip is longer than {most_s} s")]
    TooLong {
        /// The longest clip accepted, in seconds.
        most_s: u32,
    },
    /// The recogniser failed.
    #[error("speech recognition failed")]
    Failed,
}
