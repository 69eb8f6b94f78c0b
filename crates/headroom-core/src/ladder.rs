//! The ladder: the encodings a stream offers, from the smallest to the largest.

use crate::units::Bitrate;
use serde::{Deserialize, Serialize};

/// One encoding of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rung {
    /// Encoded bit rate of the video (with audio where they are multiplexed).
    #[serde(rename = "bitrate_kbps")]
    pub bitrate: Bitrate,
    /// Picture width in pixels.
    pub width: u16,
    /// Picture height in pixels: the number in "720p".
    pub height: u16,
    /// Frames per second.
    pub frame_rate: f32,
}

impl Rung {
    /// A rung with square pixels at 16:9.
    #[must_use]
    pub const fn new(bitrate: Bitrate, height: u16, frame_rate: f32) -> Self {
        let width = (height as u32 * 16 / 9) as u16;
        Self { bitrate, width: width + width % 2, height, frame_rate }
    }
}

/// Position of a rung in its ladder, 0 the smallest.
pub type RungIndex = u8;

/// The rungs of one stream, ascending in bit rate: at least 1, at most [`Ladder::MAX_RUNGS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Rung>", into = "Vec<Rung>")]
pub struct Ladder {
    rungs: Vec<Rung>,
}

/// Why a list of rungs is no ladder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderError {
    /// The list holds no rung.
    #[error("a ladder needs at least one rung")]
    Empty,
    /// The list holds more rungs than any published ladder.
    #[error("a ladder holds at most {max} rungs, got {0}", max = Ladder::MAX_RUNGS)]
    TooLong(usize),
    /// A rung has bit rate zero.
    #[error("rung {0} has no bit rate")]
    NoBitrate(usize),
    /// Two rungs share a bit rate, so none is above the other.
    #[error("two rungs share the bit rate {0}")]
    Duplicate(Bitrate),
}

impl Ladder {
    /// More rungs than any ladder in use; keeps per-session tables small.
    pub const MAX_RUNGS: usize = 16;

    /// Builds a ladder; rungs may come in any order.
    ///
    /// # Errors
    /// When the list is empty, too long, or holds a rung without bit rate or two rungs with the same one.
    pub fn new(mut rungs: Vec<Rung>) -> Result<Self, LadderError> {
        match rungs.len() {
            0 => return Err(LadderError::Empty),
            n if n > Self::MAX_RUNGS => return Err(LadderError::TooLong(n)),
            _ => {}
        }
        if let Some(index) = rungs.iter().position(|rung| rung.bitrate == Bitrate::ZERO) {
            return Err(LadderError::NoBitrate(index));
        }
        rungs.sort_by_key(|rung| rung.bitrate);
        if let Some(pair) = rungs.windows(2).find(|pair| pair[0].bitrate == pair[1].bitrate) {
            return Err(LadderError::Duplicate(pair[0].bitrate));
        }
        Ok(Self { rungs })
    }

    /// A ladder of bit rates alone, with the heights of the default ladder spread over them.
    ///
    /// # Errors
    /// As [`Ladder::new`].
    pub fn from_bitrates(bitrates: &[Bitrate]) -> Result<Self, LadderError> {
        let default = Self::default();
        Self::new(
            bitrates
                .iter()
                .map(|&bitrate| {
                    let nearest = default.highest_within(bitrate).unwrap_or(0);
                    let like = default.rung(nearest);
                    Rung::new(bitrate, like.height, like.frame_rate)
                })
                .collect(),
        )
    }

    /// The rungs, smallest first. Never empty.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The rung at `index`, the top one when `index` lies above the ladder.
    #[must_use]
    pub fn rung(&self, index: RungIndex) -> Rung {
        self.rungs[usize::from(index.min(self.top()))]
    }

    /// The bit rate at `index`.
    #[must_use]
    pub fn bitrate(&self, index: RungIndex) -> Bitrate {
        self.rung(index).bitrate
    }

    /// Index of the largest rung.
    #[must_use]
    pub fn top(&self) -> RungIndex {
        (self.rungs.len() - 1) as RungIndex
    }

