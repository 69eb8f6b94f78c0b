//! Streams: what was learned of them from the manifests that passed, and the bit rate to announce for a rung.

use crate::{identity::Identifier, openapi, shard::Shards};
use headroom_core::{
    engine::StreamSettings,
    ladder::Ladder,
    telemetry::StreamId,
    time::{Duration, Timestamp},
    units::Bitrate,
};
use headroom_wire::cmcd::StreamingFormat;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{LazyLock, PoisonError, RwLock},
};

/// Most streams kept; later ones are played with the default ladder.
const MAX_STREAMS: usize = 10_000;

/// Margin above a rung's bit rate when the audio beside it is unknown: dash.js subtracts the audio bit rate from `mb`
/// and compares the rest with the video's, Shaka compares the sum. Common audio is 64–192 kbit/s.
const UNKNOWN_AUDIO_SHARE: f64 = 0.1;

/// Most that audio of unknown bit rate is reckoned with where too little would shut out the lowest rung: the upper end of
/// common audio.
const UNKNOWN_AUDIO: Bitrate = Bitrate::kbps(192);

/// What must be known of a stream at every answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offer {
    /// Largest bit rate of a separate audio rendition; `None` when unknown, zero when audio is multiplexed.
    audio: Option<Bitrate>,
    /// Half the smallest gap between two rungs: announcing more could let the next rung in.
    widest_margin: Option<Bitrate>,
    /// The smallest rung.
    lowest: Bitrate,
    /// Duration of one segment.
    pub(crate) segment_duration: Duration,
}

impl Default for Offer {
    fn default() -> Self {
        static USUAL: LazyLock<Offer> = LazyLock::new(|| Offer::of(&StreamSettings::default(), None));
        *USUAL
    }
}

impl Offer {
    pub(crate) fn of(settings: &StreamSettings, audio: Option<Bitrate>) -> Self {
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
    pub(crate) fn announce(&self, cap: Bitrate) -> Bitrate {
        let margin = match (self.audio, self.widest_margin) {
            // A known audio rate must be added in full: dash.js takes all of it off again.
            (Some(audio), _) => audio,
            (None, Some(widest)) => cap.scaled(UNKNOWN_AUDIO_SHARE).min(widest),
            (None, None) => cap.scaled(UNKNOWN_AUDIO_SHARE),
        };
        let lowest = self.lowest.as_bps() + self.audio.unwrap_or(UNKNOWN_AUDIO).as_bps();
        Bitrate::bps(u64::max(cap.as_bps() + margin.as_bps(), lowest))
    }

    /// The rung an object of `bytes` belongs to; `None` when it is too small to be a video segment.
    pub(crate) fn rung_played(&self, bytes: u64) -> Option<Bitrate> {
        let rate = Bitrate::from_kbps_f64(bytes as f64 * 8.0 / 1_000.0 / self.segment_duration.as_secs_f64().max(0.1));
        (rate >= self.lowest.scaled(0.5)).then_some(rate)
    }
}

/// What a manifest says of its stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discovered {
    /// HLS or DASH.
    pub(crate) format: StreamingFormat,
    /// Its encodings.
    pub(crate) ladder: Ladder,
    /// Largest bit rate of separate audio, where it can be told.
    pub(crate) audio: Option<Bitrate>,
    /// Segment duration, where the manifest says it.
    pub(crate) segment_duration: Option<Duration>,
}

/// A known stream, as the API lists it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed {
    /// Content id or, without one, directory of the manifest.
    pub(crate) name: String,
    /// `h` or `d`, as CMCD `sf`.
    pub(crate) format: &'static str,
    /// The identifier in logs.
    pub(crate) stream: StreamId,
    /// When it was first seen.
    #[serde(rename = "discovered_us")]
    pub(crate) discovered: Timestamp,
    /// What it offers.
    #[serde(flatten)]
    pub(crate) settings: StreamSettings,
    /// Bit rate of separate audio.
    #[serde(rename = "audio_kbps", skip_serializing_if = "Option::is_none")]
    pub(crate) audio: Option<Bitrate>,
}

