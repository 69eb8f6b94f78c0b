//! Ladders of DASH media presentation descriptions.
//!
//! Read with a streaming XML reader: a ladder needs a dozen attributes of eight elements, and an MPD with a date or profile
//! that a full object model does not take still has a usable ladder.

use super::codecs::media_of_codecs;
use super::ladder::{Format, Ladder, MAX_RENDITIONS, Media, PlaylistError, Rendition, SteeringServer};
use super::period::{Period, of_main_content};
use super::values::{duration_s, frame_rate, pixels, whole_number};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

pub(super) fn ladder(text: &str) -> Result<Ladder, PlaylistError> {
    let malformed = |message: String| PlaylistError::Malformed { format: Format::Dash, message };
    let mut reader = Reader::from_str(text);
    let mut document = Document::new();
    loop {
        let position = reader.buffer_position();
        let event = reader.read_event().map_err(|error| malformed(format!("{error} after byte {position}")))?;
        match event {
            Event::Start(element) => document.open(&element),
            Event::Empty(element) => {
                document.open(&element);
                document.close(element.local_name().as_ref());
            }
            Event::Text(content) => document.text(content.trim()),
            // `&amp;` and the like inside an address.
            Event::GeneralRef(reference) => {
                document.text(quick_xml::escape::resolve_xml_entity(&reference).unwrap_or_default());
            }
            Event::End(element) => document.close(element.local_name().as_ref()),
            Event::Eof => break,
            _ => {}
        }
    }
    document.finish().ok_or_else(|| malformed(String::from("no MPD element")))
}

/// What has been read so far.
struct Document {
    ladder: Ladder,
    inside_mpd: bool,
    /// The text that comes next is the address of the steering server.
    steering_open: bool,
    periods: Vec<Period>,
    /// What the open period says for all of its sets.
    shared: AdaptationSet,
    /// The open set, if one is.
    set: Option<AdaptationSet>,
    announced_s: Option<f64>,
    presentation_s: Option<f64>,
}

/// What an adaptation set says for all of its representations (ISO/IEC 23009-1 §5.3.7), and those read so far.
#[derive(Default)]
struct AdaptationSet {
    media: Option<Media>,
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<f64>,
    codecs: Option<String>,
    /// A property says that the set is for thumbnails or trick mode.
    purpose: Option<Media>,
    /// Units a second of the segment template or list in force (§5.3.9.2).
    timescale: Option<f64>,
    /// Longest segment, seconds.
    segment_s: Option<f64>,
    renditions: Vec<Rendition>,
}

impl Document {
    fn new() -> Self {
        Self {
            ladder: Ladder::new(Format::Dash),
            inside_mpd: false,
            steering_open: false,
            periods: Vec::new(),
            shared: AdaptationSet::default(),
            set: None,
            announced_s: None,
            presentation_s: None,
        }
    }

