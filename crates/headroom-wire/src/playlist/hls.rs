//! Ladders of HLS multivariant playlists.

use super::attributes::{attribute, attributes, whole_number};
use super::codecs::media_of_codecs;
use super::ladder::{Format, Ladder, Media, PlaylistError, Rendition, SteeringServer};
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
        ladder.add(rendition(&variant));
    }
    ladder.steering = text.lines().find_map(steering);
    Ok(ladder)
}

fn rendition(variant: &Variant<'_>) -> Rendition {
    let mut rendition = Rendition {
        id: variant.uri.to_owned(),
        media: Media::Unknown,
        peak_bitrate_bps: 0,
        average_bitrate_bps: None,
        width: None,
        height: None,
        frame_rate: None,
        codecs: None,
        pathway: None,
    };
    for (name, value) in attributes(variant.attributes).filter(|(_, value)| !value.is_empty()) {
        match name.to_ascii_uppercase().as_str() {
            "BANDWIDTH" => rendition.peak_bitrate_bps = whole_number(value).unwrap_or(0),
            "AVERAGE-BANDWIDTH" => rendition.average_bitrate_bps = whole_number(value),
            "RESOLUTION" => (rendition.width, rendition.height) = resolution(value).unzip(),
            "FRAME-RATE" => rendition.frame_rate = frame_rate(value),
            "CODECS" => rendition.codecs = Some(value.to_owned()),
            "PATHWAY-ID" => rendition.pathway = Some(value.to_owned()),
            _ => {}
        }
    }
    rendition.media = match (rendition.height, &rendition.codecs) {
        (Some(_), _) => Media::Video,
        (None, Some(codecs)) => media_of_codecs(codecs),
        (None, None) => Media::Unknown,
    };
    rendition
}

/// `1280x720` in pixels.
fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |text: &str| whole_number(text.trim()).and_then(|pixels| u32::try_from(pixels).ok());
    Some((side(width)?, side(height)?))
}

fn frame_rate(text: &str) -> Option<f64> {
    text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
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
