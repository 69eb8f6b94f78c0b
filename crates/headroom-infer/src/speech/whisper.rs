//! Decodes one utterance with Whisper.

use super::{Utterance, guard};
use crate::audio::{SAMPLE_RATE, seconds};
use std::path::{Path, PathBuf};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

/// Whisper refuses less than a second; shorter utterances are filled up with silence to 1.05 s.
const SAMPLES_MIN: usize = SAMPLE_RATE as usize * 105 / 100;

/// It hears at most 30 s at once.
const SAMPLES_MAX: usize = SAMPLE_RATE as usize * 30;

/// A language to listen for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// Finds out for each utterance, at the price of one more pass of the encoder over the full context.
    Detect,
    /// ISO 639-1 code, such as `en` or `pt`.
    Code(String),
}

/// How to decode.
#[derive(Clone, Debug)]
pub struct WhisperSettings {
    /// Threads of one decode. One by default: on a shared host two were measured to burn more processor time in waiting
    /// than they saved (docs/speech.md).
    pub threads: usize,
    /// Language; a model for English only ignores it.
    pub language: Language,
    /// Runs on the graphics processor. Needs a build with the feature `cuda` or `vulkan`, without effect otherwise.
    pub gpu: bool,
}

impl Default for WhisperSettings {
    fn default() -> Self {
        Self { threads: 1, language: Language::Detect, gpu: false }
    }
}

/// Why weights could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    #[error("no weights at {0}")]
    Missing(PathBuf),
    /// The file is not a Whisper model in ggml format, or there is too little memory.
    #[error("{0} cannot be loaded as a Whisper model")]
    Unusable(PathBuf),
    /// The language is none that Whisper knows.
    #[error("unknown language {0:?}")]
    UnknownLanguage(String),
}

/// Why an utterance could not be decoded.
#[derive(Debug, thiserror::Error)]
#[error("speech recognition failed on {seconds:.1} s of sound")]
pub struct TranscribeError {
    /// Length of the utterance.
    pub seconds: f64,
    #[source]
    source: whisper_rs::WhisperError,
}

/// Why an utterance has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The decode was a guess: there was no speech, or it was not intelligible.
    Silence,
    /// The text is a phrase that Whisper invents for silence, and the decode was unsure.
    Filler,
    /// The text still repeats itself after a second decode with the full context.
    Repetition,
    /// The text is empty, or only notes such as `[Music]`.
    NoWords,
}

/// The text of one utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// The words; empty where `dropped` says why.
    pub text: String,
    /// The reason for an empty text.
    pub dropped: Option<DropReason>,
    /// ISO 639-1 code of the language.
    pub language: &'static str,
    /// How sure the decode was.
    pub confidence: guard::Confidence,
    /// Decodes it took: two where the first one repeated itself or was unsure of what sounds like a voice.
    pub passes: u8,
}

/// A loaded model. Decodes one utterance at a time and keeps nothing of it.
pub struct Whisper {
    state: WhisperState,
    // The state borrows nothing, yet ends before the weights it reads.
    context: WhisperContext,
    settings: WhisperSettings,
}

impl Whisper {
    /// Loads weights in ggml format.
    ///
    /// # Errors
    /// When the file is missing or no Whisper model, or the language is unknown.
    pub fn load(path: &Path, settings: WhisperSettings) -> Result<Self, LoadError> {
        // Their log lines would go to standard error otherwise.
        whisper_rs::install_logging_hooks();
        if let Language::Code(code) = &settings.language
            && (code.contains('\0') || whisper_rs::get_lang_id(code).is_none())
        {
            return Err(LoadError::UnknownLanguage(code.clone()));
        }
        if !path.is_file() {
            return Err(LoadError::Missing(path.to_owned()));
        }
        let unusable = || LoadError::Unusable(path.to_owned());
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(settings.gpu);
        let context = WhisperContext::new_with_params(path, parameters).map_err(|_| unusable())?;
        let state = context.create_state().map_err(|_| unusable())?;
        Ok(Self { state, context, settings })
    }

    /// Whether the model knows other languages than English.
    #[must_use]
    pub fn is_multilingual(&self) -> bool {
        self.context.is_multilingual()
    }

    /// Writes down an utterance. Of more than 30 s only the first 30 s are heard.
    ///
    /// # Errors
    /// When whisper.cpp fails, which takes a lack of memory.
    pub fn transcribe(&mut self, utterance: &Utterance) -> Result<Transcript, TranscribeError> {
        self.transcribe_within(utterance, guard::CONTEXT_MIN)
    }

