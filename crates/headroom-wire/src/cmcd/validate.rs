//! Everything that is wrong with a record, down to advice: for those who build players and test them.

use super::field::{Field, Visit};
use super::key::Key;
use super::key_spec::{Header, KeySpec, Scope, ValueType};
use super::parse::Headers;
use super::problem::{ParseError, Problem, Severity};
use super::reader::{Effect, Observer, Reader};
use super::token::{EventType, Version};
use super::{Cmcd, MAX_CUSTOM_CHARACTERS};
use crate::structured::Leniency;
use std::ops::ControlFlow;

/// Most findings reported for one record; a record that bad needs no longer list.
pub const MAX_FINDINGS: usize = 256;

/// How a record is sent, which decides what it must and must not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With a media request, as query argument or headers.
    Request,
    /// In an event report.
    Event,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The key on the wire, cut to 64 characters; empty when none could be read.
    pub key: String,
    /// The header it is in, when the record came as headers.
    pub header: Option<Header>,
    /// Byte of the text (or of the header's value) where it is; 0 for a key that is missing.
    pub position: usize,
    /// What is wrong.
    pub problem: Problem,
}

impl Finding {
    /// Whether it breaks the standard or only its advice.
    pub const fn severity(&self) -> Severity {
        self.problem.severity()
    }
}

/// Lists what is wrong with one record, in the order of its bytes, then what is wrong between its keys.
///
/// An empty list means that the record is right and follows all advice that can be checked without its context.
///
/// # Errors
/// When the text is longer than [`super::MAX_RECORD_BYTES`].
pub fn validate(text: &str, mode: Mode) -> Result<Vec<Finding>, ParseError> {
    let mut reader = Reader::new(Leniency::Strict, Findings::default());
    reader.read(text)?;
    Ok(conclude(reader, mode))
}

/// Lists what is wrong with a record sent as headers, as [`validate()`] does, and which keys are in the wrong header.
///
/// # Errors
/// When one of the headers is longer than [`super::MAX_RECORD_BYTES`].
pub fn validate_headers(headers: Headers<'_>) -> Result<Vec<Finding>, ParseError> {
    let mut reader = Reader::new(Leniency::Strict, Findings::default());
    let values = [headers.object, headers.request, headers.session, headers.status];
    for (header, text) in Header::ALL.into_iter().zip(values) {
        if let Some(text) = text {
            reader.observer_mut().header = Some(header);
            reader.read(text)?;
        }
    }
    Ok(conclude(reader, Mode::Request))
}

fn conclude(reader: Reader<'_, Findings>, mode: Mode) -> Vec<Finding> {
    let (record, mut findings) = reader.into_parts();
    findings.check_keys(&record);
    findings.check_mode(&record, mode);
    findings.found
}

/// Collects findings, and where each key was read.
#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
    /// The header being read.
    header: Option<Header>,
    seen: Vec<MemberPosition>,
}

#[derive(Clone, Copy)]
struct MemberPosition {
    key: Key,
    header: Option<Header>,
    position: usize,
    listed: bool,
}

impl Observer for Findings {
    fn problem(&mut self, key: &str, position: usize, problem: Problem, _: Effect) -> ControlFlow<()> {
        self.add(key, self.header, position, problem);
        if self.found.len() < MAX_FINDINGS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn member(&mut self, key: Key, position: usize, listed: bool) {
        self.seen.retain(|seen| seen.key != key);
        self.seen.push(MemberPosition { key, header: self.header, position, listed });
    }

    fn custom(&mut self, _: usize) {}
}

impl Findings {
    fn add(&mut self, key: &str, header: Option<Header>, position: usize, problem: Problem) {
        if self.found.len() < MAX_FINDINGS {
            let key = key.chars().take(MAX_CUSTOM_CHARACTERS).collect();
            self.found.push(Finding { key, header, position, problem });
        }
    }

