//! The part of a record that says how a session is doing: what a server needs of millions of records.

use super::key::Cmcd;
use super::list::ByObjectType;
use super::parse::{ParseSummary, ParsedRecord};
use super::token::{EventType, ObjectType, PlayerState, StreamingFormat, Version};
use std::borrow::Cow;

/// A third of the keys of [`Cmcd`], under the same names: who reports, on what, and how it plays.
///
/// A record as players write it is read in one pass over its bytes, several times as fast as [`Cmcd::parse`]. Anything
/// unusual is left to that parser, so values and [`ParseSummary`] are the same either way.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is that of `Cmcd`")]
pub struct Vitals<'a> {
    pub version: Version,
    pub event: Option<EventType>,
    pub sequence_number: Option<u32>,
    pub session_id: Option<Cow<'a, str>>,
    pub content_id: Option<Cow<'a, str>>,
    pub streaming_format: Option<StreamingFormat>,
    pub object_type: Option<ObjectType>,
    pub object_duration: Option<u32>,
    pub player_state: Option<PlayerState>,
    pub playback_rate: Option<f64>,
    pub startup: Option<bool>,
    pub buffer_starvation: Option<bool>,
    pub buffer_starvation_duration: ByObjectType,
    pub buffer_length: ByObjectType,
    pub target_buffer_length: ByObjectType,
    pub encoded_bitrate: ByObjectType,
    pub playhead_bitrate: ByObjectType,
    pub top_bitrate: ByObjectType,
    pub measured_throughput: ByObjectType,
    pub live_latency: Option<i32>,
    pub media_start_delay: Option<u32>,
    pub time_to_last_byte: Option<u32>,
    pub dropped_frames: Option<u32>,
}

/// Vital keys, and what had to be coerced or left out to read the whole record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedVitals<'a> {
    /// The vital keys that could be read.
    pub vitals: Vitals<'a>,
    /// How many keys were kept, coerced and dropped, vital or not.
    pub summary: ParseSummary,
}

impl<'a> From<Cmcd<'a>> for Vitals<'a> {
    fn from(record: Cmcd<'a>) -> Self {
        Self {
            version: record.version,
            event: record.event,
            sequence_number: record.sequence_number,
            session_id: record.session_id,
            content_id: record.content_id,
            streaming_format: record.streaming_format,
            object_type: record.object_type,
            object_duration: record.object_duration,
            player_state: record.player_state,
            playback_rate: record.playback_rate,
            startup: record.startup,
            buffer_starvation: record.buffer_starvation,
            buffer_starvation_duration: record.buffer_starvation_duration,
            buffer_length: record.buffer_length,
            target_buffer_length: record.target_buffer_length,
            encoded_bitrate: record.encoded_bitrate,
            playhead_bitrate: record.playhead_bitrate,
            top_bitrate: record.top_bitrate,
            measured_throughput: record.measured_throughput,
            live_latency: record.live_latency,
            media_start_delay: record.media_start_delay,
            time_to_last_byte: record.time_to_last_byte,
            dropped_frames: record.dropped_frames,
        }
    }
}

impl<'a> From<ParsedRecord<'a>> for ParsedVitals<'a> {
    fn from(parsed: ParsedRecord<'a>) -> Self {
        Self { vitals: parsed.cmcd.into(), summary: parsed.summary }
    }
}
