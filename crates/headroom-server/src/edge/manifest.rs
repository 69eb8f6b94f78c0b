//! Manifests that pass: learn the ladder, cut it to a cap.

use crate::stream::ManifestSummary;
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use headroom_cluster::lock::{read_locked, write_locked};
use headroom_core::{
    ladder::{Ladder, Rung},
    time::Duration,
    units::Bitrate,
};
use headroom_wire::{
    cmcd::StreamingFormat,
    playlist::{self, Media, Rendition, SegmentDurations},
};
use http::{HeaderMap, header};
use std::{collections::BTreeMap, sync::RwLock};

/// Longest manifest that is read.
const MAX_BYTES: usize = playlist::MAX_PLAYLIST_BYTES;

/// Paths without a telling extension that are remembered.
const MAX_REMEMBERED: usize = 10_000;

/// Extensions of what is surely no manifest.
const MEDIA: [&str; 36] = [
    "3gp", "aac", "ac3", "ac4", "bin", "cmfa", "cmft", "cmfv", "css", "dash", "ec3", "flac", "gif", "html", "ico",
    "jpeg", "jpg", "js", "json", "key", "m4a", "m4s", "m4v", "mkv", "mov", "mp3", "mp4", "opus", "png", "srt", "svg",
    "ts", "ttml", "vtt", "webm", "webp",
];

/// File names that say nothing of the content.
const USUAL_NAMES: [&str; 6] = ["", "index", "main", "manifest", "master", "playlist"];

/// What kind of manifest a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// HLS playlist, RFC 8216.
    Hls,
    /// DASH media presentation description, ISO/IEC 23009-1.
    Dash,
}

impl Manifest {
    /// By the extension of the path.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match extension(path).to_ascii_lowercase().as_str() {
            "m3u8" | "m3u" => Some(Self::Hls),
            "mpd" => Some(Self::Dash),
            _ => None,
        }
    }

    /// By the media type of an answer (RFC 8216 §4, ISO/IEC 23009-1 annex C, and what servers send in their place).
    pub(crate) fn of_type(headers: &HeaderMap) -> Option<Self> {
        match essence(headers).as_str() {
            "application/vnd.apple.mpegurl"
            | "application/x-mpegurl"
            | "application/mpegurl"
            | "audio/mpegurl"
            | "audio/x-mpegurl"
            | "audio/vnd.apple.mpegurl" => Some(Self::Hls),
            "application/dash+xml" | "video/vnd.mpeg.dash.mpd" => Some(Self::Dash),
            _ => None,
        }
    }

    /// By the first bytes of an answer.
    pub(crate) fn of_content(head: &[u8]) -> Option<Self> {
        let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
        let beginning = String::from_utf8_lossy(&head[..head.len().min(1_024)]);
        if beginning.starts_with("#EXTM3U") {
            return Some(Self::Hls);
        }
        let is_mpd = beginning.starts_with('<') && (beginning.contains("<MPD") || beginning.contains(":MPD"));
        is_mpd.then_some(Self::Dash)
    }

    /// As CMCD calls it.
    pub(crate) const fn format(self) -> StreamingFormat {
        match self {
            Self::Hls => StreamingFormat::Hls,
            Self::Dash => StreamingFormat::Dash,
        }
    }

    /// What the manifest offers; `None` when it names no ladder, as HLS media playlists do not.
    pub(crate) fn discover(self, text: &str) -> Option<ManifestSummary> {
        let found = playlist::Ladder::parse(text).ok()?;
        let rungs: Vec<_> = found.rungs(Ladder::MAX_RUNGS).into_iter().map(rung).collect();
        let ladder = Ladder::new(rungs).ok();
        if ladder.is_none() && found.unread_count == 0 {
            return None;
        }
        let audio = found.renditions.iter().filter(|rendition| rendition.media == Media::Audio);
        let audio = audio.map(|rendition| Bitrate::bps(rendition.peak_bitrate_bps)).max();
        Some(ManifestSummary {
            format: self.format(),
            ladder,
            // The bit rate of an HLS variant includes its audio; a DASH presentation without audio has none to add.
            audio: if self == Self::Hls { Some(Bitrate::ZERO) } else { Some(audio.unwrap_or(Bitrate::ZERO)) },
            segment_duration: found.segment_duration_s.and_then(plausible_duration),
            unread: found.unread,
            unread_count: found.unread_count,
        })
    }

    /// Longest segment that a manifest without a ladder announces.
    pub(crate) fn segment_duration(self, text: &str) -> Option<Duration> {
        let seconds = match self {
            Self::Hls => SegmentDurations::parse(text).segment_s?,
            Self::Dash => playlist::Ladder::parse(text).ok()?.segment_duration_s?,
        };
        plausible_duration(seconds)
    }

    /// The manifest without what lies above `cap`; `None` when nothing does, or the manifest is not one to cut.
    pub(crate) fn cut(self, text: &str, cap: Bitrate) -> Option<String> {
        let capped = playlist::cap(text, cap.as_bps());
        (self == Self::Hls && capped.removed > 0).then(|| capped.text.into_owned())
    }
}

