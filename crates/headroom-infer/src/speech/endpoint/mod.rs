//! Where an utterance begins and ends, from the voice probability of each frame.

#[cfg(test)]
mod tests;

use super::FRAME;
use std::collections::VecDeque;

/// Frames are 16 ms long; all lengths here count frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndpointSettings {
    /// A frame at or above this probability is voiced. 0.5 is the model's own boundary.
    pub onset_probability: f32,
    /// Below this a frame counts towards the pause. Lower than the onset, so that a soft syllable ends nothing.
    pub release_probability: f32,
    /// Voiced frames in a row that open an utterance: 4 (64 ms), longer than a key stroke, shorter than a syllable.
    pub onset_frames: usize,
    /// Frames before the onset that are kept: 19 (304 ms), so that the first consonant is not lost.
    pub pre_roll_frames: usize,
    /// Frames of pause that close it: 40 (640 ms). At 30 a speech with rhetorical pauses falls into pieces that are
    /// understood worse; longer delays the answer.
    pub hangover_frames: usize,
    /// Frames with voice below which an utterance is dropped as a noise: 9 (144 ms), about the shortest spoken word.
    pub voiced_frames_min: usize,
    /// An utterance is cut here at the latest: 938 (15 s), half of what Whisper hears at once.
    pub frames_max: usize,
    /// How far before that cut the softest frame is looked for, so that no word is halved: 188 (3 s).
    pub cut_window_frames: usize,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            onset_probability: 0.5,
            release_probability: 0.35,
            onset_frames: 4,
            pre_roll_frames: 19,
            hangover_frames: 40,
            voiced_frames_min: 9,
            frames_max: 938,
            cut_window_frames: 188,
        }
    }
}

impl EndpointSettings {
    /// For recordings, where nobody waits for the answer: pauses up to a second stay inside an utterance, which is
    /// understood better and costs less than its pieces.
    #[must_use]
    pub fn recorded() -> Self {
        Self { hangover_frames: 62, ..Self::default() }
    }
}

/// What ended an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The speaker paused.
    Pause,
    /// It reached its greatest length; the next one follows without a gap.
    Length,
    /// The stream is over.
    EndOfStream,
    /// Nothing yet: the speaker goes on, and this is what was said so far.
    Open,
}

/// A stretch of speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// Its sound, pre-roll and hangover included.
    pub samples: Vec<f32>,
    /// Where it starts, in samples from the start of the stream.
    pub start: u64,
    /// Frames at or above the onset probability.
    pub voiced_frames: usize,
    /// Mean voice probability of the voiced frames.
    pub voice_probability: f32,
    /// What ended it.
    pub end: End,
}

/// Takes frames with their probabilities, gives utterances. Holds at most `frames_max` frames.
pub struct Endpointer {
    settings: EndpointSettings,
    frames: VecDeque<Frame>,
    // Frames taken from the stream so far.
    taken: u64,
    // Voiced frames in a row, while waiting.
    onset: usize,
    // Unvoiced frames in a row, while speaking.
    pause: usize,
    speaking: bool,
}

struct Frame {
    samples: [f32; FRAME],
    probability: f32,
}

impl Endpointer {
    /// Waits for the first frame.
    #[must_use]
    pub const fn new(settings: EndpointSettings) -> Self {
        Self { settings, frames: VecDeque::new(), taken: 0, onset: 0, pause: 0, speaking: false }
    }

    /// Whether an utterance is open.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// Takes the next frame; gives the utterance that it ends, if it ends one.
    pub fn push(&mut self, samples: &[f32; FRAME], probability: f32) -> Option<Utterance> {
        self.taken += 1;
        self.frames.push_back(Frame { samples: *samples, probability });
        if self.speaking { self.follow(probability) } else { self.wait(probability) }
    }

    /// What has been said of an open utterance, with enough voice in it to be one; nothing during a pause, which may end it.
    #[must_use]
    pub fn so_far(&self) -> Option<Utterance> {
        let spoken = self.speaking && self.pause == 0;
        spoken.then(|| self.utterance(self.frames.len(), End::Open)).flatten()
    }

    /// Ends the stream; gives the utterance that was open.
    pub fn finish(&mut self) -> Option<Utterance> {
        if !self.speaking {
            return None;
        }
        self.close(self.frames.len(), End::EndOfStream)
    }

    fn wait(&mut self, probability: f32) -> Option<Utterance> {
        self.onset = if probability >= self.settings.onset_probability { self.onset + 1 } else { 0 };
        if self.onset >= self.settings.onset_frames {
            (self.speaking, self.pause) = (true, 0);
        } else {
            let kept = self.settings.pre_roll_frames + self.settings.onset_frames;
            while self.frames.len() >= kept.max(1) {
                self.frames.pop_front();
            }
        }
        None
    }

    fn follow(&mut self, probability: f32) -> Option<Utterance> {
        self.pause = if probability < self.settings.release_probability { self.pause + 1 } else { 0 };
        if self.pause >= self.settings.hangover_frames {
            let utterance = self.close(self.frames.len(), End::Pause);
            (self.speaking, self.onset) = (false, 0);
            return utterance;
        }
        if self.frames.len() >= self.settings.frames_max {
            return self.close(self.softest_cut(), End::Length);
        }
        None
    }

    /// Index after the softest frame of the cut window; the latest one where several are equally soft.
    fn softest_cut(&self) -> usize {
        let from = self.frames.len().saturating_sub(self.settings.cut_window_frames);
        let softest = (from..self.frames.len())
            .min_by(|a, b| self.frames[*a].probability.total_cmp(&self.frames[*b].probability).then(b.cmp(a)))
            .unwrap_or(from);
        softest + 1
    }

    /// Takes the first `count` frames out as an utterance, unless there was too little voice in them.
    fn close(&mut self, count: usize, end: End) -> Option<Utterance> {
        let utterance = self.utterance(count, end);
        self.frames.drain(..count);
        utterance
    }

    /// The first `count` frames as an utterance, unless there is too little voice in them.
    fn utterance(&self, count: usize, end: End) -> Option<Utterance> {
        let start = (self.taken - self.frames.len() as u64) * FRAME as u64;
        let mut samples = Vec::with_capacity(count * FRAME);
        let (mut voiced_frames, mut sum) = (0, 0.0);
        for frame in self.frames.range(..count) {
            samples.extend_from_slice(&frame.samples);
            if frame.probability >= self.settings.onset_probability {
                voiced_frames += 1;
                sum += frame.probability;
            }
        }
        if voiced_frames < self.settings.voiced_frames_min {
            return None;
        }
        Some(Utterance { samples, start, voiced_frames, voice_probability: sum / voiced_frames as f32, end })
    }
}
