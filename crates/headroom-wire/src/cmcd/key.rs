//! The key table: every CMCD key with its wire name, type, unit, rounding, header, version and reporting mode.
//!
//! This is the only place that knows the abbreviations. Parsing, validation and emission are all driven by it; a new
//! key is one new line here. Source: CTA-5004 §3 (version 1) and CTA-5004-B "Reserved keys" (version 2).

use super::field::Field;
use super::key_spec::{Header, KeySpec, Scope, Unit, VersionRange};
use super::list::{ByObjectType, NextObjects, TextList};
use super::token::{EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version};
use std::borrow::Cow;

/// `Object`, `Request`, … as written in the table, or `-` for none.
macro_rules! header {
    (-) => {
        None
    };
    ($name:ident) => {
        Some(Header::$name)
    };
}

/// Turns the table below into the [`Cmcd`] record, the [`Key`] enumeration and the dispatch between them.
macro_rules! keys {
    ($(
        $(#[doc = $doc:literal])*
        $key:ident $wire:literal $field:ident: $type:ty = $unit:ident / $round:literal, $max:literal, $header:tt, $versions:ident, $scope:ident;
    )*) => {
        /// A key of the standard. The order is the alphabetical order of the wire names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $(
                #[doc = concat!("`", $wire, "`: see [`Cmcd::", stringify!($field), "`].")]
                $key,
            )*
        }

        impl Key {
            /// Every key, alphabetically by wire name.
            pub const ALL: &'static [Self] = &[$(Self::$key),*];
        }

        /// One CMCD record: what a player says with one request or one event.
        ///
        /// Every field is optional: absent is `None` or an empty list. Text borrows from the parsed payload where it
        /// can. Fields are named by the standard's words; the wire name of each is given with it.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Cmcd<'a> {
            $(
                $(#[doc = $doc])*
                #[doc = concat!("\n\nWire name `", $wire, "`.")]
                pub $field: $type,
            )*
            /// Keys of the application, sorted by name; their names carry a hyphen.
            pub custom: Vec<super::custom::CustomKey<'a>>,
        }

        impl<'a> Cmcd<'a> {
            /// One row a key, in the order of [`Key`].
            const SPECS: &'static [KeySpec] = &[$(
                KeySpec {
                    wire: $wire,
                    field: stringify!($field),
                    value_type: <$type as Field<'a>>::VALUE_TYPE,
                    unit: Unit::$unit,
                    round_to: $round,
                    max_characters: $max,
                    header: header!($header),
                    versions: VersionRange::$versions,
                    scope: Scope::$scope,
                },
            )*];

            /// Calls `visit` on the field of `key`, for change.
            #[inline]
            pub(super) fn field_mut<V: super::field::VisitMut<'a>>(&mut self, key: Key, visit: V) -> V::Output {
                match key {
                    $(Key::$key => visit.visit(&mut self.$field),)*
                }
            }

            /// Calls `visit` on the field of `key`.
            pub(super) fn field<V: super::field::Visit<'a>>(&self, key: Key, visit: V) -> V::Output {
                match key {
                    $(Key::$key => visit.visit(&self.$field),)*
                }
            }

            /// The same record with nothing borrowed, to be kept beyond the payload.
            pub fn into_owned(self) -> Cmcd<'static> {
                Cmcd {
                    $($field: Field::into_owned(self.$field),)*
                    custom: self.custom.into_iter().map(super::custom::CustomKey::into_owned).collect(),
                }
            }
        }
    };
}

type Text<'a> = Option<Cow<'a, str>>;

