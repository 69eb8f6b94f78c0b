//! Audio in: files, raw samples from a pipe, microphones; all as mono at one rate, a piece at a time.
//!
//! Nothing here holds a recording as a whole: an hour costs as much memory as a second.

mod level;
mod microphone;
mod pcm;
mod recording;
mod resample;
pub mod synthetic;
#[cfg(test)]
mod tests;

pub use level::decibels;
pub use microphone::{Device, DeviceError, Microphone, devices};
pub use pcm::Pcm;
pub use recording::{OpenError, Recording};
pub use resample::{RATES, Resampler, UnsupportedRate};

/// Samples per second of all audio inside this crate: what Whisper and the voice activity model were trained on.
pub const SAMPLE_RATE: u32 = 16_000;

/// A stream of mono samples at [`SAMPLE_RATE`], each within -1..=1.
pub trait Source {
    /// Appends the next piece, at most about half a second, to `samples`. A live source may append nothing, so that the
    /// caller gets a turn in silence. `false` says that the stream is over.
    ///
    /// # Errors
    /// When the stream breaks; what was appended before stays valid.
    fn read(&mut self, samples: &mut Vec<f32>) -> Result<bool, ReadError>;
}

/// Why a stream of audio broke after it was opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file or pipe could not be read.
    #[error("cannot read the audio")]
    Io(#[source] std::io::Error),
    /// A packet in the file does not decode.
    #[error("the audio is damaged at {at_s:.1} s ({reason})")]
    Damaged {
        /// Seconds of audio that decoded before it.
        at_s: f64,
        /// The decoder's words.
        reason: &'static str,
    },
    /// The file changes its sample rate or channels in the middle (chained Ogg streams do).
    #[error("the audio changes its format at {at_s:.1} s")]
    FormatChange {
        /// Seconds of audio before it.
        at_s: f64,
    },
    /// The file has a header and no samples.
    #[error("the file holds no audio samples")]
    NoSamples,
    /// The microphone went away.
    #[error("the microphone stopped: {0}")]
    Device(String),
}

/// Seconds that `samples` last at [`SAMPLE_RATE`].
#[must_use]
pub fn seconds(samples: usize) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}