    /// Takes what an element says at its beginning.
    fn open(&mut self, element: &BytesStart<'_>) {
        self.steering_open = false;
        match element.local_name().as_ref() {
            "MPD" => {
                self.inside_mpd = true;
                for (name, value) in attributes(element) {
                    match name.as_str() {
                        "maxSegmentDuration" => self.announced_s = duration_s(&value),
                        "mediaPresentationDuration" => self.presentation_s = duration_s(&value),
                        _ => {}
                    }
                }
            }
            "Period" => {
                let mut period = Period::default();
                for (name, value) in attributes(element) {
                    match name.as_str() {
                        "start" => period.start_s = duration_s(&value),
                        "duration" => period.duration_s = duration_s(&value),
                        _ => {}
                    }
                }
                self.periods.push(period);
                self.shared = AdaptationSet::default();
            }
            "AdaptationSet" => self.set = Some(AdaptationSet::of(element, &self.shared)),
            "Representation" => {
                let set = self.set.as_mut().unwrap_or(&mut self.shared);
                let rendition = representation(element, set, &mut self.ladder);
                if set.renditions.len() < MAX_RENDITIONS {
                    set.renditions.push(rendition);
                }
            }
            "EssentialProperty" | "SupplementalProperty" => {
                if let Some(set) = &mut self.set {
                    let scheme = attributes(element).into_iter().find(|(name, _)| name == "schemeIdUri");
                    set.purpose = scheme.and_then(|(_, uri)| purpose(&uri)).or(set.purpose);
                }
            }
            "SegmentTemplate" | "SegmentList" => self.set.as_mut().unwrap_or(&mut self.shared).take_segments(element),
            "S" => self.set.as_mut().unwrap_or(&mut self.shared).take_timeline_entry(element),
            "ContentSteering" if self.ladder.steering.is_none() => {
                self.ladder.steering = Some(steering(element));
                self.steering_open = true;
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.steering_open
            && let Some(steering) = &mut self.ladder.steering
        {
            steering.uri.push_str(text);
        }
    }

    fn close(&mut self, name: &str) {
        self.steering_open = false;
        if name == "AdaptationSet"
            && let Some(set) = self.set.take()
        {
            self.file(set);
        }
    }

    /// Adds the representations of a set to its period.
    fn file(&mut self, mut set: AdaptationSet) {
        for rendition in &mut set.renditions {
            rendition.media = set.purpose.unwrap_or(rendition.media);
        }
        if self.periods.is_empty() {
            self.periods.push(Period::default());
        }
        let Some(period) = self.periods.last_mut() else { return };
        let has_pictures = set.renditions.iter().any(|rendition| rendition.media == Media::Video);
        if has_pictures {
            period.segment_s = longer(period.segment_s, set.segment_s);
        }
        period.renditions.append(&mut set.renditions);
    }

    /// The ladder; `None` when there was no MPD.
    fn finish(mut self) -> Option<Ladder> {
        // Representations outside of a set are not valid, and read all the same.
        let open = self.set.take().into_iter().chain([std::mem::take(&mut self.shared)]);
        for set in open.filter(|set| !set.renditions.is_empty()).collect::<Vec<_>>() {
            self.file(set);
        }
        let mut ladder = self.ladder;
        ladder.segment_duration_s = self.announced_s;
        for period in of_main_content(self.periods, self.presentation_s) {
            if self.announced_s.is_none() {
                ladder.segment_duration_s = longer(ladder.segment_duration_s, period.segment_s);
            }
            for rendition in period.renditions {
                ladder.add(rendition);
            }
        }
        self.inside_mpd.then_some(ladder)
    }
}

impl AdaptationSet {
    /// What the set says; what the period says of segments, in `outer`, holds for it too.
    fn of(element: &BytesStart<'_>, outer: &Self) -> Self {
        let mut set = Self { timescale: outer.timescale, segment_s: outer.segment_s, ..Self::default() };
        let mut by_mime_type = None;
        for (name, value) in attributes(element) {
            match name.as_str() {
                "contentType" => set.media = media_of_type(&value),
                "mimeType" => by_mime_type = media_of_type(&value),
                "width" => set.width = pixels(&value),
                "height" => set.height = pixels(&value),
                "frameRate" => set.frame_rate = frame_rate(&value),
                "codecs" => set.codecs = Some(value),
                _ => {}
            }
        }
        set.media = set.media.or(by_mime_type);
        set
    }

    /// `@duration` and `@timescale` of a segment template or list.
    fn take_segments(&mut self, element: &BytesStart<'_>) {
        let (mut units, mut timescale) = (None, None);
        for (name, value) in attributes(element) {
            match name.as_str() {
                "duration" => units = positive(&value),
                "timescale" => timescale = positive(&value),
                _ => {}
            }
        }
        // By ISO/IEC 23009-1 table 16 there is one unit a second where nothing else is said.
        self.timescale = timescale.or(self.timescale);
        self.take_units(units);
    }

    /// `@d` of an entry of a segment timeline.
    fn take_timeline_entry(&mut self, element: &BytesStart<'_>) {
        let units = attributes(element).into_iter().find(|(name, _)| name == "d");
        self.take_units(units.and_then(|(_, value)| positive(&value)));
    }

    fn take_units(&mut self, units: Option<f64>) {
        let seconds = units.map(|units| units / self.timescale.unwrap_or(1.0));
        self.segment_s = longer(self.segment_s, seconds);
    }
}

fn representation(element: &BytesStart<'_>, set: &AdaptationSet, ladder: &mut Ladder) -> Rendition {
    let mut rendition = Rendition {
        width: set.width,
        height: set.height,
        frame_rate: set.frame_rate,
        codecs: set.codecs.clone(),
        ..Rendition::new(String::new())
    };
    let mut media = set.media;
    let mut unread = Vec::new();
    for (name, value) in attributes(element).into_iter().filter(|(_, value)| !value.trim().is_empty()) {
        match name.as_str() {
            "id" => rendition.id = value,
            "bandwidth" => match whole_number(&value) {
                Some(bitrate) => rendition.peak_bitrate_bps = bitrate,
                None => unread.push(("bandwidth", value)),
            },
            "width" => match pixels(&value) {
                Some(width) => rendition.width = Some(width),
                None => unread.push(("width", value)),
            },
            "height" => match pixels(&value) {
                Some(height) => rendition.height = Some(height),
                None => unread.push(("height", value)),
            },
            "frameRate" => match frame_rate(&value) {
                Some(rate) => rendition.frame_rate = Some(rate),
                None => unread.push(("frameRate", value)),
            },
            "mimeType" => media = media.or_else(|| media_of_type(&value)),
            "codecs" => rendition.codecs = Some(value),
            _ => {}
        }
    }
    for (name, value) in unread {
        ladder.note_unread(&rendition.id, name, &value);
    }
    rendition.media = match (media, &rendition.codecs) {
        (Some(media), _) => media,
        (None, Some(codecs)) => media_of_codecs(codecs),
        (None, None) => Media::Unknown,
    };
    rendition
}

fn steering(element: &BytesStart<'_>) -> SteeringServer {
    let mut server = SteeringServer { uri: String::new(), default_pathway: None, query_before_start: false };
    for (name, value) in attributes(element) {
        match name.as_str() {
            "defaultServiceLocation" => server.default_pathway = Some(value),
            "queryBeforeStart" => server.query_before_start = matches!(value.as_str(), "true" | "1"),
            _ => {}
        }
    }
    server
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
    match text.trim().split('/').next() {
        Some("video") => Some(Media::Video),
        Some("audio") => Some(Media::Audio),
        Some("text") => Some(Media::Text),
        Some("image") => Some(Media::Image),
        _ => None,
    }
}

/// The purpose that a property gives a set: DASH-IF IOP 4.3 §3.2.9 (trick mode) and §6.2.6 (thumbnails).
fn purpose(scheme: &str) -> Option<Media> {
    match scheme.trim() {
        "http://dashif.org/guidelines/trickmode" => Some(Media::TrickMode),
        "http://dashif.org/thumbnail_tile" | "http://dashif.org/guidelines/thumbnail_tile" => Some(Media::Image),
        _ => None,
    }
}

/// The longer of two durations, either of which may be unknown.
fn longer(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    left.into_iter().chain(right).reduce(f64::max)
}

fn positive(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)
}