    /// As [`Self::transcribe`], with another least number of encoder positions for the first decode: what the bench
    /// and the tests show the guards with.
    ///
    /// # Errors
    /// As [`Self::transcribe`].
    pub fn transcribe_within(
        &mut self,
        utterance: &Utterance,
        context_min: usize,
    ) -> Result<Transcript, TranscribeError> {
        let heard = &utterance.samples[..utterance.samples.len().min(SAMPLES_MAX)];
        let mut samples = heard.to_vec();
        samples.resize(heard.len().max(SAMPLES_MIN), 0.0);

        let context = guard::audio_context(samples.len());
        let context = if context == guard::CONTEXT_MIN { context_min } else { context };
        let cap = guard::token_cap(heard.len(), !self.is_multilingual());
        let confidence = |decode: &Decode| guard::Confidence {
            no_speech_probability: decode.no_speech_probability,
            mean_log_probability: decode.mean_log_probability,
            voice_probability: utterance.voice_probability,
        };
        let mut decode = self.decode(&samples, context, cap)?;
        let mut passes = 1;
        let doubtful = decode.is_suspicious(cap) || guard::is_doubtful(confidence(&decode));
        if doubtful && context < guard::CONTEXT_FULL {
            decode = self.decode(&samples, guard::CONTEXT_FULL, cap)?;
            passes = 2;
        }
        let confidence = confidence(&decode);
        let text = guard::without_annotations(&decode.text);
        let dropped = if decode.tokens.len() >= cap {
            Some(DropReason::Repetition)
        } else if text.is_empty() {
            Some(DropReason::NoWords)
        } else if guard::is_filler(&text, confidence) {
            Some(DropReason::Filler)
        } else if guard::is_silence(confidence) {
            Some(DropReason::Silence)
        } else {
            None
        };
        let text = if dropped.is_some() { String::new() } else { text };
        Ok(Transcript { text, dropped, language: self.language(), confidence, passes })
    }

    fn decode(&mut self, samples: &[f32], context: usize, cap: usize) -> Result<Decode, TranscribeError> {
        // Greedy: beams cost in proportion and gain nothing on short utterances.
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_n_threads(self.settings.threads.max(1) as i32);
        parameters.set_language(Some(match &self.settings.language {
            _ if !self.context.is_multilingual() => "en",
            Language::Detect => "auto",
            Language::Code(code) => code,
        }));
        parameters.set_audio_ctx(context as i32);
        parameters.set_max_tokens(cap as i32);
        parameters.set_no_context(true);
        parameters.set_single_segment(true);
        parameters.set_no_timestamps(true);
        parameters.set_suppress_blank(true);
        parameters.set_suppress_nst(true);
        // One temperature: a failed decode is repeated with more context instead of more chance.
        parameters.set_temperature(0.0);
        parameters.set_temperature_inc(0.0);
        // Silence is judged here, from the same numbers, so that the reason can be told.
        parameters.set_no_speech_thold(1.0);
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        self.state
            .full(parameters, samples)
            .map_err(|source| TranscribeError { seconds: seconds(samples.len()), source })?;

        let mut decode = Decode::default();
        let end_of_text = self.context.token_eot();
        let mut sum = 0.0;
        for segment in self.state.as_iter() {
            decode.no_speech_probability = decode.no_speech_probability.max(segment.no_speech_probability());
            decode.text += &segment.to_str_lossy().unwrap_or_default();
            for token in (0..segment.n_tokens()).filter_map(|i| segment.get_token(i)) {
                if token.token_id() < end_of_text {
                    decode.tokens.push(token.token_id());
                    sum += token.token_probability().max(f32::MIN_POSITIVE).ln();
                }
            }
        }
        decode.mean_log_probability = if decode.tokens.is_empty() { 0.0 } else { sum / decode.tokens.len() as f32 };
        Ok(decode)
    }

    fn language(&self) -> &'static str {
        if !self.is_multilingual() {
            return "en";
        }
        whisper_rs::get_lang_str(self.state.full_lang_id_from_state()).unwrap_or("en")
    }
}

#[derive(Default)]
struct Decode {
    text: String,
    tokens: Vec<i32>,
    no_speech_probability: f32,
    mean_log_probability: f32,
}

impl Decode {
    fn is_suspicious(&self, cap: usize) -> bool {
        self.tokens.len() >= cap || guard::repeats(&self.tokens)
    }
}
