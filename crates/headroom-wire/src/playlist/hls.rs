//! Ladders of HLS multivariant playlists.

use super::attributes::{attribute, attributes};
use super::codecs::media_of_codecs;
use super::ladder::{Format, Ladder, Media, PlaylistError, Rendition, SteeringServer};
use super::values::{frame_rate, resolution, whole_number};
use super::variant::{Variant, variants};

/// Tags that only multivariant playlists have (RFC 8216bis §4.4.6).
const MULTIVARIANT_TAGS: [&str; 6] = [
    "#EXT-X-STREAM-INF:",
    "#EXT-X-I-FRAME-STREAM-INF:",
    "#EXT-X-MEDIA:",
    "#EXT-X-SESSION-DATA:",
    "#EXT-X-SESSION-KEY:",
    "#EXT-X-CONTENT-STEERING:",
];

pub(super) fn ladder(text: &str) -> Result<Ladder, PlaylistError> {
    if !text.lines().any(|line| MULTIVARIANT_TAGS.iter().any(|tag| line.starts_with(tag))) {
        return Err(PlaylistError::MediaPlaylist);
    }
    let mut ladder = Ladder::new(Format::Hls);
    for variant in variants(text) {
        let rendition = rendition(&variant, &mut ladder);
        ladder.add(rendition);
    }
    find_audio(&mut ladder.renditions);
    ladder.steering = text.lines().find_map(steering);
    Ok(ladder)
}

fn rendition(variant: &Variant<'_>, ladder: &mut Ladder) -> Rendition {
    let mut rendition = Rendition::new(variant.uri.to_owned());
    for (name, value) in attributes(variant.attributes).filter(|(_, value)| !value.is_empty()) {
        let name = name.to_ascii_uppercase();
        let unread = match name.as_str() {
            "BANDWIDTH" => set(&mut rendition.peak_bitrate_bps, whole_number(value), "BANDWIDTH"),
            "AVERAGE-BANDWIDTH" => {
                set(&mut rendition.average_bitrate_bps, whole_number(value).map(Some), "AVERAGE-BANDWIDTH")
            }
            "RESOLUTION" => {
                let size = resolution(value);
                (rendition.width, rendition.height) = size.unzip();
                size.is_none().then_some("RESOLUTION")
            }
            "FRAME-RATE" => set(&mut rendition.frame_rate, frame_rate(value).map(Some), "FRAME-RATE"),
            "CODECS" => set(&mut rendition.codecs, Some(Some(value.to_owned())), "CODECS"),
            "PATHWAY-ID" => set(&mut rendition.pathway, Some(Some(value.to_owned())), "PATHWAY-ID"),
            _ => None,
        };
        if let Some(name) = unread {
            ladder.note_unread(&rendition.id, name, value);
        }
    }
    if rendition.peak_bitrate_bps == 0 {
        // BANDWIDTH is required; the mean is the next best.
        rendition.peak_bitrate_bps = rendition.average_bitrate_bps.unwrap_or(0);
    }
    rendition.media = match (rendition.height, &rendition.codecs) {
        (Some(_), _) => Media::Video,
        (None, Some(codecs)) => media_of_codecs(codecs),
        (None, None) => Media::Unknown,
    };
    rendition
}

/// Stores a value that could be read; else gives the attribute's name back.
fn set<T>(field: &mut T, value: Option<T>, name: &'static str) -> Option<&'static str> {
    let Some(value) = value else { return Some(name) };
    *field = value;
    None
}

/// A variant that names neither size nor codecs, below all that show pictures, holds sound alone.
fn find_audio(renditions: &mut [Rendition]) {
    let pictures = renditions.iter().filter(|rendition| rendition.media == Media::Video);
    let Some(lowest) = pictures.map(|rendition| rendition.peak_bitrate_bps).min() else { return };
    for rendition in renditions {
        if rendition.media == Media::Unknown && rendition.peak_bitrate_bps < lowest {
            rendition.media = Media::Audio;
        }
    }
}

/// `#EXT-X-CONTENT-STEERING` (RFC 8216bis §4.4.6.6).
fn steering(line: &str) -> Option<SteeringServer> {
    let list = line.trim_end().strip_prefix("#EXT-X-CONTENT-STEERING:")?;
    Some(SteeringServer {
        uri: attribute(list, "SERVER-URI")?.to_owned(),
        default_pathway: attribute(list, "PATHWAY-ID").map(str::to_owned),
        query_before_start: false,
    })
}
