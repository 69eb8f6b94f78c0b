//! What a stream offers, and the bit rate to announce for one of its rungs.

use headroom_core::{engine::StreamSettings, time::Duration, units::Bitrate};
use std::sync::LazyLock;

/// Margin above a rung's bit rate when the audio beside it is unknown: dash.js subtracts the audio bit rate from `mb`
/// and compares the rest with the video's, Shaka compares the sum. Common audio is 64–192 kbit/s.
const UNKNOWN_AUDIO_SHARE: f64 = 0.1;

/// Allowance for audio of unknown bit rate where too little would shut out the lowest rung: the upper end of common audio.
const UNKNOWN_AUDIO: Bitrate = Bitrate::kbps(192);

/// What every answer needs to know of its stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamOffer {
    /// Largest bit rate of a separate audio rendition; `None` when unknown, zero when audio is multiplexed.
    audio: Option<Bitrate>,
    /// Half the smallest gap between two rungs: announcing more could let the next rung in.
    widest_margin: Option<Bitrate>,
    /// The smallest rung.
    lowest: Bitrate,
    /// Duration of one segment.
    pub segment_duration: Duration,
}

impl Default for StreamOffer {
    fn default() -> Self {
        static USUAL: LazyLock<StreamOffer> = LazyLock::new(|| StreamOffer::of(&StreamSettings::default(), None));
        *USUAL
    }
}

impl StreamOffer {
    /// The offer of a stream. `audio`: largest bit rate of a separate rendition; `None` when unknown, zero when audio is
    /// multiplexed.
    pub fn of(settings: &StreamSettings, audio: Option<Bitrate>) -> Self {
        let ladder = &settings.ladder;
        let gaps = ladder.rungs().windows(2).map(|pair| pair[1].bitrate.as_bps() - pair[0].bitrate.as_bps());
        Self {
            audio,
            widest_margin: gaps.min().map(|gap| Bitrate::bps(gap / 2)),
            lowest: ladder.bitrate(0),
            segment_duration: settings.segment_duration,
        }
    }

    /// The bit rate to announce for the rung of `cap`.
    ///
    /// Never below the lowest rung with its audio: of such an `mb` dash.js takes no notice, and Shaka is left without a
    /// variant. Where audio is unknown and rungs lie close, that may let in the second rung, the lesser evil.
    pub fn announce(&self, cap: Bitrate) -> Bitrate {
        let margin = match (self.audio, self.widest_margin) {
            // A known audio rate must be added in full: dash.js takes all of it off again.
            (Some(audio), _) => audio,
            (None, Some(widest)) => cap.scaled(UNKNOWN_AUDIO_SHARE).min(widest),
            (None, None) => cap.scaled(UNKNOWN_AUDIO_SHARE),
        };
        let lowest = self.lowest.as_bps() + self.audio.unwrap_or(UNKNOWN_AUDIO).as_bps();
        Bitrate::bps(u64::max(cap.as_bps() + margin.as_bps(), lowest))
    }

    /// The rung that an object of `bytes` which plays for `duration` belongs to; `None` when it is too small to be video.
    pub fn rung_played(&self, bytes: u64, duration: Duration) -> Option<Bitrate> {
        let rate = Bitrate::from_kbps_f64(bytes as f64 * 8.0 / 1_000.0 / duration.as_secs_f64().max(0.1));
        (rate >= self.lowest.scaled(0.5)).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::ladder::Ladder;

    #[test]
    fn the_announced_rate_lets_its_rung_in_and_the_next_out() {
        let ladder = Ladder::from_bitrates(&[180, 500, 1_200].map(Bitrate::kbps)).unwrap();
        for (audio, expected) in
            [(Some(64), [244, 564, 1_264]), (Some(0), [180, 500, 1_200]), (None, [372, 550, 1_320])]
        {
            let settings = StreamSettings { ladder: ladder.clone(), ..StreamSettings::default() };
            let offer = StreamOffer::of(&settings, audio.map(Bitrate::kbps));
            for (rung, expected) in ladder.rungs().iter().zip(expected) {
                assert_eq!(offer.announce(rung.bitrate), Bitrate::kbps(expected), "{audio:?} {rung:?}");
            }
            // A cap out of another ladder, as before the manifest passed.
            let below = offer.announce(Bitrate::kbps(100));
            assert_eq!(below, offer.announce(ladder.bitrate(0)), "{audio:?}");
        }
    }
}
