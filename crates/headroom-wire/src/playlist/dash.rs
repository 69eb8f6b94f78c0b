//! Ladders of DASH media presentation descriptions.
//!
//! Read with a streaming XML reader: a ladder needs eight attributes of three elements, and an MPD with a date or profile
//! that a full object model does not take still has a usable ladder.

use super::codecs::media_of_codecs;
use super::ladder::{Format, Ladder, Media, PlaylistError, Rendition, SteeringServer};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

pub(super) fn ladder(text: &str) -> Result<Ladder, PlaylistError> {
    let malformed = |message: String| PlaylistError::Malformed { format: Format::Dash, message };
    let mut reader = Reader::from_str(text);
    let mut ladder = Ladder::new(Format::Dash);
    let mut set = AdaptationSet::default();
    let mut inside_mpd = false;
    let mut steering_open = false;
    loop {
        let position = reader.buffer_position();
        let event = reader.read_event().map_err(|error| malformed(format!("{error} after byte {position}")))?;
        match event {
            Event::Start(element) => {
                inside_mpd |= element.local_name().as_ref() == "MPD";
                steering_open = open(&element, &mut ladder, &mut set);
            }
            Event::Empty(element) => {
                inside_mpd |= element.local_name().as_ref() == "MPD";
                open(&element, &mut ladder, &mut set);
                steering_open = false;
            }
            Event::Text(content) if steering_open => {
                if let Some(steering) = &mut ladder.steering {
                    steering.uri.push_str(content.trim());
                }
            }
            Event::GeneralRef(reference) if steering_open => {
                // `&amp;` and the like inside the address.
                if let Some(steering) = &mut ladder.steering {
                    steering.uri.push_str(quick_xml::escape::resolve_xml_entity(&reference).unwrap_or_default());
                }
            }
            Event::End(element) => {
                if element.local_name().as_ref() == "AdaptationSet" {
                    set = AdaptationSet::default();
                }
                steering_open = false;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if inside_mpd { Ok(ladder) } else { Err(malformed(String::from("no MPD element"))) }
}

/// What an adaptation set says for all of its representations (ISO/IEC 23009-1 §5.3.7).
#[derive(Default)]
struct AdaptationSet {
    media: Option<Media>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    codecs: Option<String>,
}

/// Takes what an element says; true when the address of a steering server is what comes next.
fn open(element: &BytesStart<'_>, ladder: &mut Ladder, set: &mut AdaptationSet) -> bool {
    match element.local_name().as_ref() {
        "AdaptationSet" => {
            let mut kind = None;
            *set = AdaptationSet::default();
            for (name, value) in attributes(element) {
                match name.as_str() {
                    "contentType" => kind = media_of_type(&value).or(kind),
                    "mimeType" => kind = kind.or_else(|| media_of_type(&value)),
                    "width" => set.width = value.parse().ok(),
                    "height" => set.height = value.parse().ok(),
                    "frameRate" => set.frame_rate = frame_rate(&value),
                    "codecs" => set.codecs = Some(value),
                    _ => {}
                }
            }
            set.media = kind;
        }
        "Representation" => ladder.add(representation(element, set)),
        "ContentSteering" if ladder.steering.is_none() => {
            let mut server = SteeringServer { uri: String::new(), default_pathway: None, query_before_start: false };
            for (name, value) in attributes(element) {
                match name.as_str() {
                    "defaultServiceLocation" => server.default_pathway = Some(value),
                    "queryBeforeStart" => server.query_before_start = matches!(value.as_str(), "true" | "1"),
                    _ => {}
                }
            }
            ladder.steering = Some(server);
            return true;
        }
        _ => {}
    }
    false
}

fn representation(element: &BytesStart<'_>, set: &AdaptationSet) -> Rendition {
    let mut rendition = Rendition {
        id: String::new(),
        media: Media::Unknown,
        peak_bitrate_bps: 0,
        average_bitrate_bps: None,
        width: set.width,
        height: set.height,
        frame_rate: set.frame_rate,
        codecs: set.codecs.clone(),
        pathway: None,
    };
    let mut kind = set.media;
    for (name, value) in attributes(element) {
        match name.as_str() {
            "id" => rendition.id = value,
            "bandwidth" => rendition.peak_bitrate_bps = value.trim().parse().unwrap_or(0),
            "width" => rendition.width = value.parse().ok(),
            "height" => rendition.height = value.parse().ok(),
            "frameRate" => rendition.frame_rate = frame_rate(&value),
            "mimeType" => kind = kind.or_else(|| media_of_type(&value)),
            "codecs" => rendition.codecs = Some(value),
            _ => {}
        }
    }
    rendition.media = match (kind, &rendition.codecs) {
        (Some(media), _) => media,
        (None, Some(codecs)) => media_of_codecs(codecs),
        (None, None) => Media::Unknown,
    };
    rendition
}

/// Names and unescaped values; what is malformed is left out. Repeated names are not looked for, which would take time
/// quadratic in their number.
fn attributes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let read = |attribute: quick_xml::events::attributes::Attribute<'_>| {
        let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
        Some((attribute.key.local_name().as_ref().to_owned(), value))
    };
    element.attributes().with_checks(false).flatten().filter_map(read).collect()
}

/// `video`, or `video/mp4`.
fn media_of_type(text: &str) -> Option<Media> {
    match text.split('/').next() {
        Some("video") => Some(Media::Video),
        Some("audio") => Some(Media::Audio),
        Some("text") => Some(Media::Text),
        _ => None,
    }
}

/// `30` or `30000/1001`.
fn frame_rate(text: &str) -> Option<f64> {
    let rate = match text.split_once('/') {
        Some((frames, seconds)) => frames.trim().parse::<f64>().ok()? / seconds.trim().parse::<f64>().ok()?,
        None => text.trim().parse().ok()?,
    };
    (rate.is_finite() && rate > 0.0).then_some(rate)
}
