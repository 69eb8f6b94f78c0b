//! The `CMCD` argument of a request's query string.

use super::parse::ParsedRecord;
use super::problem::ParseError;
use super::{Cmcd, MAX_RECORD_BYTES};
use crate::percent;
use std::borrow::Cow;

/// Room for a decoded query argument, to be kept from one request to the next so that parsing allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    decoded: Vec<u8>,
    repaired: String,
}

/// How often a value is decoded again that is still encoded: a proxy and a player may both encode what they pass on.
const MAX_REPEATS: u32 = 2;

/// Reads the record in a query string, with or without a leading `?`; `None` when there is no `CMCD` argument.
///
/// Several `CMCD` arguments are one list; of a key that stands in several, the first argument's counts. The value may be
/// percent-encoded or, as some senders leave it, plain; one that is encoded once or twice too often is decoded again. `+` is
/// a space. Broken percent sequences stay as they are and bytes that are not UTF-8 become U+FFFD. Each of these counts as one
/// coercion. Positions in the [`super::ParseSummary`] are bytes of the decoded value. Tolerant, as [`Cmcd::parse`].
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

/// Decodes the `CMCD` arguments of `query`.
pub(super) fn decode_query<'a>(query: &str, scratch: &'a mut Scratch) -> Result<Option<QueryText<'a>>, ParseError> {
    let mut values = percent::query_values(query, "CMCD");
    let Some(first) = values.next() else { return Ok(None) };
    // Of a key that stands twice, the last counts: so the first argument comes last.
    let rest = values.filter(|value| !value.is_empty()).fold(String::new(), |rest, value| format!("{value},{rest}"));
    let joined = if rest.is_empty() { Cow::Borrowed(first) } else { Cow::Owned(format!("{rest}{first}")) };
    let encoded = joined.strip_suffix(',').unwrap_or(&joined);
    // Every decoded byte takes at most three encoded ones.
    let limit = 3 * MAX_RECORD_BYTES;
    if encoded.len() > limit {
        return Err(ParseError::TooLong { length: encoded.len(), limit });
    }
    let broken = percent::decode(encoded, true, &mut scratch.decoded);
    let mut flaws = u32::from(broken > 0) + u32::from(!rest.is_empty());
    for _ in 0..MAX_REPEATS {
        if !is_still_encoded(&scratch.decoded) {
            break;
        }
        let text = String::from_utf8_lossy(&scratch.decoded).into_owned();
        percent::decode(&text, false, &mut scratch.decoded);
        flaws += 1;
    }
    Ok(Some(match str::from_utf8(&scratch.decoded) {
        Ok(text) => QueryText { text, flaws },
        Err(_) => {
            scratch.repaired.clear();
            scratch.repaired.push_str(&String::from_utf8_lossy(&scratch.decoded));
            QueryText { text: &scratch.repaired, flaws: flaws + 1 }
        }
    }))
}

/// Whether a record is percent-encoded where the standard wants it plain: its separators or quotes are there in that form only.
fn is_still_encoded(record: &[u8]) -> bool {
    if !record.contains(&b'%') {
        return false;
    }
    let has = |byte: u8| record.contains(&byte);
    let has_encoded = |byte: &str| record.windows(byte.len()).any(|some| some.eq_ignore_ascii_case(byte.as_bytes()));
    let separators = ["%3D", "%2C", "%253D", "%252C"].into_iter().any(has_encoded);
    let quotes = ["%22", "%2522"].into_iter().any(has_encoded);
    (!has(b'=') && !has(b',') && separators) || (!has(b'"') && quotes)
}

/// A header's value in plain, when a sender has percent-encoded it, as only the query argument is to be.
pub fn decode_header(value: &str) -> Option<String> {
    let mut decoded = None;
    for _ in 0..MAX_REPEATS {
        let text = decoded.as_deref().unwrap_or(value);
        if !is_still_encoded(text.as_bytes()) {
            break;
        }
        let mut bytes = Vec::new();
        percent::decode(text, false, &mut bytes);
        decoded = Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (String, u32) {
        let mut scratch = Scratch::default();
        let found = decode_query(query, &mut scratch).unwrap().unwrap();
        (found.text.to_owned(), found.flaws)
    }

    #[test]
    fn arguments_encoded_too_often_or_split_are_one_list() {
        let plain = "bl=9000,sid=\"a b\"";
        for (query, flaws) in [
            ("CMCD=bl%3D9000%2Csid%3D%22a%20b%22", 0),
            ("CMCD=bl=9000,sid=\"a b\"", 0),
            ("CMCD=bl=9000,sid=%22a+b%22", 0),
            ("CMCD=bl%253D9000%252Csid%253D%2522a%2520b%2522", 1),
            ("CMCD=bl%25253D9000%25252Csid%25253D%252522a%252520b%252522", 2),
            ("CMCD=bl=9000,sid=%2522a%2520b%2522", 1),
            ("CMCD=sid%3D%22a%20b%22&x=1&CMCD=bl%3D9000", 1),
            ("CMCD=&CMCD=bl%3D9000%2Csid%3D%22a%20b%22", 1),
            ("CMCD=bl%3D9000%2Csid%3D%22a%20b%22&CMCD=", 0),
        ] {
            assert_eq!(read(query), (plain.to_owned(), flaws), "{query}");
        }
        // A value that holds escapes is not an encoded record.
        for query in ["CMCD=nor%3D%22..%252F300.m4s%22", "CMCD=bs", "CMCD=com.x-a%3D%22%253D%22"] {
            assert_eq!(read(query).1, 0, "{query}");
        }
        assert_eq!(decode_header("bl%3D9000%2Cmtp%3D7000").as_deref(), Some("bl=9000,mtp=7000"));
        assert_eq!(decode_header("sid=%22a%22").as_deref(), Some("sid=\"a\""));
        assert_eq!(decode_header("bl=9000"), None);
    }
}
