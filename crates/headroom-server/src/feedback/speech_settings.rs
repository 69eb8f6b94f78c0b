//! `[speech]`: voices of viewers and voice chats of streams.

use crate::inference::VoiceChat;
use serde::{Deserialize, Serialize};

/// `[speech]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechSettings {
    /// Take clips at `/v1/feedback/audio`.
    pub clips: bool,
    /// Bytes of one clip.
    pub max_clip_bytes: usize,
    /// Clips received or waiting at most.
    pub max_clips: usize,
    /// Model, as `headroom models list` shows it.
    pub model: String,
    /// Voice chats to listen to.
    pub voice_chats: Vec<VoiceChat>,
}

/// Voice chats listened to at most: each has a thread and a child process.
const MAX_VOICE_CHATS: usize = 16;

impl Default for SpeechSettings {
    fn default() -> Self {
        // 30 s of uncompressed stereo at 48 kHz are 5.8 MB.
        Self {
            clips: false,
            max_clip_bytes: 6 * 1024 * 1024,
            max_clips: 8,
            model: "tiny.en".into(),
            voice_chats: Vec::new(),
        }
    }
}

impl SpeechSettings {
    /// Whether clips or voice chats are on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.clips || !self.voice_chats.is_empty()
    }

    /// The first key that is out of range, and what is wrong with it.
    pub(crate) fn flaw(&self) -> Option<(&'static str, String)> {
        if self.voice_chats.len() > MAX_VOICE_CHATS {
            return Some(("speech.voice_chats", format!("there are more than {MAX_VOICE_CHATS}")));
        }
        if self.voice_chats.iter().any(|chat| chat.stream.is_empty() || chat.command.is_empty()) {
            return Some(("speech.voice_chats", "each needs a stream and a command".into()));
        }
        if self.max_clips == 0 {
            return Some(("speech.max_clips", "0 lets no clip in".into()));
        }
        None
    }
}
