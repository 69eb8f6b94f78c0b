//! Event reports: the body of a `POST` with media type `application/cmcd`, one record a line.

use super::Cmcd;
use super::parse::Parsed;
use super::problem::ParseError;

/// Media type of an event report (CTA-5004-B "Body definition").
pub const MEDIA_TYPE: &str = "application/cmcd";

/// The records of an event report, one after the other: an iterator that reads as it is asked.
///
/// Lines end in LF or CRLF; empty lines are skipped. A line that cannot be read at all, because it is not UTF-8 or too
/// long, costs only itself. The caller limits the size of the body.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    /// Bytes of the body before `rest`.
    offset: usize,
}

/// One line of an event report.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// Byte of the body where the line begins; positions in the tally and in errors count from here.
    pub offset: usize,
    /// The record on it.
    pub parsed: Result<Parsed<'a>, ParseError>,
}

/// Reads an event report. Tolerant, as [`Cmcd::parse`].
pub fn parse_records(body: &[u8]) -> Records<'_> {
    Records { rest: body, offset: 0 }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while !self.rest.is_empty() {
            let offset = self.offset;
            let end = memchr::memchr(b'\n', self.rest);
            let (line, rest) = end.map_or((self.rest, &[][..]), |end| (&self.rest[..end], &self.rest[end + 1..]));
            self.offset += self.rest.len() - rest.len();
            self.rest = rest;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                let text = str::from_utf8(line).map_err(|error| ParseError::NotUtf8 { position: error.valid_up_to() });
                return Some(Record { offset, parsed: text.and_then(Cmcd::parse) });
            }
        }
        None
    }
}

/// Writes an event report: every record on a line of its own.
///
/// # Errors
/// As [`Cmcd::to_text`], for the first record that cannot be written.
pub fn to_body<'c>(records: impl IntoIterator<Item = &'c Cmcd<'c>>) -> Result<String, super::EmitError> {
    let mut body = String::new();
    for record in records {
        body.push_str(&record.to_text()?);
        body.push('\n');
    }
    Ok(body)
}
