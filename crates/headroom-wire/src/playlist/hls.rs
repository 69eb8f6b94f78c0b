//! Ladders of HLS multivariant playlists.

use super::{Format, Ladder, Media, PlaylistError, Rendition, SteeringServer, media_of_codecs};
use m3u8_rs::{QuotedOrUnquoted, VariantStream};

pub(super) fn ladder(text: &str) -> Result<Ladder, PlaylistError> {
    if !m3u8_rs::is_master_playlist(text.as_bytes()) {
        return Err(PlaylistError::MediaPlaylist);
    }
    let playlist = m3u8_rs::parse_master_playlist_res(text.as_bytes()).map_err(|error| {
        // The parser's own message quotes the whole rest of the input; its length tells the place.
        let mut position = text.len();
        let _ = error.map(|inner| position = text.len() - inner.input.len());
        PlaylistError::Malformed { format: Format::Hls, message: format!("unexpected text at byte {position}") }
    })?;
    let mut ladder = Ladder::new(Format::Hls);
    for variant in playlist.variants.iter().filter(|variant| !variant.is_i_frame) {
        ladder.add(rendition(variant));
    }
    ladder.steering = text.lines().find_map(steering);
    Ok(ladder)
}

fn rendition(variant: &VariantStream) -> Rendition {
    let size = |value: u64| u32::try_from(value).ok();
    let media = match (&variant.resolution, &variant.codecs) {
        (Some(_), _) => Media::Video,
        (None, Some(codecs)) => media_of_codecs(codecs),
        (None, None) => Media::Unknown,
    };
    let pathway = variant.other_attributes.as_ref().and_then(|others| match others.get("PATHWAY-ID")? {
        QuotedOrUnquoted::Quoted(id) | QuotedOrUnquoted::Unquoted(id) => Some(id.clone()),
    });
    Rendition {
        id: variant.uri.clone(),
        media,
        peak_bitrate_bps: variant.bandwidth,
        average_bitrate_bps: variant.average_bandwidth,
        width: variant.resolution.as_ref().and_then(|resolution| size(resolution.width)),
        height: variant.resolution.as_ref().and_then(|resolution| size(resolution.height)),
        frame_rate: variant.frame_rate.filter(|rate| rate.is_finite() && *rate > 0.0),
        codecs: variant.codecs.clone(),
        pathway,
    }
}

/// `#EXT-X-CONTENT-STEERING` (RFC 8216bis §4.4.6.6), which the parser does not know.
fn steering(line: &str) -> Option<SteeringServer> {
    let attributes = line.trim_end().strip_prefix("#EXT-X-CONTENT-STEERING:")?;
    Some(SteeringServer {
        uri: attribute(attributes, "SERVER-URI")?.to_owned(),
        default_pathway: attribute(attributes, "PATHWAY-ID").map(str::to_owned),
        query_before_start: false,
    })
}

/// The value of one attribute of a tag, without its quotes (RFC 8216bis §4.2).
pub(super) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        let (found, after) = rest.split_once('=')?;
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, behind) = quoted.split_once('"')?;
                (value, behind.split_once(',').map(|(_, behind)| behind))
            }
            None => match after.split_once(',') {
                Some((value, behind)) => (value, Some(behind)),
                None => (after, None),
            },
        };
        if found.trim() == name {
            return Some(value.trim());
        }
        rest = behind?;
    }
}
