//! The sums of one pass over all recordings.

use headroom_infer::speech::EndpointSettings;
use headroom_infer::speech::word_error::{WordErrors, normalise};
use std::time::Duration;

/// What one pass over all clips gave.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) sentences: WordErrors,
    pub(super) commands: WordErrors,
    pub(super) audio_s: f64,
    pub(super) cpu: Duration,
    /// Decode times of utterances of up to 5 s.
    pub(super) decodes: Vec<Duration>,
}

impl Pass {
    /// Clips of up to five words count as commands.
    pub(super) fn add(&mut self, reference: &str, text: &str) {
        let errors = WordErrors::of(reference, text);
        // The recordings of the development data: names of cards and "go forward ten meters" against read sentences.
        let is_command = normalise(reference).len() <= 5 || reference.contains(" of spades ");
        if is_command {
            self.commands += errors;
        } else {
            self.sentences += errors;
        }
    }

    pub(super) fn all(&self) -> WordErrors {
        let mut all = self.sentences;
        all += self.commands;
        all
    }

    pub(super) fn cpu_per_audio(&self) -> f64 {
        self.cpu.as_secs_f64() / self.audio_s
    }

    /// Median decode, and with it the pause that has to pass before a live utterance counts as ended.
    pub(super) fn latency_p50_s(&self) -> f64 {
        let mut decodes = self.decodes.clone();
        decodes.sort_unstable();
        let pause = EndpointSettings::default().hangover_frames as f64 * 0.016;
        decodes.get(decodes.len() / 2).map_or(0.0, |median| median.as_secs_f64() + pause)
    }
}
