//! `CMSD-Static`: what the origin says about an object.

use super::{
    CustomKey, CustomValue, EmitError, MAX_MEMBERS, ObjectType, ParseError, StreamType, StreamingFormat, at,
    check_custom_name, check_length, keep_custom, next_member, number, text, token, write_pair,
};
use crate::structured::{BareItem, Cursor, Leniency};
use std::borrow::Cow;

/// What is known of an object, whoever asks: the `CMSD-Static` header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Static<'a> {
    /// When the first byte became available at the origin, ms since the Unix epoch. Wire `at`.
    pub availability_time: Option<u64>,
    /// Encoded bitrate, kbps. Wire `br`.
    pub encoded_bitrate: Option<u32>,
    /// Playback duration, ms. Wire `d`.
    pub object_duration: Option<u32>,
    /// How long the origin held the response back (blocking requests of low-latency HLS), ms. Wire `ht`.
    pub held_time: Option<u32>,
    /// Name of the server that wrote the header. Wire `n`.
    pub intermediary: Option<Cow<'a, str>>,
    /// Object likely to be requested next, percent-encoded as sent. Wire `nor`.
    pub next_object: Option<Cow<'a, str>>,
    /// Byte range likely to be requested next. Wire `nrr`.
    pub next_range: Option<Cow<'a, str>>,
    /// Type of the object. Wire `ot`.
    pub object_type: Option<ObjectType>,
    /// Streaming format. Wire `sf`.
    pub streaming_format: Option<StreamingFormat>,
    /// Whether the stream is live. Wire `st`.
    pub stream_type: Option<StreamType>,
    /// The object is needed urgently. Wire `su`.
    pub startup: bool,
    /// Version of CTA-5006; absent means 1. Wire `v`.
    pub version: Option<u32>,
    /// Keys of the application, in the order sent; their names carry a hyphen.
    pub custom: Vec<CustomKey<'a>>,
}

impl<'a> Static<'a> {
    /// Reads the header's value. Keys that are unknown or of a wrong type are left out.
    ///
    /// # Errors
    /// When the value is too long or not a structured field dictionary, by which it counts as absent.
    pub fn parse(value: &'a str) -> Result<Self, ParseError> {
        check_length(value)?;
        let mut cursor = Cursor::new(value, Leniency::Strict);
        let mut header = Self::default();
        cursor.skip_spaces();
        if cursor.at_end() {
            return Ok(header);
        }
        for _ in 0..MAX_MEMBERS {
            let key = cursor.key().map_err(|syntax| at(&cursor)(syntax))?;
            let item = if cursor.eat(b'=') {
                if cursor.peek() == Some(b'(') {
                    cursor.inner_list().map(|_| BareItem::Other)
                } else {
                    cursor.bare_item()
                }
            } else {
                Ok(BareItem::Flag(true))
            };
            let item = item.map_err(|syntax| at(&cursor)(syntax))?;
            cursor.skip_parameters().map_err(|syntax| at(&cursor)(syntax))?;
            header.take(key, item);
            if !next_member(&mut cursor)? {
                return Ok(header);
            }
        }
        Err(ParseError::TooManyMembers { position: cursor.position() })
    }

    fn take(&mut self, key: &'a str, item: BareItem<'a>) {
        match key {
            "at" => self.availability_time = number(&item),
            "br" => self.encoded_bitrate = number(&item),
            "d" => self.object_duration = number(&item),
            "ht" => self.held_time = number(&item),
            "n" => self.intermediary = text(item),
            "nor" => self.next_object = text(item),
            "nrr" => self.next_range = text(item),
            "ot" => self.object_type = token(&item, ObjectType::from_wire),
            "sf" => self.streaming_format = token(&item, StreamingFormat::from_wire),
            "st" => self.stream_type = token(&item, StreamType::from_wire),
            "su" => self.startup = item == BareItem::Flag(true),
            "v" => self.version = number(&item),
            _ => keep_custom(&mut self.custom, key, item),
        }
    }

    /// The header's value: keys of the standard in alphabetical order, then those of the application.
    ///
    /// # Errors
    /// When a string, number or custom key cannot be expressed as a structured field.
    pub fn to_text(&self) -> Result<String, EmitError> {
        let integer = |value: Option<u32>| value.map(|value| CustomValue::Integer(value.into()));
        let string =
            |value: &'_ Option<Cow<'_, str>>| value.as_deref().map(|text| CustomValue::Text(text.to_owned().into()));
        let symbol = |value: Option<&'static str>| value.map(|token| CustomValue::Token(token.into()));
        let available = self.availability_time.map(|at| CustomValue::Integer(i64::try_from(at).unwrap_or(i64::MAX)));
        let members = [
            ("at", available),
            ("br", integer(self.encoded_bitrate)),
            ("d", integer(self.object_duration)),
            ("ht", integer(self.held_time)),
            ("n", string(&self.intermediary)),
            ("nor", string(&self.next_object)),
            ("nrr", string(&self.next_range)),
            ("ot", symbol(self.object_type.map(ObjectType::as_wire))),
            ("sf", symbol(self.streaming_format.map(StreamingFormat::as_wire))),
            ("st", symbol(self.stream_type.map(StreamType::as_wire))),
            ("su", self.startup.then_some(CustomValue::Flag(true))),
            ("v", integer(self.version)),
        ];
        let mut out = String::new();
        for (key, value) in members {
            if let Some(value) = value {
                let separator = if out.is_empty() { "" } else { "," };
                write_pair(&mut out, separator, key, &value)?;
            }
        }
        for CustomKey { name, value } in &self.custom {
            check_custom_name(name)?;
            let separator = if out.is_empty() { "" } else { "," };
            write_pair(&mut out, separator, name, value)?;
        }
        Ok(out)
    }
}
