//! The recogniser, once there is one, and room for clips.

use super::speech_settings::SpeechSettings;
use crate::inference::Transcriber;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// The recogniser, once there is one, and room for clips.
pub(super) struct ClipIntake {
    pub(super) settings: SpeechSettings,
    pub(super) transcriber: OnceLock<Arc<dyn Transcriber>>,
    pub(super) room: Arc<Semaphore>,
}

impl ClipIntake {
    pub(super) fn new(settings: SpeechSettings) -> Self {
        let room = Arc::new(Semaphore::new(settings.max_clips.min(Semaphore::MAX_PERMITS)));
        Self { settings, transcriber: OnceLock::new(), room }
    }
}
