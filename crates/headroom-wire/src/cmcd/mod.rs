//! Common Media Client Data: what players say about themselves with every request or event.
//!
//! CTA-5004 (version 1) and CTA-5004-B (version 2), in every form they travel in:
//!
//! | form | read | write |
//! |---|---|---|
//! | query argument | [`parse_query`] | [`Cmcd::to_query`] |
//! | four request headers | [`Cmcd::parse_headers`] | [`Cmcd::to_headers`] |
//! | event report, one record a line | [`parse_records`] | [`to_body`] |
//! | JSON | [`parse_json`] | [`Cmcd::to_json`] |
//! | one record as text | [`Cmcd::parse`], [`Cmcd::parse_strict`] | [`Cmcd::to_text`] |
//!
//! [`Vitals`] are the third of a record that says how a session is doing, read several times as fast.
//! [`validate()`] lists everything that is wrong with a record, down to advice.
//!
//! Reading is tolerant: good keys are kept, and a [`ParseSummary`] counts what was coerced or left out. Work is linear in the
//! input and bounded by the limits below; no input panics. All keys are rows of one table, in `key.rs`.

mod batch;
mod custom;
mod emit;
mod fast_path;
mod field;
mod json;
mod key;
mod key_spec;
mod list;
mod parse;
mod problem;
mod query;
mod reader;
mod token;
mod validate;
mod vitals;
mod writer;

pub use batch::{MEDIA_TYPE, Record, Records, parse_records, to_body};
pub(crate) use custom::is_writable_name;
pub use custom::{CustomKey, CustomValue, MAX_CUSTOM_CHARACTERS, is_custom_name};
pub use json::parse_json;
pub use key::{Cmcd, Key};
pub use key_spec::{Header, KeySpec, Scope, Unit, ValueType, VersionRange};
pub use list::{ByObjectType, NextObject, NextObjects, ShortList, TextList};
pub use parse::{Headers, ParseSummary, ParsedRecord};
pub use problem::{EmitError, ParseError, Problem, Severity};
pub use query::{Scratch, decode_header, parse_query};
pub use token::{EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version};
pub use validate::{Finding, MAX_FINDINGS, Mode, validate, validate_headers};
pub use vitals::{ParsedVitals, Vitals};

/// Longest record, in bytes: above what HTTP servers allow for a request line or header (8 to 32 KiB by default).
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// Most members of a record: the 51 keys of the standard, and as many again of the application's own.
pub const MAX_MEMBERS: usize = 128;

/// Most entries of a list. There are nine object types; the list of stall durations may be longer.
pub const MAX_LIST_ITEMS: usize = 32;

/// Longest JSON body, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Most records of a JSON body.
pub const MAX_RECORDS: usize = 10_000;

#[cfg(test)]
mod tests;
