//! Common Media Server Data (CTA-5006): what servers tell players and each other in response headers.
//!
//! - `CMSD-Static` ([`Static`]): a dictionary about the object, the same for everyone who gets it.
//! - `CMSD-Dynamic` ([`Hop`]): a list with one member for every server a response came through; the last one is nearest
//!   to the player. [`append`] adds ours and leaves the others as they are, byte for byte.
//!
//! Text that is written holds printable ASCII only, so no value can end a header line.

mod dynamic;
mod object;
#[cfg(test)]
mod tests;

pub use crate::cmcd::{CustomKey, CustomValue, ObjectType, StreamType, StreamingFormat};
pub use dynamic::{DynamicHeader, Hop, append, parse_dynamic};
pub use object::Static;

use crate::SyntaxError;
use crate::cmcd::{MAX_CUSTOM_CHARACTERS, is_custom_name};
use crate::structured::{self, BareItem, Cursor};
use std::borrow::Cow;
use std::fmt::Write as _;
use thiserror::Error;

/// Name of the response header that holds a [`Static`].
pub const STATIC_HEADER: &str = "CMSD-Static";

/// Name of the response header that holds [`Hop`]s.
pub const DYNAMIC_HEADER: &str = "CMSD-Dynamic";

/// Longest header value read or kept, in bytes: what common HTTP servers allow for one header.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Most members of a header, and most parameters of a hop, that are read.
pub const MAX_MEMBERS: usize = 64;

/// Why a header value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// When the value is longer than [`MAX_HEADER_BYTES`].
    #[error("header value of {length} bytes is over the limit of {limit}", limit = MAX_HEADER_BYTES)]
    TooLong {
        /// Length of the value, bytes.
        length: usize,
    },
    /// When the value has more than [`MAX_MEMBERS`] members or parameters.
    #[error("more than {limit} members from byte {position} on", limit = MAX_MEMBERS)]
    TooManyMembers {
        /// Byte of the first member too many.
        position: usize,
    },
    /// When the value is not a structured field; by RFC 9651 such a header counts as absent.
    #[error("not a structured field at byte {position}: {syntax}")]
    NotStructured {
        /// Byte where reading stopped.
        position: usize,
        /// What is wrong there.
        syntax: SyntaxError,
    },
}

/// Why a header value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// When a string holds a character outside printable ASCII, a line end among them.
    #[error("`{key}` holds a character outside printable ASCII")]
    Unprintable {
        /// The key on the wire.
        key: String,
    },
    /// When a number is too large, or a custom token or list is none.
    #[error("`{key}` holds a value that a structured field cannot express")]
    Unwritable {
        /// The key on the wire.
        key: String,
    },
    /// When a custom key's name is not a structured field key with a hyphen in it.
    #[error("custom key `{key}` is not lower-case letters, digits and `_-.*` with a hyphen inside")]
    BadCustomKey {
        /// The key as given.
        key: String,
    },
}

fn check_length(text: &str) -> Result<(), ParseError> {
    if text.len() > MAX_HEADER_BYTES { Err(ParseError::TooLong { length: text.len() }) } else { Ok(()) }
}

/// Names the place at which `cursor` met a fault.
fn at(cursor: &Cursor<'_>) -> impl Fn(SyntaxError) -> ParseError + use<> {
    let position = cursor.position();
    move |syntax| ParseError::NotStructured { position, syntax }
}

/// A comma with blanks around it, or the end of the text: true when there is another member.
fn next_member(cursor: &mut Cursor<'_>) -> Result<bool, ParseError> {
    cursor.skip_blanks();
    if cursor.at_end() {
        return Ok(false);
    }
    if !cursor.eat(b',') {
        return Err(at(cursor)(SyntaxError::TrailingCharacters));
    }
    cursor.skip_blanks();
    if cursor.at_end() { Err(at(cursor)(SyntaxError::TrailingComma)) } else { Ok(true) }
}

/// A number of zero or more that fits; `None` for anything else, which leaves its key absent.
fn number<T: TryFrom<i64>>(item: &BareItem<'_>) -> Option<T> {
    match item {
        BareItem::Integer(value) if *value >= 0 => T::try_from(*value).ok(),
        _ => None,
    }
}

fn text(item: BareItem<'_>) -> Option<Cow<'_, str>> {
    match item {
        BareItem::Text(text) | BareItem::Token(text) => Some(text),
        _ => None,
    }
}

fn token<T>(item: &BareItem<'_>, read: fn(&str) -> Option<T>) -> Option<T> {
    match item {
        BareItem::Text(text) | BareItem::Token(text) => read(text),
        _ => None,
    }
}

/// Keeps a key of the application; the last of several of one name counts.
fn keep_custom<'a>(custom: &mut Vec<CustomKey<'a>>, name: &'a str, item: BareItem<'a>) {
    if !is_custom_name(name) || name.len() > MAX_CUSTOM_CHARACTERS {
        return;
    }
    if let Some(value) = CustomValue::from_item(item) {
        custom.retain(|entry| entry.name != name);
        custom.push(CustomKey { name: Cow::Borrowed(name), value });
    }
}

/// Writes `key` and its value behind `separator`, as dictionary member or parameter: true is the key alone.
fn write_pair(out: &mut String, separator: &str, key: &str, value: &CustomValue<'_>) -> Result<(), EmitError> {
    let owned = || key.to_owned();
    out.push_str(separator);
    out.push_str(key);
    if *value == CustomValue::Flag(true) {
        return Ok(());
    }
    out.push('=');
    let unwritable = |written: bool| if written { Ok(()) } else { Err(EmitError::Unwritable { key: owned() }) };
    match value {
        CustomValue::Flag(_) => out.push_str("?0"),
        CustomValue::Integer(value) => {
            unwritable((-structured::MAX_INTEGER..=structured::MAX_INTEGER).contains(value))?;
            // Writing into a string cannot fail.
            let _ = write!(out, "{value}");
        }
        CustomValue::Decimal(value) => unwritable(structured::write_decimal(*value, out))?,
        CustomValue::Text(value) => {
            if !structured::write_string(value, out) {
                return Err(EmitError::Unprintable { key: owned() });
            }
        }
        CustomValue::Token(value) => {
            unwritable(structured::is_token(value))?;
            out.push_str(value);
        }
        CustomValue::List(value) => {
            unwritable(structured::is_inner_list(value))?;
            out.push_str(value);
        }
    }
    Ok(())
}

fn check_custom_name(name: &str) -> Result<(), EmitError> {
    if crate::cmcd::is_writable_name(name) { Ok(()) } else { Err(EmitError::BadCustomKey { key: name.to_owned() }) }
}