    fn add_for(&mut self, seen: MemberPosition, problem: Problem) {
        self.add(seen.key.wire(), seen.header, seen.position, problem);
    }

    /// What each key that is there must be like.
    fn check_keys(&mut self, record: &Cmcd<'_>) {
        for seen in self.seen.clone() {
            let spec = seen.key.spec();
            if !spec.versions.includes(record.version) {
                self.add_for(seen, Problem::NotInVersion);
            } else if spec.value_type.is_list() && record.version == Version::V1 && seen.listed {
                self.add_for(seen, Problem::ListInVersion1);
            } else if spec.value_type.is_list() && record.version == Version::V2 && !seen.listed {
                self.add_for(seen, Problem::ScalarInVersion2);
            }
            // Event keys have no header; that they are in a request is found elsewhere.
            if let (Some(is), Some(should)) = (seen.header, spec.header)
                && is != should
            {
                self.add_for(seen, Problem::WrongHeader);
            }
            if !record.field(seen.key, IsRounded(spec)) {
                self.add_for(seen, Problem::NotRounded);
            }
            let says_so = |event| record.event == Some(event);
            if spec.value_type == ValueType::Flag
                && record.field(seen.key, IsFalse)
                && !says_so(EventType::BackgroundedMode)
            {
                self.add_for(seen, Problem::NeedlessFalse);
            }
            if seen.key == Key::PlaybackRate && record.playback_rate == Some(1.0) && !says_so(EventType::PlaybackRate) {
                self.add_for(seen, Problem::NeedlessPlaybackRate);
            }
            if seen.key == Key::Version && record.version == Version::V1 {
                self.add_for(seen, Problem::NeedlessVersion);
            }
        }
    }

    /// Which keys the mode and the event ask for and which they rule out.
    fn check_mode(&mut self, record: &Cmcd<'_>, mode: Mode) {
        for seen in self.seen.clone() {
            let scope = seen.key.spec().scope;
            if mode == Mode::Request && scope != Scope::Any {
                self.add_for(seen, Problem::OnlyInEvents);
            } else if scope == Scope::Response && record.event != Some(EventType::ResponseReceived) {
                self.add_for(seen, Problem::OnlyInResponses);
            } else if seen.key == Key::CustomEventName && record.event != Some(EventType::Custom) {
                self.add_for(seen, Problem::OnlyInCustomEvents);
            }
        }
        if mode == Mode::Event {
            self.require(Key::Event);
            self.require(Key::Timestamp);
        }
        if let Some(key) = record.event.and_then(key_of_event) {
            self.require(key);
        }
    }

    fn require(&mut self, key: Key) {
        if !self.seen.iter().any(|seen| seen.key == key) {
            self.add(key.wire(), None, 0, Problem::Missing);
        }
    }
}

/// The key that an event is about and must therefore carry (CTA-5004-B "Event").
fn key_of_event(event: EventType) -> Option<Key> {
    match event {
        EventType::PlayState => Some(Key::PlayerState),
        EventType::PlaybackRate => Some(Key::PlaybackRate),
        EventType::ContentId => Some(Key::ContentId),
        EventType::BackgroundedMode => Some(Key::Backgrounded),
        EventType::BitrateChange => Some(Key::EncodedBitrate),
        EventType::Error => Some(Key::ErrorCodes),
        EventType::ResponseReceived => Some(Key::RequestUrl),
        EventType::Custom => Some(Key::CustomEventName),
        _ => None,
    }
}

struct IsRounded(&'static KeySpec);

impl<'a> Visit<'a> for IsRounded {
    type Output = bool;

    fn visit<F: Field<'a>>(self, field: &F) -> bool {
        field.is_rounded(self.0)
    }
}

struct IsFalse;

impl<'a> Visit<'a> for IsFalse {
    type Output = bool;

    fn visit<F: Field<'a>>(self, field: &F) -> bool {
        field.is_false()
    }
}
