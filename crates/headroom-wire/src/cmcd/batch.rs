//! Event reports: the body of a `POST` with media type `application/cmcd`, one record a line.

use super::Cmcd;
use super::parse::ParsedRecord;
use super::problem::ParseError;

/// Media type of an event report (CTA-5004-B "Body definition").
pub const MEDIA_TYPE: &str = "application/cmcd";

/// An iterator over the records of an event report; each is read when it is asked for.
///
/// RecordLines end in LF or CRLF; empty lines are skipped. A line that cannot be read at all, because it is not UTF-8 or too
/// long, costs only itself. The caller limits the size of the body.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    lines: RecordLines<'a>,
}

/// One line of an event report.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// Byte of the body where the line begins; positions in the summary and in errors count from here.
    pub offset: usize,
    /// The record on it.
    pub parsed: Result<ParsedRecord<'a>, ParseError>,
}

/// Reads an event report. Tolerant, as [`Cmcd::parse`].
pub fn parse_records(body: &[u8]) -> Records<'_> {
    Records { lines: RecordLines::of(body) }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let line = self.lines.next()?;
        Some(Record { offset: line.offset, parsed: line.text().and_then(Cmcd::parse) })
    }
}

/// The lines of a body that are not empty.
#[derive(Debug, Clone)]
pub(super) struct RecordLines<'a> {
    rest: &'a [u8],
    /// Bytes of the body before `rest`.
    offset: usize,
    /// The body, where all of it is text: then so is every line, and none is looked at again.
    text: Option<&'a str>,
}

/// One line of a body.
pub(super) struct RecordLine<'a> {
    offset: usize,
    bytes: &'a [u8],
    text: Option<&'a str>,
}

impl<'a> RecordLines<'a> {
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { rest: body, offset: 0, text: str::from_utf8(body).ok() }
    }
}

impl<'a> RecordLine<'a> {
    pub(super) fn text(&self) -> Result<&'a str, ParseError> {
        let looked_at = || str::from_utf8(self.bytes);
        self.text.map_or_else(looked_at, Ok).map_err(|error| ParseError::NotUtf8 { position: error.valid_up_to() })
    }
}

impl<'a> Iterator for RecordLines<'a> {
    type Item = RecordLine<'a>;

    fn next(&mut self) -> Option<RecordLine<'a>> {
        while !self.rest.is_empty() {
            let offset = self.offset;
            let end = memchr::memchr(b'\n', self.rest);
            let (line, rest) = end.map_or((self.rest, &[][..]), |end| (&self.rest[..end], &self.rest[end + 1..]));
            self.offset += self.rest.len() - rest.len();
            self.rest = rest;
            let bytes = line.strip_suffix(b"\r").unwrap_or(line);
            if !bytes.is_empty() {
                let text = self.text.and_then(|text| text.get(offset..offset + bytes.len()));
                return Some(RecordLine { offset, bytes, text });
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
