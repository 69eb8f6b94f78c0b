//! The short way to [`Vitals`]: one pass over a record that is written as the standard wants it.
//!
//! Nothing is repaired and nothing reported here. Whatever could make [`super::Cmcd::parse`] coerce, drop or allocate
//! ends the attempt, and that parser reads the record from the start.

use super::MAX_RECORD_BYTES;
use super::field::Kind;
use super::key::{Key, KeySpec};
use super::list::ByObjectType;
use super::parse::Tally;
use super::token::{EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version};
use super::vitals::{ParsedVitals, Vitals};
use std::borrow::Cow;

/// The record on `line`; `None` when it takes the whole parser to say what is on it.
pub(super) fn read(line: &[u8]) -> Option<ParsedVitals<'_>> {
    if line.len() > MAX_RECORD_BYTES {
        return None;
    }
    let mut vitals = Vitals::default();
    let (mut seen, mut kept) = (0_u64, 0);
    let mut rest = line;
    loop {
        let (key, behind) = name(rest)?;
        let bit = 1 << key as u32;
        if seen & bit != 0 {
            return None;
        }
        seen |= bit;
        kept += 1;
        rest = member(&mut vitals, key, behind)?;
        match rest {
            [] => break,
            [b',', next @ ..] => rest = next,
            _ => return None,
        }
    }
    Some(ParsedVitals { vitals, tally: Tally { kept, ..Tally::default() } })
}

/// A name of the standard and what follows it.
#[inline]
fn name(bytes: &[u8]) -> Option<(Key, &[u8])> {
    // The longest name has five letters; a sixth ends the attempt.
    let length = bytes.iter().take(6).take_while(|byte| byte.is_ascii_lowercase()).count();
    if length == 0 || length > 5 {
        return None;
    }
    let (name, rest) = bytes.split_at(length);
    let packed = name.iter().fold(0, |packed, &byte| packed << 8 | u64::from(byte));
    Some((Key::from_packed(packed)?, rest))
}

/// Reads `=value` or nothing, keeps it when it is vital, and gives what follows.
#[inline]
fn member<'a>(vitals: &mut Vitals<'a>, key: Key, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let spec = key.spec();
    if spec.kind == Kind::Flag {
        let (value, rest) = flag(bytes)?;
        match key {
            Key::Startup => vitals.startup = Some(value),
            Key::BufferStarvation => vitals.buffer_starvation = Some(value),
            _ => {}
        }
        return Some(rest);
    }
    let [b'=', bytes @ ..] = bytes else { return None };
    match spec.kind {
        Kind::Numbers => {
            let mut ignored = ByObjectType::default();
            let list = match key {
                Key::BufferLength => &mut vitals.buffer_length,
                Key::BufferStarvationDuration => &mut vitals.buffer_starvation_duration,
                Key::EncodedBitrate => &mut vitals.encoded_bitrate,
                Key::MeasuredThroughput => &mut vitals.measured_throughput,
                Key::PlayheadBitrate => &mut vitals.playhead_bitrate,
                Key::TargetBufferLength => &mut vitals.target_buffer_length,
                Key::TopBitrate => &mut vitals.top_bitrate,
                _ => &mut ignored,
            };
            numbers(list, bytes)
        }
        Kind::Integer => integer(vitals, key, bytes),
        Kind::Decimal => {
            let (value, rest) = decimal(bytes)?;
            vitals.playback_rate = Some(value);
            Some(rest)
        }
        Kind::Text => {
            let (value, rest) = text(spec, bytes)?;
            match key {
                Key::SessionId => vitals.session_id = Some(Cow::Borrowed(str::from_utf8(value).ok()?)),
                Key::ContentId => vitals.content_id = Some(Cow::Borrowed(str::from_utf8(value).ok()?)),
                _ => {}
            }
            Some(rest)
        }
        Kind::Token => token(vitals, key, bytes),
        Kind::Texts => {
            // One string, alone or in a list: what players send.
            if let [b'(', bytes @ ..] = bytes {
                let (_, rest) = text(spec, bytes)?;
                rest.strip_prefix(b")")
            } else {
                text(spec, bytes).map(|(_, rest)| rest)
            }
        }
        Kind::Flag => None,
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
    let (mut value, mut length) = (0, 0);
    while let Some(digit @ 0..=9) = bytes.get(length).map(|byte| byte.wrapping_sub(b'0')) {
        if length == 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
        length += 1;
    }
    (length > 0).then(|| (value, &bytes[length..]))
}

/// `1200`, or `(1200;v 64;a)`.
#[inline]
fn numbers<'a>(list: &mut ByObjectType, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let [b'(', entries @ ..] = bytes else {
        let (value, rest) = number(bytes)?;
        list.push(value, None);
        return Some(rest);
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
            [b')', rest @ ..] => return Some(rest),
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

/// A string of printable ASCII without escapes, no longer than the key allows.
#[inline]
fn text<'a>(spec: &KeySpec, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let [b'"', bytes @ ..] = bytes else { return None };
    let length = memchr::memchr(b'"', bytes)?;
    let (value, rest) = (&bytes[..length], &bytes[length + 1..]);
    let odd = |byte: u8| u8::from(byte.wrapping_sub(b' ') > b'~' - b' ') | u8::from(byte == b'\\');
    // Looking at all bytes lets the compiler look at sixteen at once.
    let plain = value.iter().fold(0, |found, &byte| found | odd(byte)) == 0;
    let fits = spec.max_characters == 0 || length <= usize::from(spec.max_characters);
    (plain && fits).then_some((value, rest))
}

/// One to three lower-case letters that the standard lists for the key.
#[inline]
fn token<'a>(vitals: &mut Vitals<'a>, key: Key, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let (token, rest) = bytes.split_at(length);
    let token = str::from_utf8(token).ok()?;
    match key {
        Key::Event => vitals.event = Some(EventType::from_wire(token)?),
        Key::ObjectType => vitals.object_type = Some(ObjectType::from_wire(token)?),
        Key::PlayerState => vitals.player_state = Some(PlayerState::from_wire(token)?),
        Key::StreamingFormat => vitals.streaming_format = Some(StreamingFormat::from_wire(token)?),
        Key::StreamType => _ = StreamType::from_wire(token)?,
        _ => return None,
    }
    Some(rest)
}
