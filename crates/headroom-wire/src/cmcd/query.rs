//! The `CMCD` argument of a request's query string.

use super::parse::ParsedRecord;
use super::problem::ParseError;
use super::{Cmcd, MAX_RECORD_BYTES};
use crate::percent;

/// Room for a decoded query argument, to be kept from one request to the next so that parsing allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    decoded: Vec<u8>,
    repaired: String,
}

/// Reads the record in a query string, with or without a leading `?`; `None` when there is no `CMCD` argument.
///
/// The first `CMCD` argument counts. Its value may be percent-encoded or, as some senders leave it, plain. `+` is a
/// space. Broken percent sequences stay as they are and bytes that are not UTF-8 become U+FFFD; both count as one
/// coercion each. Positions in the [`super::ParseSummary`] are bytes of the decoded value. Tolerant, as [`Cmcd::parse`].
///
/// # Errors
/// When the argument is longer than three times [`MAX_RECORD_BYTES`] encoded or [`MAX_RECORD_BYTES`] decoded.
pub fn parse_query<'a>(query: &'a str, scratch: &'a mut Scratch) -> Result<Option<ParsedRecord<'a>>, ParseError> {
    let Some(QueryText { text, flaws }) = decode_query(query, scratch)? else { return Ok(None) };
    let mut parsed = Cmcd::parse(text)?;
    parsed.summary.coerce_encoding(flaws);
    Ok(Some(parsed))
}

/// The text of a query argument.
pub(super) struct QueryText<'a> {
    pub(super) text: &'a str,
    /// Coercions that decoding took.
    pub(super) flaws: u32,
}

/// Decodes the `CMCD` argument of `query`.
pub(super) fn decode_query<'a>(query: &str, scratch: &'a mut Scratch) -> Result<Option<QueryText<'a>>, ParseError> {
    let Some(encoded) = percent::query_value(query, "CMCD") else { return Ok(None) };
    // Every decoded byte takes at most three encoded ones.
    let limit = 3 * MAX_RECORD_BYTES;
    if encoded.len() > limit {
        return Err(ParseError::TooLong { length: encoded.len(), limit });
    }
    let broken = percent::decode(encoded, true, &mut scratch.decoded);
    let flaws = u32::from(broken > 0);
    Ok(Some(match str::from_utf8(&scratch.decoded) {
        Ok(text) => QueryText { text, flaws },
        Err(_) => {
            scratch.repaired.clear();
            scratch.repaired.push_str(&String::from_utf8_lossy(&scratch.decoded));
            QueryText { text: &scratch.repaired, flaws: flaws + 1 }
        }
    }))
}
