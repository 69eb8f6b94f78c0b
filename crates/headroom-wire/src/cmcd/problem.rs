//! What can be wrong with a payload, and the errors that say where.

use crate::structured::SyntaxError;
use std::fmt;
use thiserror::Error;

/// One way in which a payload departs from CTA-5004.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not a structured field at this place.
    Syntax(SyntaxError),
    /// The key is neither reserved nor does it carry a hyphen.
    UnknownKey,
    /// The key occurs again later; the last one counts.
    Duplicate,
    /// The value has a type the key does not take.
    WrongType,
    /// An integer is wanted and a decimal was sent.
    NotInteger,
    /// A negative number where only zero and above have a meaning.
    Negative,
    /// The number is beyond what any player could mean.
    OutOfRange,
    /// The token is not in the standard's list for this key.
    UnknownToken,
    /// The string is longer than the standard allows for this key.
    TooLong,
    /// A list without entries.
    EmptyList,
    /// A list with more entries than [`super::MAX_LIST_ITEMS`].
    TooManyItems,
    /// A record with more members than [`super::MAX_MEMBERS`].
    TooManyMembers,
    /// A parameter the standard does not define here, or a second object type on one entry.
    UnexpectedParameter,
    /// Percent-encoding that does not decode, or decodes to bytes that are not UTF-8.
    BadEncoding,
    /// The number is not a multiple of the key's rounding step.
    NotRounded,
    /// Version 1 sends this key as a plain value, not as a list.
    ListInVersion1,
    /// Version 2 sends this key as a list, even of one entry.
    ScalarInVersion2,
    /// The key does not exist in the record's version.
    NotInVersion,
    /// The key belongs into another `CMCD-…` header.
    WrongHeader,
    /// The key is only for event reports.
    OnlyInEvents,
    /// The key is only for `response received` events.
    OnlyInResponses,
    /// The event name is only for custom events.
    OnlyInCustomEvents,
    /// A key the standard requires here is missing.
    Missing,
    /// A version 1 record should leave `v` out.
    NeedlessVersion,
    /// False is to be expressed by leaving the key out.
    NeedlessFalse,
    /// A playback rate of 1 is to be expressed by leaving the key out.
    NeedlessPlaybackRate,
}

impl Problem {
    /// Whether a sender that does this breaks the standard, or only advice in it.
    pub const fn severity(self) -> Severity {
        match self {
            Self::NotRounded
            | Self::NeedlessVersion
            | Self::NeedlessFalse
            | Self::NeedlessPlaybackRate
            | Self::UnexpectedParameter => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Syntax(syntax) => return syntax.fmt(f),
            Self::UnknownKey => "unknown key",
            Self::Duplicate => "key occurs more than once",
            Self::WrongType => "value has the wrong type",
            Self::NotInteger => "an integer is wanted",
            Self::Negative => "negative number",
            Self::OutOfRange => "number out of range",
            Self::UnknownToken => "token is not in the list for this key",
            Self::TooLong => "string is too long",
            Self::EmptyList => "list is empty",
            Self::TooManyItems => "list has too many entries",
            Self::TooManyMembers => "record has too many keys",
            Self::UnexpectedParameter => "unexpected parameter",
            Self::BadEncoding => "bad percent-encoding or UTF-8",
            Self::NotRounded => "number is not rounded as the key wants",
            Self::ListInVersion1 => "version 1 sends a plain value here, not a list",
            Self::ScalarInVersion2 => "version 2 sends a list here",
            Self::NotInVersion => "key does not exist in this version",
            Self::WrongHeader => "key belongs into another header",
            Self::OnlyInEvents => "key is only for event reports",
            Self::OnlyInResponses => "key is only for response received events",
            Self::OnlyInCustomEvents => "key is only for custom events",
            Self::Missing => "required key is missing",
            Self::NeedlessVersion => "version 1 should leave this key out",
            Self::NeedlessFalse => "false is expressed by leaving the key out",
            Self::NeedlessPlaybackRate => "a playback rate of 1 is expressed by leaving the key out",
        };
        f.write_str(text)
    }
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Against advice ("should").
    Warning,
    /// Against a rule ("must").
    Error,
}

/// Why a payload was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// When a record is longer than [`super::MAX_RECORD_BYTES`], or a JSON body than [`super::MAX_BODY_BYTES`].
    #[error("payload of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// Length of the payload, bytes.
        length: usize,
        /// Longest payload read, bytes.
        limit: usize,
    },
    /// When a JSON body holds more records than [`super::MAX_RECORDS`].
    #[error("body holds more than {limit} records")]
    TooManyRecords {
        /// Most records read.
        limit: usize,
    },
    /// When bytes are not UTF-8 where text is wanted.
    #[error("not UTF-8 from byte {position} on")]
    NotUtf8 {
        /// First byte that is not UTF-8.
        position: usize,
    },
    /// When a JSON body is not JSON, or not an object or list of objects.
    #[error("not a JSON record: {message} at line {line} column {column}")]
    NotJson {
        /// What the JSON parser found.
        message: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// When strict parsing meets the first thing that is wrong.
    #[error("key `{key}` at byte {position}: {problem}")]
    Member {
        /// The key as it was sent, cut to 64 bytes; empty when no key could be read.
        key: String,
        /// Byte in the payload.
        position: usize,
        /// What is wrong there.
        problem: Problem,
    },
}

/// Why a record cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// When a string holds a character outside printable ASCII, which structured fields cannot carry.
    #[error("key `{key}` holds a character outside printable ASCII")]
    Unprintable {
        /// The key on the wire.
        key: String,
    },
    /// When a number does not fit a structured field (15 digits; 12 and 3 for decimals) or is not finite, a custom token
    /// is no token, or a custom list is to become JSON.
    #[error("key `{key}` holds a value that this notation cannot express")]
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