fn rung(rendition: &Rendition) -> Rung {
    let side = |pixels: Option<u32>| pixels.and_then(|pixels| u16::try_from(pixels).ok()).unwrap_or(0);
    Rung {
        bitrate: Bitrate::bps(rendition.peak_bitrate_bps),
        width: side(rendition.width),
        height: side(rendition.height),
        frame_rate: rendition.frame_rate.unwrap_or(0.0) as f32,
    }
}

/// A segment duration in seconds, unless it is one that no packager writes.
fn plausible_duration(seconds: f64) -> Option<Duration> {
    (0.1..=60.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// Reads a body that is short enough; else gives back all of it, read part and unread part.
pub(crate) async fn collect(body: Body) -> Result<Bytes, Body> {
    let mut rest = body.into_data_stream();
    let mut read: Vec<Result<Bytes, axum::Error>> = Vec::new();
    let mut length = 0;
    while let Some(chunk) = rest.next().await {
        let failed = chunk.is_err();
        length += chunk.as_ref().map_or(0, Bytes::len);
        read.push(chunk);
        if failed || length > MAX_BYTES {
            return Err(Body::from_stream(stream::iter(read).chain(rest)));
        }
    }
    if let [Ok(whole)] = &read[..] {
        return Ok(whole.clone());
    }
    let mut whole = Vec::with_capacity(length);
    read.into_iter().flatten().for_each(|chunk| whole.extend_from_slice(&chunk));
    Ok(whole.into())
}

/// What an answer is, where its path does not tell: by its type, else by how it begins. The body comes back whole.
pub(crate) async fn recognise(headers: &HeaderMap, body: Body) -> (Option<Manifest>, Body) {
    if let Some(manifest) = Manifest::of_type(headers) {
        return (Some(manifest), body);
    }
    let kind = essence(headers);
    let says_nothing = kind.is_empty()
        || kind.starts_with("text/")
        || matches!(kind.as_str(), "application/octet-stream" | "binary/octet-stream" | "application/xml");
    if !says_nothing || headers.contains_key(header::CONTENT_ENCODING) {
        return (None, body);
    }
    let mut rest = body.into_data_stream();
    let first = rest.next().await;
    let manifest = first.as_ref().and_then(|chunk| Manifest::of_content(chunk.as_ref().ok()?));
    (manifest, Body::from_stream(stream::iter(first).chain(rest)))
}

/// Whether an answer at this path may turn out to be a manifest.
pub(crate) fn may_be_manifest(path: &str) -> bool {
    MEDIA.binary_search(&extension(path).to_ascii_lowercase().as_str()).is_err()
}

/// Paths whose answers were looked at because their extension says nothing.
#[derive(Debug, Default)]
pub(crate) struct SeenPaths(RwLock<BTreeMap<String, Option<Manifest>>>);

impl SeenPaths {
    /// What was found at a path; `None` when it was never looked at.
    pub(crate) fn get(&self, path: &str) -> Option<Option<Manifest>> {
        read_locked(&self.0).get(path).copied()
    }

    /// Remembers what was found. A full table begins anew: what is still fetched is found again.
    pub(crate) fn insert(&self, path: &str, found: Option<Manifest>) {
        let mut seen = write_locked(&self.0);
        if seen.len() >= MAX_REMEMBERED {
            seen.clear();
        }
        seen.insert(path.to_owned(), found);
    }
}

/// The name of a stream whose players send no content id: the path of its manifest without extension, and without the
/// file where that has a name that all manifests have.
pub(crate) fn stream_name(path: &str) -> &str {
    let path = path.trim_matches('/');
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    // `manifest(format=m3u8-aapl)`, `master.m3u8`
    let stem = &file[..file.find(['(', '.']).unwrap_or(file.len())];
    let is_usual = USUAL_NAMES.iter().any(|usual| stem.eq_ignore_ascii_case(usual));
    if is_usual && !directory.is_empty() {
        return directory;
    }
    // A dot may stand in the name of a channel too.
    let whole = file.rsplit_once('.').map_or(stem, |(whole, _)| whole);
    let stem = if file.contains('(') { stem } else { whole };
    &path[..path.len() - file.len() + stem.len()]
}

fn extension(path: &str) -> &str {
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    file.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The media type without its parameters, in lower case; empty where there is none.
fn essence(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_without_a_name_are_called_by_their_place() {
        for (path, expected) in [
            ("/live/s/index.m3u8", "live/s"),
            ("/live/s/Master.m3u8", "live/s"),
            ("/live/camera1.m3u8", "live/camera1"),
            ("/live/camera2.m3u8", "live/camera2"),
            ("/live/cam.2.mpd", "live/cam.2"),
            ("/live/x.ism/manifest(format=m3u8-aapl)", "live/x.ism"),
            ("/live/x.ism/.m3u8", "live/x.ism"),
            ("/live/x(format=mpd-time-csf)", "live/x"),
            ("/play/7", "play/7"),
            ("/live.mpd", "live"),
            ("/index.m3u8", "index"),
            ("x.mpd", "x"),
            ("/", ""),
        ] {
            assert_eq!(stream_name(path), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn manifests_are_told_by_type_or_content() {
        assert!(MEDIA.is_sorted());
        for path in ["/a/seg.m4s", "/a/SEG.TS", "/a.b/x.mp4"] {
            assert!(!may_be_manifest(path), "{path}");
        }
        for path in ["/x.ism/manifest(format=m3u8-aapl)", "/play", "/a.b/play", "/play.php"] {
            assert!(may_be_manifest(path), "{path}");
        }
        let (hls, dash) = (Some(Manifest::Hls), Some(Manifest::Dash));
        for (kind, body, expected) in [
            ("application/vnd.apple.mpegurl", "", hls),
            ("Application/X-MPEGURL; charset=utf-8", "", hls),
            ("audio/mpegurl", "", hls),
            ("application/dash+xml;charset=UTF-8", "", dash),
            ("text/plain", "\u{feff}#EXTM3U\n", hls),
            ("", "#EXTM3U", hls),
            ("application/octet-stream", "\n#EXTM3U", hls),
            ("text/xml", "<?xml version=\"1.0\"?>\n<!-- x -->\n<MPD>", dash),
            ("application/xml", "<mpd:MPD xmlns:mpd=\"\">", dash),
            ("text/html", "<html>", None),
            ("video/mp2t", "#EXTM3U", None),
            ("", "", None),
        ] {
            let mut headers = HeaderMap::new();
            if !kind.is_empty() {
                headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            let (found, left) = recognise(&headers, Body::from(body)).await;
            assert_eq!(found, expected, "{kind} {body}");
            assert_eq!(axum::body::to_bytes(left, usize::MAX).await.unwrap(), body, "{kind}");
        }
    }

    #[test]
    fn segment_durations_are_read_where_they_are_said() {
        let cases = [
            (Manifest::Hls, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n", Some(4.0)),
            (Manifest::Hls, "#EXTM3U\n", None),
            (Manifest::Hls, "#EXT-X-TARGETDURATION:1e308\n", None),
            (Manifest::Dash, "<MPD maxSegmentDuration=\"PT2.0S\">", Some(2.0)),
            (Manifest::Dash, "<MPD maxSegmentDuration=\"PT0H0M1.920S\">", Some(1.92)),
            (Manifest::Dash, "<MPD maxSegmentDuration=\"P1D\">", None),
            (Manifest::Dash, "<MPD maxSegmentDuration=\"PT\u{e9}S\">", None),
        ];
        for (manifest, text, expected) in cases {
            assert_eq!(manifest.segment_duration(text), expected.map(Duration::from_secs_f64), "{text}");
        }
    }

    #[tokio::test]
    async fn long_bodies_pass_whole() {
        let chunk = Bytes::from(vec![1; 1024 * 1024]);
        for chunks in [1, 4, 5] {
            let chunks_of = (0..chunks).map(|_| Ok::<_, std::io::Error>(chunk.clone())).collect::<Vec<_>>();
            let body = Body::from_stream(stream::iter(chunks_of));
            let length = match collect(body).await {
                Ok(whole) if chunks <= 4 => whole.len(),
                Err(body) if chunks > 4 => axum::body::to_bytes(body, usize::MAX).await.unwrap().len(),
                _ => panic!("{chunks} chunks"),
            };
            assert_eq!(length, chunks * chunk.len());
        }
    }
}
