//! Streams: what was learned of them from the manifests that passed, and the bit rate to announce for a rung.

use crate::{identity::Identifier, openapi::schema};
use headroom_cluster::{
    engines::Engines,
    lock::{read_locked, write_locked},
    offer::StreamOffer,
};
use headroom_core::{
    engine::StreamSettings,
    ladder::Ladder,
    telemetry::StreamId,
    time::{Duration, Timestamp},
    units::Bitrate,
};
use headroom_wire::{cmcd::StreamingFormat, playlist::UnreadAttribute};
use serde::Serialize;
use std::{collections::BTreeMap, sync::RwLock};

/// Most streams kept; later ones are played with the default ladder.
const MAX_STREAMS: usize = 10_000;

/// What a manifest says of its stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ManifestSummary {
    /// HLS or DASH.
    pub(crate) format: StreamingFormat,
    /// Its encodings; `None` where none could be read.
    pub(crate) ladder: Option<Ladder>,
    /// Largest bit rate of separate audio, where it can be told.
    pub(crate) audio: Option<Bitrate>,
    /// Segment duration, where the manifest says it.
    pub(crate) segment_duration: Option<Duration>,
    /// The first attributes whose values cannot be read.
    pub(crate) unread: Vec<UnreadAttribute>,
    /// How many there are.
    pub(crate) unread_count: usize,
}

/// An attribute of a manifest whose value cannot be read: it counts as absent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct UnreadView {
    /// The variant's URI, or the representation's `@id`.
    rendition: String,
    /// Name of the attribute.
    name: &'static str,
    /// The value as it was sent, at most 64 characters of it.
    value: String,
}

impl From<&UnreadAttribute> for UnreadView {
    fn from(unread: &UnreadAttribute) -> Self {
        let UnreadAttribute { rendition, name, value } = unread.clone();
        Self { rendition, name, value }
    }
}

/// A known stream, as the API lists it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KnownStream {
    /// Content id or, without one, path of the manifest.
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
    /// Attributes of the manifest whose values cannot be read.
    pub(crate) unread_count: usize,
    /// The first of them.
    pub(crate) unread: Vec<UnreadView>,
}

/// What a stream has beside its settings.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct StreamFields {
    /// Content id or, without one, path of the manifest.
    name: String,
    /// `h` or `d`, as CMCD `sf`.
    format: String,
    stream: StreamId,
    /// When it was first seen.
    discovered_us: Timestamp,
    /// Bit rate of separate audio.
    audio_kbps: Option<Bitrate>,
    /// Attributes of the manifest whose values cannot be read.
    unread_count: usize,
    /// The first eight of them.
    unread: Vec<UnreadView>,
}

schema::merged!(KnownStream: "A stream that a manifest was seen of." = StreamFields, StreamSettings; name "Stream");

/// All known streams by name and format.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    known: RwLock<BTreeMap<(String, StreamingFormat), KnownStream>>,
    /// Keys of `known` by identifier.
    names: RwLock<BTreeMap<StreamId, (String, StreamingFormat)>>,
}

impl Streams {
    /// Takes note of a manifest and tells the engines when it is new or changed.
    pub(crate) fn discover(
        &self,
        name: &str,
        discovered: &ManifestSummary,
        at: Timestamp,
        defaults: &StreamSettings,
        identifier: &Identifier,
        engines: &Engines,
    ) -> StreamId {
        let stream = identifier.stream(name, Some(discovered.format));
        let key = (name.to_owned(), discovered.format);
        // A manifest says nothing of what the operator declared.
        let known = read_locked(&self.known).get(&key).map(|listed| listed.settings.clone());
        let known = known.as_ref().unwrap_or(defaults);
        let settings = StreamSettings {
            ladder: discovered.ladder.as_ref().unwrap_or(&defaults.ladder).clone(),
            segment_duration: discovered.segment_duration.unwrap_or(known.segment_duration),
            objective: known.objective,
            egress: known.egress,
            ..defaults.clone()
        };
        let unread: Vec<UnreadView> = discovered.unread.iter().map(UnreadView::from).collect();
        {
            let known = read_locked(&self.known);
            match known.get(&key) {
                Some(listed)
                    if listed.settings == settings
                        && listed.audio == discovered.audio
                        && listed.unread_count == discovered.unread_count
                        && listed.unread == unread =>
                {
                    return stream;
                }
                None if known.len() >= MAX_STREAMS => return stream,
                _ => {}
            }
        }
        let listed = KnownStream {
            name: name.to_owned(),
            format: discovered.format.as_wire(),
            stream,
            discovered: at,
            settings: settings.clone(),
            audio: discovered.audio,
            unread_count: discovered.unread_count,
            unread,
        };
        if let Some(first) = listed.unread.first() {
            let (count, attribute, value) = (listed.unread_count, first.name, &first.value);
            tracing::warn!(name, count, attribute, value, rendition = first.rendition, "attributes cannot be read");
        }
        write_locked(&self.names).insert(stream, key.clone());
        write_locked(&self.known).insert(key, listed);
        tracing::info!(name, format = discovered.format.as_wire(), rungs = settings.ladder.rungs().len(), "stream");
        engines.configure(stream, &settings, StreamOffer::of(&settings, discovered.audio));
        stream
    }

    /// Takes note of how long segments are, where only the playlist of a rendition says it.
    pub(crate) fn learn_segment_duration(&self, stream: StreamId, duration: Duration, engines: &Engines) {
        let known = |listed: &&mut KnownStream| listed.stream == stream && listed.settings.segment_duration != duration;
        let mut streams = write_locked(&self.known);
        let Some(listed) = streams.values_mut().find(known) else { return };
        listed.settings.segment_duration = duration;
        engines.configure(stream, &listed.settings, StreamOffer::of(&listed.settings, listed.audio));
    }

    /// The stream of a manifest that passes elsewhere: that of one of the `names` it may have here.
    pub(crate) fn find<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        format: StreamingFormat,
    ) -> Option<StreamId> {
        let known = read_locked(&self.known);
        names.into_iter().find_map(|name| known.get(&(name.to_owned(), format)).map(|listed| listed.stream))
    }

    /// Name of a stream that a manifest was seen of.
    pub(crate) fn name(&self, stream: StreamId) -> Option<String> {
        self.name_of(stream).map(|(name, _)| name)
    }

    /// Name and format of a stream that a manifest was seen of.
    pub(crate) fn name_of(&self, stream: StreamId) -> Option<(String, &'static str)> {
        let names = read_locked(&self.names);
        names.get(&stream).map(|(name, format)| (name.clone(), format.as_wire()))
    }

    /// At most `limit` streams after skipping `offset`, and how many there are.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> (Vec<KnownStream>, usize) {
        let known = read_locked(&self.known);
        (known.values().skip(offset).take(limit).cloned().collect(), known.len())
    }
}
