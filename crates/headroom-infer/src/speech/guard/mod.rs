//! Guards against Whisper's known failures: it repeats itself when it hears too little context, it writes without end,
//! and it invents polite phrases for silence.
//!
//! Pure functions over what a decode returned; [`Whisper`](super::Whisper) applies them in the order below.

#[cfg(test)]
mod tests;

use crate::audio::seconds;

/// Positions of the encoder that a decode of so many samples is given: 50 a second and a margin of 64, in steps of 64.
///
/// Whisper was trained on 1500 positions (30 s) and costs in proportion. Below 512 `tiny.en` loops on short clips: with
/// 384 one of six card names became the same word until the token limit, with 512 none did (docs/speech.md).
#[must_use]
pub fn audio_context(samples: usize) -> usize {
    let wanted = (seconds(samples) * 50.0) as usize + 64;
    wanted.next_multiple_of(64).clamp(CONTEXT_MIN, CONTEXT_FULL)
}

/// Fewest encoder positions a decode is given.
pub const CONTEXT_MIN: usize = 512;

/// Encoder positions of 30 s, all there are.
pub const CONTEXT_FULL: usize = 1500;

/// Tokens that a decode of so many samples may write.
///
/// The fastest speech in the recordings of docs/speech.md makes 6 tokens a second in English; 10 leave room for
/// auctioneers. A script whose letters are several tokens each (Hindi, Arabic) needs three times as many. The 12 on top
/// let a single long name pass.
#[must_use]
pub fn token_cap(samples: usize, english_only: bool) -> usize {
    let per_second = if english_only { 10.0 } else { 30.0 };
    // Whisper's own limit: half of its text context of 448.
    ((seconds(samples) * per_second) as usize + 12).min(224)
}

/// Shortest repetition that counts as a loop, in tokens: twelve times "go", or three times a phrase of four tokens.
const LOOP_TOKENS: usize = 12;

/// Whether the tokens hold the same group at least three times in a row, twelve tokens or more in all.
///
/// People repeat themselves too: this asks for a second look, not for a deletion.
#[must_use]
pub fn repeats<T: PartialEq>(tokens: &[T]) -> bool {
    (1..=tokens.len() / 3).any(|period| {
        let mut run = 0;
        (period..tokens.len()).any(|i| {
            run = if tokens[i] == tokens[i - period] { run + 1 } else { 0 };
            run >= 2 * period && run + period >= LOOP_TOKENS
        })
    })
}

/// How sure a decode was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// Whisper's own probability that there is no speech.
    pub no_speech_probability: f32,
    /// Mean natural logarithm of the probability of each token written.
    pub mean_log_probability: f32,
    /// Mean probability of voice over the voiced frames, from the voice activity model.
    pub voice_probability: f32,
}

/// Whether the decode was a guess about something that is no speech: `logprob_threshold` -1.0 of Whisper's reference
/// implementation.
///
/// The reference also asks for a no-speech probability above 0.6. whisper.cpp reports 1e-7 to 4e-4 on silence, noise and
/// music as on speech, so that sign is only used where it points to silence. Measured (docs/speech.md): clean and noisy
/// speech -0.05 to -0.79, invented words on silence, noise and music -1.06 to -3.3.
#[must_use]
pub fn is_silence(confidence: Confidence) -> bool {
    confidence.mean_log_probability < -1.0
        || (confidence.no_speech_probability > 0.6 && confidence.mean_log_probability < -0.6)
}

/// Whether a decode that counts as silence deserves a second one with all positions: a clear voice, and not quite a guess.
///
/// Two words between pauses have little around them. "Ask not", cut out of jfk.wav by its pauses, has -1.13 with 512
/// positions and a voice probability of 0.80.
#[must_use]
pub fn is_doubtful(confidence: Confidence) -> bool {
    is_silence(confidence) && confidence.mean_log_probability > -1.5 && confidence.voice_probability > 0.7
}

/// Whether the text is one of the phrases that Whisper writes for silence and noise **and** the decode was unsure.
///
/// The phrases come from its training data (ends of videos, subtitle credits). A viewer who clearly says "thank you" is
/// heard: all three signs must be good for that.
#[must_use]
pub fn is_filler(text: &str, confidence: Confidence) -> bool {
    let sure = confidence.no_speech_probability < 0.2
        && confidence.mean_log_probability > -0.6
        && confidence.voice_probability > 0.8;
    !sure && FILLERS.contains(&plain(text).as_str())
}

/// Phrases seen on silence, noise and music (own runs; openai/whisper discussions 679 and 1606 list the same ones).
const FILLERS: &[&str] = &[
    "",
    "ah",
    "and",
    "bye",
    "bye bye",
    "hello",
    "hmm",
    "i",
    "i don t know",
    "i m sorry",
    "i m going to go",
    "i m not sure",
    "mm",
    "mm hmm",
    "no",
    "oh",
    "oh my god",
    "ok",
    "okay",
    "please subscribe",
    "please subscribe to my channel",
    "so",
    "subtitles by the amara org community",
    "sorry",
    "thank you",
    "thank you for watching",
    "thank you so much",
    "thank you so much for watching",
    "thank you very much",
    "thanks",
    "thanks for watching",
    "the",
    "the end",
    "uh",
    "um",
    "we ll be right back",
    "wow",
    "yeah",
    "yes",
    "you",
    "you re welcome",
];

/// Takes out what is not speech: `[Music]`, `(keyboard clicking)`, `*sighs*`, notes and white space around.
#[must_use]
pub fn without_annotations(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing = None;
    for character in text.chars() {
        match (closing, character) {
            (Some(end), other) => {
                if other == end {
                    closing = None;
                }
            }
            (None, '[') => closing = Some(']'),
            (None, '(') => closing = Some(')'),
            (None, '*') => closing = Some('*'),
            (None, '♪' | '♫' | '♬') => {}
            (None, other) => kept.push(other),
        }
    }
    let words: Vec<&str> = kept.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().any(char::is_alphanumeric) { text } else { String::new() }
}

/// Lower case, everything but letters and digits as single spaces.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}