// variant, wire name, field: type = unit / rounding, longest string, header, versions, reports
keys! {
    /// Aggregate encoded bitrate of a playable combination of tracks, kbps; only when the tracks' own are unknown.
    AggregateBitrate "ab" aggregate_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, V2, Any;
    /// No player of the session is visible.
    Backgrounded "bg" backgrounded: Option<bool> = None / 1, 0, Status, V2, Any;
    /// Media buffered ahead of the playhead, ms, rounded to 100 ms.
    BufferLength "bl" buffer_length: ByObjectType = Milliseconds / 100, 0, Request, Both, Any;
    /// Encoded bitrate of the requested object; in events of the current representation. kbps.
    EncodedBitrate "br" encoded_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, Both, Any;
    /// The buffer ran empty at some point since the last report.
    BufferStarvation "bs" buffer_starvation: Option<bool> = None / 1, 0, Status, Both, Any;
    /// Number of buffer starvations since the session began.
    BufferStarvationCount "bsa" buffer_starvation_count: ByObjectType = Count / 1, 0, Status, V2, Any;
    /// Duration of each buffer starvation that ended since the last report, ms.
    BufferStarvationDuration "bsd" buffer_starvation_duration: ByObjectType = Milliseconds / 1, 0, Status, V2, Any;
    /// Summed duration of buffer starvation since the session began, ms.
    BufferStarvationTotal "bsda" buffer_starvation_total: ByObjectType = Milliseconds / 1, 0, Status, V2, Any;
    /// The delivery network media currently comes from.
    DeliveryNetwork "cdn" delivery_network: Text<'a> = None / 1, 128, Status, V2, Any;
    /// Name of the custom event; only with [`EventType::Custom`].
    CustomEventName "cen" custom_event_name: Text<'a> = None / 1, 64, -, V2, Event;
    /// Identifies the content across sessions and devices.
    ContentId "cid" content_id: Text<'a> = None / 1, 128, Session, Both, Any;
    /// Base64 copy of the `CMSD-Dynamic` response header.
    CmsdDynamic "cmsdd" cmsd_dynamic: Text<'a> = None / 1, 0, -, V2, Response;
    /// Base64 copy of the `CMSD-Static` response header.
    CmsdStatic "cmsds" cmsd_static: Text<'a> = None / 1, 0, -, V2, Response;
    /// Signature bound to the content being played.
    ContentSignature "cs" content_signature: Text<'a> = None / 1, 0, Request, V2, Any;
    /// Playback duration of the requested object, ms.
    ObjectDuration "d" object_duration: Option<u32> = Milliseconds / 1, 0, Object, Both, Any;
    /// Frames dropped since the session began.
    DroppedFrames "dfa" dropped_frames: Option<u32> = Count / 1, 0, Request, V2, Any;
    /// Time until the first sample of the object must be there to avoid a stall, ms, rounded to 100 ms.
    Deadline "dl" deadline: Option<u32> = Milliseconds / 100, 0, Request, Both, Any;
    /// What the event report is about.
    Event "e" event: Option<EventType> = None / 1, 0, -, V2, Event;
    /// Error codes of the player, in the application's own notation.
    ErrorCodes "ec" error_codes: TextList<'a> = None / 1, 0, Status, V2, Any;
    /// Host that media currently comes from.
    Hostname "h" hostname: Text<'a> = None / 1, 128, -, V2, Event;
    /// Lowest aggregate bitrate of the ladder, kbps.
    LowestAggregateBitrate "lab" lowest_aggregate_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, V2, Any;
    /// Lowest encoded bitrate of the ladder, kbps.
    LowestBitrate "lb" lowest_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, V2, Any;
    /// Delay between availability at the origin and rendering, ms. Negative when the clocks disagree.
    LiveLatency "ltc" live_latency: Option<i32> = Milliseconds / 1, 0, Request, V2, Any;
    /// Time from the order to play to the first rendering, ms; sent once a session.
    MediaStartDelay "msd" media_start_delay: Option<u32> = Milliseconds / 1, 0, Session, V2, Any;
    /// Throughput measured by the player, kbps, rounded to 100 kbps.
    MeasuredThroughput "mtp" measured_throughput: ByObjectType = KilobitsPerSecond / 100, 0, Request, Both, Any;
    /// Objects likely to be requested next, relative to this one, with the byte range where one is wanted.
    NextObjects "nor" next_objects: NextObjects<'a> = None / 1, 0, Request, Both, Any;
    /// The player exists but is not rendered.
    NotRendered "nr" not_rendered: Option<bool> = None / 1, 0, Status, V2, Any;
    /// Byte range requested next, of the current object. Version 1 only; beside `nor` it is part of `next_objects`.
    NextRange "nrr" next_range: Text<'a> = None / 1, 0, Request, V1, Any;
    /// Type of the requested object.
    ObjectType "ot" object_type: Option<ObjectType> = None / 1, 0, Object, Both, Any;
    /// Encoded bitrate of what the viewer is being shown, kbps.
    PlayheadBitrate "pb" playhead_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Request, V2, Any;
    /// Playback rate: 1 is real time, 0 is not playing; sent when it is not 1.
    PlaybackRate "pr" playback_rate: Option<f64> = Ratio / 1, 0, Status, Both, Any;
    /// Media time being rendered, ms.
    PlayheadTime "pt" playhead_time: Option<u64> = Milliseconds / 1, 0, Status, V2, Any;
    /// Final HTTP status of the response; 0 when there was none.
    ResponseCode "rc" response_code: Option<u32> = Count / 1, 0, -, V2, Response;
    /// Throughput the player considers enough for this delivery, kbps, rounded to 100 kbps.
    RequestedMaximumThroughput "rtp" requested_maximum_throughput: Option<u32> = KilobitsPerSecond / 100, 0, Status, Both, Any;
    /// Streaming format of the request.
    StreamingFormat "sf" streaming_format: Option<StreamingFormat> = None / 1, 0, Session, Both, Any;
    /// Identifies the playback session.
    SessionId "sid" session_id: Text<'a> = None / 1, 64, Session, Both, Any;
    /// Base64 copy of the streaming media response tracing header.
    ResponseTracing "smrt" response_tracing: Text<'a> = None / 1, 0, -, V2, Response;
    /// Number of this report, per reporting mode and target.
    SequenceNumber "sn" sequence_number: Option<u32> = Count / 1, 0, Request, V2, Any;
    /// Whether the stream is live.
    StreamType "st" stream_type: Option<StreamType> = None / 1, 0, Session, Both, Any;
    /// Playback state as the viewer perceives it.
    PlayerState "sta" player_state: Option<PlayerState> = None / 1, 0, Request, V2, Any;
    /// The object is needed urgently: true until the buffer first reaches its target.
    Startup "su" startup: Option<bool> = None / 1, 0, Request, Both, Any;
    /// Highest aggregate bitrate of the ladder, kbps.
    TopAggregateBitrate "tab" top_aggregate_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, V2, Any;
    /// Highest encoded bitrate of the ladder, kbps.
    TopBitrate "tb" top_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, Both, Any;
    /// Buffer length the player aims for, ms, rounded to 100 ms.
    TargetBufferLength "tbl" target_buffer_length: ByObjectType = Milliseconds / 100, 0, Request, V2, Any;
    /// Highest encoded bitrate the player could play for reasons other than bandwidth, kbps.
    TopPlayableBitrate "tpb" top_playable_bitrate: ByObjectType = KilobitsPerSecond / 1, 0, Object, V2, Any;
    /// When the event happened or the request began, ms since the Unix epoch.
    Timestamp "ts" timestamp: Option<u64> = EpochMilliseconds / 1, 0, -, V2, Event;
    /// Request to the first byte of the response, ms.
    TimeToFirstByte "ttfb" time_to_first_byte: Option<u32> = Milliseconds / 1, 0, -, V2, Response;
    /// Request to the first byte of the response body, ms.
    TimeToFirstBodyByte "ttfbb" time_to_first_body_byte: Option<u32> = Milliseconds / 1, 0, -, V2, Response;
    /// Request to the last byte of the response body, ms.
    TimeToLastByte "ttlb" time_to_last_byte: Option<u32> = Milliseconds / 1, 0, -, V2, Response;
    /// Address first requested.
    RequestUrl "url" request_url: Text<'a> = None / 1, 0, -, V2, Response;
    /// The version of the standard the record is written in.
    Version "v" version: Version = Count / 1, 0, Session, Both, Any;
}

