//! Reading [`Vitals`]: one pass over a record that is written as the standard wants it.
//!
//! In that pass nothing is repaired and nothing reported here. Whatever could make [`super::Cmcd::parse`] coerce, drop or allocate
//! ends the attempt, and that parser reads the record from the start.

use super::MAX_RECORD_BYTES;
use super::batch::RecordLines;
use super::key::{Cmcd, Key};
use super::key_spec::{KeySpec, ValueType};
use super::list::ByObjectType;
use super::parse::Headers;
use super::problem::ParseError;
use super::query::{QueryText, Scratch, decode_query};
use super::token::{EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version};
use super::vitals::{ParsedVitals, Vitals};
use std::borrow::Cow;

impl<'a> Vitals<'a> {
    /// Reads one record, as [`Cmcd::parse`].
    ///
    /// # Errors
    /// As [`Cmcd::parse`].
    pub fn parse(text: &'a str) -> Result<ParsedVitals<'a>, ParseError> {
        let mut parsed = ParsedVitals::default();
        match read(text, &mut parsed) {
            Some(()) => Ok(parsed),
            None => Cmcd::parse(text).map(ParsedVitals::from),
        }
    }

    /// Reads the record in a query string, as [`super::parse_query`].
    ///
    /// # Errors
    /// As [`super::parse_query`].
    pub fn parse_query(query: &'a str, scratch: &'a mut Scratch) -> Result<Option<ParsedVitals<'a>>, ParseError> {
        let Some(QueryText { text, flaws }) = decode_query(query, scratch)? else { return Ok(None) };
        let mut parsed = Self::parse(text)?;
        parsed.summary.coerce_encoding(flaws);
        Ok(Some(parsed))
    }

    /// Reads the record that the four request headers carry together, as [`Cmcd::parse_headers`].
    ///
    /// # Errors
    /// As [`Cmcd::parse_headers`].
    pub fn parse_headers(headers: Headers<'a>) -> Result<ParsedVitals<'a>, ParseError> {
        Cmcd::parse_headers(headers).map(ParsedVitals::from)
    }

    /// Reads an event report, as [`super::parse_records`].
    pub fn parse_records(body: &'a [u8]) -> impl Iterator<Item = Result<ParsedVitals<'a>, ParseError>> {
        RecordLines::of(body).map(|line| line.text().and_then(Self::parse))
    }
}

/// Reads the record on `line` into `parsed`, which is empty; `None` when it takes the whole parser to say what is on it.
fn read<'a>(line: &'a str, parsed: &mut ParsedVitals<'a>) -> Option<()> {
    if line.len() > MAX_RECORD_BYTES {
        return None;
    }
    let mut seen = 0_u64;
    let mut rest = line.as_bytes();
    loop {
        let (key, behind) = name(rest)?;
        let bit = 1 << key as u32;
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        rest = member(&mut parsed.vitals, key, line, behind)?;
        match rest {
            [] => break,
            [b',', next @ ..] => rest = next,
            _ => return None,
        }
    }
    parsed.summary.kept = seen.count_ones();
    Some(())
}

/// A name of the standard and what follows it.
#[inline]
fn name(bytes: &[u8]) -> Option<(Key, &[u8])> {
    let (mut packed, mut rest) = (0_u64, bytes);
    while let [letter @ b'a'..=b'z', behind @ ..] = rest {
        packed = packed << 8 | u64::from(*letter);
        rest = behind;
    }
    if packed == 0 {
        return None;
    }
    // A name of more than eight letters leaves its last eight, which is more than any of the standard has.
    Some((Key::from_packed(packed)?, rest))
}

/// Reads `=value` or nothing, keeps it when it is vital, and gives what follows.
#[inline]
fn member<'a>(vitals: &mut Vitals<'a>, key: Key, line: &'a str, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let spec = key.spec();
    if spec.value_type == ValueType::Flag {
        let (value, rest) = flag(bytes)?;
        match key {
            Key::Startup => vitals.startup = Some(value),
            Key::BufferStarvation => vitals.buffer_starvation = Some(value),
            _ => {}
        }
        return Some(rest);
    }
    let [b'=', bytes @ ..] = bytes else { return None };
    match spec.value_type {
        ValueType::Numbers => {
            let (list, rest) = numbers(bytes)?;
            match key {
                Key::BufferLength => vitals.buffer_length = list,
                Key::BufferStarvationDuration => vitals.buffer_starvation_duration = list,
                Key::EncodedBitrate => vitals.encoded_bitrate = list,
                Key::MeasuredThroughput => vitals.measured_throughput = list,
                Key::PlayheadBitrate => vitals.playhead_bitrate = list,
                Key::TargetBufferLength => vitals.target_buffer_length = list,
                Key::TopBitrate => vitals.top_bitrate = list,
                _ => {}
            }
            Some(rest)
        }
        ValueType::Integer => integer(vitals, key, bytes),
        ValueType::Decimal => {
            let (value, rest) = decimal(bytes)?;
            vitals.playback_rate = Some(value);
            Some(rest)
        }
        ValueType::Text => {
            let (value, rest) = text(spec, line, bytes)?;
            match key {
                Key::SessionId => vitals.session_id = Some(Cow::Borrowed(value)),
                Key::ContentId => vitals.content_id = Some(Cow::Borrowed(value)),
                _ => {}
            }
            Some(rest)
        }
        ValueType::Token => token(vitals, key, bytes),
        ValueType::Texts => {
            // One string, alone or in a list: what players send.
            if let [b'(', bytes @ ..] = bytes {
                let (_, rest) = text(spec, line, bytes)?;
                rest.strip_prefix(b")")
            } else {
                text(spec, line, bytes).map(|(_, rest)| rest)
            }
        }
        ValueType::Flag => None,
    }
}

