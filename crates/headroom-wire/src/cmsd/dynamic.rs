//! `CMSD-Dynamic`: what the servers on the way say about the path at this moment.

use super::{
    CustomKey, CustomValue, EmitError, MAX_HEADER_BYTES, MAX_MEMBERS, ParseError, at, check_custom_name, check_length,
    keep_custom, next_member, number, text, write_pair,
};
use crate::SyntaxError;
use crate::structured::{self, BareItem, Cursor, Leniency};
use std::borrow::Cow;

/// What one server says: a member of `CMSD-Dynamic`, `"edge-1";etp=4200;mb=3000;rtt=40`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hop<'a> {
    /// Name of the server, by advice of organisation and server together. Wire: the member itself.
    pub server: Cow<'a, str>,
    /// The server is under duress; clients that can should go elsewhere. Wire `du`.
    pub duress: bool,
    /// Throughput between this server and the client as the server estimates it, kbps. Wire `etp`.
    pub estimated_throughput: Option<u32>,
    /// Highest bitrate the player should play, kbps. Wire `mb`.
    pub maximum_suggested_bitrate: Option<u32>,
    /// Time from the request to the first byte of the body, ms. Wire `rd`.
    pub response_delay: Option<u32>,
    /// Round-trip time between client and server, ms. Wire `rtt`.
    pub round_trip_time: Option<u32>,
    /// Parameters of the application, in the order sent; their names carry a hyphen.
    pub custom: Vec<CustomKey<'a>>,
}

impl Hop<'_> {
    /// Writes the member: `"server";du;etp=…;mb=…;rd=…;rtt=…` and custom parameters.
    ///
    /// # Errors
    /// When the name or a custom parameter cannot be expressed as a structured field. `out` then holds a part.
    pub fn write(&self, out: &mut String) -> Result<(), EmitError> {
        if !structured::write_string(&self.server, out) {
            return Err(EmitError::Unprintable { key: String::from("server") });
        }
        if self.duress {
            out.push_str(";du");
        }
        let numbers = [
            ("etp", self.estimated_throughput),
            ("mb", self.maximum_suggested_bitrate),
            ("rd", self.response_delay),
            ("rtt", self.round_trip_time),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                write_pair(out, ";", key, &CustomValue::Integer(value.into()))?;
            }
        }
        for CustomKey { name, value } in &self.custom {
            check_custom_name(name)?;
            if matches!(value, CustomValue::List(_)) {
                // RFC 9651 §3.1.2: a parameter is a bare item.
                return Err(EmitError::Unwritable { key: name.to_string() });
            }
            write_pair(out, ";", name, value)?;
        }
        Ok(())
    }

    /// The member as a header value of its own.
    ///
    /// # Errors
    /// As [`Hop::write`].
    pub fn to_text(&self) -> Result<String, EmitError> {
        // What most hops say fits without growing.
        let mut out = String::with_capacity(64);
        self.write(&mut out)?;
        Ok(out)
    }
}

/// Reads the hops of a `CMSD-Dynamic` header, the one nearest to the player last.
///
/// Parameters that are unknown or of a wrong type are left out; members that are neither string nor token are too.
///
/// # Errors
/// When the value is too long or not a structured field list, by which it counts as absent.
pub fn parse_dynamic(value: &str) -> Result<Vec<Hop<'_>>, ParseError> {
    check_length(value)?;
    let mut cursor = Cursor::new(value, Leniency::Strict);
    let mut hops = Vec::new();
    cursor.skip_spaces();
    if cursor.at_end() {
        return Ok(hops);
    }
    for _ in 0..MAX_MEMBERS {
        hops.extend(hop(&mut cursor)?);
        if !next_member(&mut cursor)? {
            return Ok(hops);
        }
    }
    Err(ParseError::TooManyMembers { position: cursor.position() })
}

/// One member; `None` when it is an inner list or a number, which names no server.
fn hop<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Hop<'a>>, ParseError> {
    let server =
        if cursor.peek() == Some(b'(') { cursor.inner_list().map(|_| None) } else { cursor.bare_item().map(text) };
    let mut hop = Hop::default();
    let server = server.map_err(|syntax| at(cursor)(syntax))?;
    for _ in 0..MAX_MEMBERS {
        let Some(name) = cursor.parameter_key().map_err(|syntax| at(cursor)(syntax))? else {
            return Ok(server.map(|server| Hop { server, ..hop }));
        };
        let value = cursor.parameter_value().map_err(|syntax| at(cursor)(syntax))?;
        hop.take_parameter(name, value);
    }
    Err(ParseError::TooManyMembers { position: cursor.position() })
}

impl<'a> Hop<'a> {
    fn take_parameter(&mut self, name: &'a str, value: BareItem<'a>) {
        match name {
            "du" => self.duress = value == BareItem::Flag(true),
            "etp" => self.estimated_throughput = number(&value),
            "mb" => self.maximum_suggested_bitrate = number(&value),
            "rd" => self.response_delay = number(&value),
            "rtt" => self.round_trip_time = number(&value),
            _ => keep_custom(&mut self.custom, name, value),
        }
    }
}

/// A `CMSD-Dynamic` value with our member at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicHeader {
    /// The value to send in place of all `CMSD-Dynamic` lines of the response.
    pub value: String,
    /// Lines that were left out, because no reader could have made sense of the whole with them in it.
    pub discarded: usize,
}

/// Adds `hop` behind what the response carries already.
///
/// `lines` are the values of the `CMSD-Dynamic` header lines in their order. Every line that is a structured field list
/// is kept byte for byte. A line that is not, or that would make the value longer than [`MAX_HEADER_BYTES`], is left out:
/// with it in, RFC 9651 tells readers to ignore the whole header. An earlier member of our own name stays as well: it
/// is another pass through this server.
///
/// # Errors
/// When `hop` itself cannot be written.
pub fn append<'h>(lines: impl IntoIterator<Item = &'h str>, hop: &Hop<'_>) -> Result<DynamicHeader, EmitError> {
    let ours = hop.to_text()?;
    let mut value = String::new();
    let mut discarded = 0;
    for line in lines {
        let fits = value.len() + line.len() + ours.len() + 4 <= MAX_HEADER_BYTES;
        match parse_list_shape(line) {
            Ok(false) => {}
            Ok(true) if fits => {
                if !value.is_empty() {
                    value.push_str(", ");
                }
                value.push_str(line);
            }
            _ => discarded += 1,
        }
    }
    if value.is_empty() {
        return Ok(DynamicHeader { value: ours, discarded });
    }
    value.push_str(", ");
    value.push_str(&ours);
    Ok(DynamicHeader { value, discarded })
}

/// Whether a line is a list with at least one member; an error when it is no list at all.
fn parse_list_shape(line: &str) -> Result<bool, SyntaxError> {
    let mut cursor = Cursor::new(line, Leniency::Strict);
    cursor.skip_spaces();
    if cursor.at_end() {
        return Ok(false);
    }
    loop {
        if cursor.peek() == Some(b'(') {
            cursor.inner_list()?;
        } else {
            cursor.bare_item()?;
        }
        cursor.skip_parameters()?;
        cursor.skip_blanks();
        if cursor.at_end() {
            return Ok(true);
        }
        if !cursor.eat(b',') {
            return Err(SyntaxError::TrailingCharacters);
        }
        cursor.skip_blanks();
        if cursor.at_end() {
            return Err(SyntaxError::TrailingComma);
        }
    }
}
