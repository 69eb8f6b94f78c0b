//! What is watched: a ladder and the size of every segment at every rung.

mod envivio;
#[cfg(test)]
mod tests;

use headroom_core::{
    ladder::{Ladder, LadderError},
    time::Duration,
    units::Bitrate,
};
use rand::{RngExt, SeedableRng};
use rand_distr::LogNormal;
use rand_pcg::Pcg64Mcg;

/// Segments of equal duration in every rung of a ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    ladder: Ladder,
    segment_duration: Duration,
    /// `bits[segment][rung]`.
    bits: Vec<Vec<f64>>,
}

/// Why sizes do not make a video.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// When there is no segment.
    #[error("a video needs at least one segment")]
    Empty,
    /// When segments have no duration.
    #[error("segments need a duration")]
    NoDuration,
    /// When a segment has not one positive size for each rung.
    #[error("segment {0} needs one positive size for each rung")]
    BadSize(usize),
    /// When the bit rates are no ladder.
    #[error("the bit rates are no ladder")]
    Ladder(#[from] LadderError),
}

impl Video {
    /// A video of known sizes, `bits[segment][rung]`.
    ///
    /// # Errors
    /// See [`VideoError`].
    pub fn new(ladder: Ladder, segment_duration: Duration, bits: Vec<Vec<f64>>) -> Result<Self, VideoError> {
        if bits.is_empty() {
            return Err(VideoError::Empty);
        }
        if segment_duration == Duration::ZERO {
            return Err(VideoError::NoDuration);
        }
        let rungs = ladder.rungs().len();
        let is_bad =
            |sizes: &Vec<f64>| sizes.len() != rungs || !sizes.iter().all(|&bits| bits > 0.0 && bits.is_finite());
        if let Some(segment) = bits.iter().position(is_bad) {
            return Err(VideoError::BadSize(segment));
        }
        Ok(Self { ladder, segment_duration, bits })
    }

    /// A live encoder that holds its bit rate only on average: every size is bit rate × duration × lognormal(0, `spread`),
    /// one factor for each segment and rung, drawn from `seed`.
    ///
    /// # Errors
    /// See [`VideoError`]; a spread that is no positive number is taken as none.
    pub fn jittered(
        ladder: Ladder,
        segment_duration: Duration,
        segments: usize,
        spread: f64,
        seed: u64,
    ) -> Result<Self, VideoError> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let factor = LogNormal::new(0.0, spread).ok();
        let seconds = segment_duration.as_secs_f64();
        let bits = (0..segments)
            .map(|_| {
                let size = |rung: &headroom_core::ladder::Rung| {
                    let factor = factor.map_or(1.0, |factor| random.sample(factor));
                    rung.bitrate.as_bps() as f64 * seconds * factor
                };
                ladder.rungs().iter().map(size).collect()
            })
            .collect();
        Self::new(ladder, segment_duration, bits)
    }

    /// The same video, only its first `segments`; at least one remains.
    #[must_use]
    pub fn truncated(mut self, segments: usize) -> Self {
        self.bits.truncate(segments.max(1));
        self
    }

    /// The rungs.
    #[must_use]
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// Duration of a segment.
    #[must_use]
    pub fn segment_duration(&self) -> Duration {
        self.segment_duration
    }

    /// How many segments there are.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.bits.len()
    }

    /// Sizes in bits from segment `first` on: `[ahead][rung]`.
    #[must_use]
    pub fn sizes_from(&self, first: usize) -> &[Vec<f64>] {
        self.bits.get(first..).unwrap_or(&[])
    }

    /// Bits of `segment` at `rung`; the nearest that exists when either lies outside.
    #[must_use]
    pub fn bits(&self, segment: usize, rung: u8) -> f64 {
        let sizes = &self.bits[segment.min(self.bits.len() - 1)];
        sizes[usize::from(rung).min(sizes.len() - 1)]
    }
}

/// A ladder of bit rates in kbit/s.
///
/// # Errors
/// See [`LadderError`].
pub fn ladder_of_kbps(kbps: &[u64]) -> Result<Ladder, LadderError> {
    Ladder::from_bitrates(&kbps.iter().map(|&kbps| Bitrate::kbps(kbps)).collect::<Vec<_>>())
}
