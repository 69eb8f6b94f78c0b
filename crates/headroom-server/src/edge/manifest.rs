//! Manifests that pass: learn the ladder, cut it to a cap.

use crate::stream::ManifestSummary;
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use headroom_core::{
    ladder::{Ladder, Rung},
    time::Duration,
    units::Bitrate,
};
use headroom_wire::{
    cmcd::StreamingFormat,
    playlist::{self, Media, Rendition, SegmentDurations},
};

/// Longest manifest that is read.
const MAX_BYTES: usize = playlist::MAX_PLAYLIST_BYTES;

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
        let extension = path.rsplit_once('.')?.1;
        match extension {
            "m3u8" | "m3u" => Some(Self::Hls),
            "mpd" => Some(Self::Dash),
            _ => None,
        }
    }

    /// What the manifest offers; `None` when it names no ladder, as HLS media playlists do not.
    pub(crate) fn discover(self, text: &str) -> Option<ManifestSummary> {
        let found = playlist::Ladder::parse(text).ok()?;
        let rungs = found.rungs(Ladder::MAX_RUNGS).into_iter().map(rung).collect();
        let audio = found.renditions.iter().filter(|rendition| rendition.media == Media::Audio);
        let audio = audio.map(|rendition| Bitrate::bps(rendition.peak_bitrate_bps)).max();
        Some(ManifestSummary {
            format: if self == Self::Hls { StreamingFormat::Hls } else { StreamingFormat::Dash },
            ladder: Ladder::new(rungs).ok()?,
            // The bit rate of an HLS variant includes its audio; a DASH presentation without audio has none to add.
            audio: if self == Self::Hls { Some(Bitrate::ZERO) } else { Some(audio.unwrap_or(Bitrate::ZERO)) },
            segment_duration: found.segment_duration_s.and_then(plausible_duration),
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

/// The name of a stream whose players send no content id: the directory of its manifest, or the file without extension.
pub(crate) fn directory_name(path: &str) -> &str {
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = directory.trim_matches('/');
    if directory.is_empty() { file.rsplit_once('.').map_or(file, |(stem, _)| stem) } else { directory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_without_a_name_are_called_by_their_place() {
        for (path, expected) in [("/live/s/index.m3u8", "live/s"), ("/live.mpd", "live"), ("x.mpd", "x"), ("/", "")] {
            assert_eq!(directory_name(path), expected);
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