#[inline]
fn flag(bytes: &[u8]) -> Option<(bool, &[u8])> {
    match bytes {
        [b'=', b'?', b'1', rest @ ..] => Some((true, rest)),
        [b'=', b'?', b'0', rest @ ..] => Some((false, rest)),
        [b'=', ..] => None,
        rest => Some((true, rest)),
    }
}

/// One to nine digits: what fits every kind of number.
#[inline]
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (mut value, mut rest) = (0_u32, bytes);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        // More than nine digits may wrap around; they are not taken.
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'));
        rest = behind;
    }
    (1..=9).contains(&(bytes.len() - rest.len())).then_some((value, rest))
}

/// `1200`, or `(1200;v 64;a)`.
#[inline]
fn numbers(bytes: &[u8]) -> Option<(ByObjectType, &[u8])> {
    let mut list = ByObjectType::default();
    let [b'(', entries @ ..] = bytes else {
        let (value, rest) = number(bytes)?;
        list.push(value, None);
        return Some((list, rest));
    };
    let mut bytes = entries;
    // More entries than a list holds without allocation are left to the whole parser.
    for _ in 0..ByObjectType::INLINE {
        let (value, rest) = number(bytes)?;
        let (object_type, rest) = match rest {
            [b';', b'v', rest @ ..] => (Some(ObjectType::Video), rest),
            [b';', b'a', b'v', rest @ ..] => (Some(ObjectType::Muxed), rest),
            [b';', b'a', rest @ ..] => (Some(ObjectType::Audio), rest),
            rest => (None, rest),
        };
        list.push(value, object_type);
        match rest {
            [b')', rest @ ..] => return Some((list, rest)),
            [b' ', rest @ ..] => bytes = rest,
            _ => return None,
        }
    }
    None
}

#[inline]
fn integer<'a>(vitals: &mut Vitals<'a>, key: Key, bytes: &'a [u8]) -> Option<&'a [u8]> {
    if matches!(key, Key::Timestamp | Key::PlayheadTime) {
        // Milliseconds since 1970 have thirteen digits; an integer has at most fifteen (RFC 9651 §3.3.1).
        let digits = bytes.iter().take(16).take_while(|byte| byte.is_ascii_digit()).count();
        return (1..=15).contains(&digits).then(|| &bytes[digits..]);
    }
    let (value, rest) = number(bytes)?;
    match key {
        Key::SequenceNumber => vitals.sequence_number = Some(value),
        Key::ObjectDuration => vitals.object_duration = Some(value),
        Key::LiveLatency => vitals.live_latency = Some(i32::try_from(value).ok()?),
        Key::MediaStartDelay => vitals.media_start_delay = Some(value),
        Key::TimeToLastByte => vitals.time_to_last_byte = Some(value),
        Key::DroppedFrames => vitals.dropped_frames = Some(value),
        Key::Version => {
            vitals.version = match value {
                1 => Version::V1,
                2 => Version::V2,
                _ => return None,
            }
        }
        _ => {}
    }
    Some(rest)
}

/// At most nine digits, and one to three behind a point.
#[inline]
fn decimal(bytes: &[u8]) -> Option<(f64, &[u8])> {
    let (whole, rest) = number(bytes)?;
    let [b'.', fraction @ ..] = rest else { return Some((whole.into(), rest)) };
    let (thousandths, rest) = number(fraction)?;
    let scale = match fraction.len() - rest.len() {
        1 => 10,
        2 => 100,
        3 => 1_000,
        _ => return None,
    };
    // Numerator and denominator are exact, so the quotient is the number nearest to what was written.
    let value = (u64::from(whole) * scale + u64::from(thousandths)) as f64 / scale as f64;
    Some((value, rest))
}

/// A string of printable ASCII without escapes, no longer than the key allows; `bytes` are the end of `line`.
#[inline]
fn text<'a>(spec: &KeySpec, line: &'a str, bytes: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
    let [b'"', bytes @ ..] = bytes else { return None };
    let length = memchr::memchr(b'"', bytes)?;
    let (value, rest) = (&bytes[..length], &bytes[length + 1..]);
    let odd = |byte: u8| u8::from(byte.wrapping_sub(b' ') > b'~' - b' ') | u8::from(byte == b'\\');
    // Looking at all bytes lets the compiler look at sixteen at once.
    let plain = value.iter().fold(0, |found, &byte| found | odd(byte)) == 0;
    let fits = spec.max_characters == 0 || length <= usize::from(spec.max_characters);
    let start = line.len() - bytes.len();
    (plain && fits).then(|| (&line[start..start + length], rest))
}

/// One to three lower-case letters that the standard lists for the key.
#[inline]
fn token<'a>(vitals: &mut Vitals<'a>, key: Key, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let (token, rest) = bytes.split_at(length);
    match key {
        Key::Event => vitals.event = Some(EventType::from_bytes(token)?),
        Key::ObjectType => vitals.object_type = Some(ObjectType::from_bytes(token)?),
        Key::PlayerState => vitals.player_state = Some(PlayerState::from_bytes(token)?),
        Key::StreamingFormat => vitals.streaming_format = Some(StreamingFormat::from_bytes(token)?),
        Key::StreamType => _ = StreamType::from_bytes(token)?,
        _ => return None,
    }
    Some(rest)
}