static SPECS: &[KeySpec] = Cmcd::<'static>::SPECS;

impl Key {
    /// What the standard says about the key.
    pub fn spec(self) -> &'static KeySpec {
        &SPECS[self as usize]
    }

    /// The name on the wire.
    pub fn wire(self) -> &'static str {
        self.spec().wire
    }

    /// The key of a wire name; `None` for custom and unknown names.
    #[inline]
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::from_packed(pack(name.as_bytes())?)
    }

    /// The key whose wire name is `packed`, first byte highest.
    #[inline]
    pub(super) fn from_packed(packed: u64) -> Option<Self> {
        let entry = LOOKUP[slot(packed)];
        (entry.packed == packed).then_some(entry.key)
    }
}

/// The longest wire name, `cmsdd`, has five bytes, so a name fits a machine word and one multiplication finds it.
#[inline]
const fn pack(name: &[u8]) -> Option<u64> {
    if name.is_empty() || name.len() > 5 {
        return None;
    }
    let mut packed = 0;
    let mut index = 0;
    while index < name.len() {
        packed = packed << 8 | name[index] as u64;
        index += 1;
    }
    Some(packed)
}

#[derive(Clone, Copy)]
struct LookupEntry {
    packed: u64,
    key: Key,
}

const LOOKUP_BITS: u32 = 8;

/// Any odd number for which [`lookup`] finds no two names in one slot; the build fails when a new key breaks it.
const LOOKUP_MULTIPLIER: u64 = 0x21b5_fa56_88ac_3e09;

#[inline]
const fn slot(packed: u64) -> usize {
    (packed.wrapping_mul(LOOKUP_MULTIPLIER) >> (u64::BITS - LOOKUP_BITS)) as usize
}

static LOOKUP: [LookupEntry; 1 << LOOKUP_BITS] = lookup();

/// A perfect hash table of the wire names, made when the crate is built.
const fn lookup() -> [LookupEntry; 1 << LOOKUP_BITS] {
    let empty = LookupEntry { packed: 0, key: Key::AggregateBitrate };
    let mut table = [empty; 1 << LOOKUP_BITS];
    let mut index = 0;
    while index < Key::ALL.len() {
        let Some(packed) = pack(Cmcd::<'static>::SPECS[index].wire.as_bytes()) else {
            panic!("a wire name is empty or too long")
        };
        let entry = &mut table[slot(packed)];
        assert!(entry.packed == 0, "two wire names share a slot: choose another multiplier");
        *entry = LookupEntry { packed, key: Key::ALL[index] };
        index += 1;
    }
    table
}