/// What a stream has beside its settings.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Named {
    /// Content id or, without one, directory of the manifest.
    name: String,
    /// `h` or `d`, as CMCD `sf`.
    format: String,
    stream: StreamId,
    /// When it was first seen.
    discovered_us: Timestamp,
    /// Bit rate of separate audio.
    audio_kbps: Option<Bitrate>,
}

openapi::merged!(Listed: "A stream that a manifest was seen of." = Named, StreamSettings; name "Stream");

/// All known streams by name and format.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    known: RwLock<BTreeMap<(String, StreamingFormat), Listed>>,
    /// Keys of `known` by identifier.
    names: RwLock<BTreeMap<StreamId, (String, StreamingFormat)>>,
}

impl Streams {
    /// Takes note of a manifest and tells the engines when it is new or changed.
    pub(crate) fn discover(
        &self,
        name: &str,
        discovered: &Discovered,
        at: Timestamp,
        defaults: &StreamSettings,
        identifier: &Identifier,
        shards: &Shards,
    ) -> StreamId {
        let stream = identifier.stream(name, Some(discovered.format));
        let key = (name.to_owned(), discovered.format);
        let known_duration = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            known.get(&key).map(|listed| listed.settings.segment_duration)
        };
        let segment_duration = discovered.segment_duration.or(known_duration).unwrap_or(defaults.segment_duration);
        let settings = StreamSettings { ladder: discovered.ladder.clone(), segment_duration, ..defaults.clone() };
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            match known.get(&key) {
                Some(listed) if listed.settings == settings && listed.audio == discovered.audio => return stream,
                None if known.len() >= MAX_STREAMS => return stream,
                _ => {}
            }
        }
        let listed = Listed {
            name: name.to_owned(),
            format: discovered.format.as_wire(),
            stream,
            discovered: at,
            settings: settings.clone(),
            audio: discovered.audio,
        };
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(stream, key.clone());
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, listed);
        tracing::info!(name, format = discovered.format.as_wire(), rungs = settings.ladder.rungs().len(), "stream");
        shards.configure(stream, &settings, Offer::of(&settings, discovered.audio));
        stream
    }

    /// Takes note of how long segments are, where only the playlist of a rendition says it.
    pub(crate) fn learn_segment_duration(&self, stream: StreamId, duration: Duration, shards: &Shards) {
        let known = |listed: &&mut Listed| listed.stream == stream && listed.settings.segment_duration != duration;
        let mut streams = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Some(listed) = streams.values_mut().find(known) else { return };
        listed.settings.segment_duration = duration;
        shards.configure(stream, &listed.settings, Offer::of(&listed.settings, listed.audio));
    }

    /// Name of a stream that a manifest was seen of.
    pub(crate) fn name(&self, stream: StreamId) -> Option<String> {
        self.name_of(stream).map(|(name, _)| name)
    }

    /// Name and format of a stream that a manifest was seen of.
    pub(crate) fn name_of(&self, stream: StreamId) -> Option<(String, &'static str)> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.get(&stream).map(|(name, format)| (name.clone(), format.as_wire()))
    }

    /// At most `limit` streams after skipping `offset`, and how many there are.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> (Vec<Listed>, usize) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        (known.values().skip(offset).take(limit).cloned().collect(), known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announced_rate_lets_its_rung_in_and_the_next_out() {
        let ladder = Ladder::from_bitrates(&[180, 500, 1_200].map(Bitrate::kbps)).unwrap();
        for (audio, expected) in
            [(Some(64), [244, 564, 1_264]), (Some(0), [180, 500, 1_200]), (None, [372, 550, 1_320])]
        {
            let settings = StreamSettings { ladder: ladder.clone(), ..StreamSettings::default() };
            let offer = Offer::of(&settings, audio.map(Bitrate::kbps));
            for (rung, expected) in ladder.rungs().iter().zip(expected) {
                assert_eq!(offer.announce(rung.bitrate), Bitrate::kbps(expected), "{audio:?} {rung:?}");
            }
            // A cap out of another ladder, as before the manifest passed.
            let below = offer.announce(Bitrate::kbps(100));
            assert_eq!(below, offer.announce(ladder.bitrate(0)), "{audio:?}");
        }
    }
}