    /// The largest rung whose bit rate is at most `limit`; `None` when even the smallest is above it.
    #[must_use]
    pub fn highest_within(&self, limit: Bitrate) -> Option<RungIndex> {
        let within = self.rungs.partition_point(|rung| rung.bitrate <= limit);
        within.checked_sub(1).map(|index| index as RungIndex)
    }

    /// The rung nearest in bit rate to what a player reports (encoders overshoot and undershoot).
    #[must_use]
    pub fn nearest(&self, bitrate: Bitrate) -> RungIndex {
        let below = self.rungs.iter().filter(|rung| rung.bitrate <= bitrate).count().saturating_sub(1);
        let distance =
            |index: usize| self.rungs.get(index).map(|rung| rung.bitrate.as_bps().abs_diff(bitrate.as_bps()));
        let nearer_above = distance(below + 1).is_some_and(|above| Some(above) < distance(below));
        (below + usize::from(nearer_above)) as RungIndex
    }

    /// The rung of a picture height such as 720, or the largest below it.
    #[must_use]
    pub fn by_height(&self, height: u16) -> Option<RungIndex> {
        self.rungs.iter().rposition(|rung| rung.height <= height).map(|index| index as RungIndex)
    }
}

impl Default for Ladder {
    /// 240p to 2160p. The bit rates follow the Apple HLS Authoring Specification §1.35 (AVC column) with the
    /// higher frame rates game streams use; a real ladder is discovered from the stream's own playlists.
    fn default() -> Self {
        Self {
            rungs: vec![
                Rung::new(Bitrate::kbps(400), 240, 30.0),
                Rung::new(Bitrate::kbps(800), 360, 30.0),
                Rung::new(Bitrate::kbps(1_600), 480, 30.0),
                Rung::new(Bitrate::kbps(3_000), 720, 30.0),
                Rung::new(Bitrate::kbps(5_000), 720, 60.0),
                Rung::new(Bitrate::kbps(8_000), 1080, 60.0),
                Rung::new(Bitrate::kbps(12_000), 1440, 60.0),
                Rung::new(Bitrate::kbps(20_000), 2160, 60.0),
            ],
        }
    }
}

impl TryFrom<Vec<Rung>> for Ladder {
    type Error = LadderError;
    fn try_from(rungs: Vec<Rung>) -> Result<Self, LadderError> {
        Self::new(rungs)
    }
}

impl From<Ladder> for Vec<Rung> {
    fn from(ladder: Ladder) -> Self {
        ladder.rungs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_rungs_by_limit_height_and_nearness() {
        let ladder = Ladder::default();
        let cases = [(399, None), (400, Some(0)), (7_999, Some(4)), (8_000, Some(5)), (90_000, Some(7))];
        for (kbps, expected) in cases {
            assert_eq!(ladder.highest_within(Bitrate::kbps(kbps)), expected, "{kbps} kbit/s");
        }
        assert_eq!(ladder.by_height(720), Some(4));
        assert_eq!(ladder.by_height(100), None);
        let cases = [(0, 0), (399, 0), (600, 0), (601, 1), (3_300, 3), (20_000, 7), (90_000, 7)];
        for (kbps, expected) in cases {
            assert_eq!(ladder.nearest(Bitrate::kbps(kbps)), expected, "{kbps} kbit/s");
        }
    }

    #[test]
    fn refuses_what_is_no_ladder() {
        let rung = |kbps| Rung::new(Bitrate::kbps(kbps), 360, 30.0);
        assert_eq!(Ladder::new(vec![]), Err(LadderError::Empty));
        assert_eq!(Ladder::new(vec![rung(0)]), Err(LadderError::NoBitrate(0)));
        assert_eq!(Ladder::new(vec![rung(5), rung(5)]), Err(LadderError::Duplicate(Bitrate::kbps(5))));
        assert_eq!(Ladder::new((1..=17).map(rung).collect()), Err(LadderError::TooLong(17)));
    }
}
