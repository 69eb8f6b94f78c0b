//! Reading a record: tolerant, counting what was wrong, or strict up to the first problem.

use super::Cmcd;
use super::custom::MAX_CUSTOM_CHARACTERS;
use super::field::cut;
use super::key::Key;
use super::problem::{ParseError, Problem};
use super::reader::{Effect, Observer, Reader};
use crate::structured::Leniency;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// A record, and what had to be coerced or left out to read it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParsedRecord<'a> {
    /// The keys that could be read.
    pub cmcd: Cmcd<'a>,
    /// How many keys were kept, coerced and dropped.
    pub summary: ParseSummary,
}

/// Counts over the members of a payload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParseSummary {
    /// Members that were read, coerced ones among them.
    pub kept: u32,
    /// Coercions: values read although they were not as the standard wants them, by the table in `docs/cmcd.md`.
    pub coerced: u32,
    /// Members and list entries left out. Whatever follows an unclosed string, or the last member allowed, counts once.
    pub dropped: u32,
    /// The first coercion or loss and the byte where it is.
    pub first: Option<(Problem, usize)>,
}

impl ParseSummary {
    /// Counts what it took to decode the text before it was read.
    pub(super) fn coerce_encoding(&mut self, flaws: u32) {
        if flaws > 0 {
            self.coerced += flaws;
            self.first.get_or_insert((Problem::BadEncoding, 0));
        }
    }
}

impl<'a> Cmcd<'a> {
    /// Reads one record, `br=3200,bs,…`: the decoded `CMCD` query argument, one header or one line of an event report.
    ///
    /// Tolerant: whatever can be read is read, and [`ParseSummary`] says what could not.
    ///
    /// # Errors
    /// When the text is longer than [`super::MAX_RECORD_BYTES`].
    pub fn parse(text: &'a str) -> Result<ParsedRecord<'a>, ParseError> {
        let mut reader = Reader::new(Leniency::Lenient, ParseSummary::default());
        reader.read(text)?;
        Ok(reader.finish())
    }

    /// Reads one record of which everything must be right but rules between keys, which [`super::validate()`] checks.
    ///
    /// # Errors
    /// On the first thing that is wrong, naming key, byte and problem.
    pub fn parse_strict(text: &'a str) -> Result<Self, ParseError> {
        let mut reader = Reader::new(Leniency::Strict, FirstProblem(None));
        reader.read(text)?;
        let (cmcd, FirstProblem(first)) = reader.into_parts();
        first.map_or(Ok(cmcd), Err)
    }

    /// Reads the record that the four request headers carry together. Tolerant, as [`Cmcd::parse`].
    ///
    /// # Errors
    /// When one of the headers is longer than [`super::MAX_RECORD_BYTES`].
    pub fn parse_headers(headers: Headers<'a>) -> Result<ParsedRecord<'a>, ParseError> {
        let mut reader = Reader::new(Leniency::Lenient, ParseSummary::default());
        for text in [headers.object, headers.request, headers.session, headers.status].into_iter().flatten() {
            reader.read(text)?;
        }
        Ok(reader.finish())
    }
}

/// The values of the four `CMCD-…` request headers, those that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    /// `CMCD-Object`.
    pub object: Option<&'a str>,
    /// `CMCD-Request`.
    pub request: Option<&'a str>,
    /// `CMCD-Session`.
    pub session: Option<&'a str>,
    /// `CMCD-Status`.
    pub status: Option<&'a str>,
}

impl Headers<'_> {
    /// Whether no header was sent.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Observer for ParseSummary {
    fn problem(&mut self, _: &str, position: usize, problem: Problem, effect: Effect) -> ControlFlow<()> {
        match effect {
            Effect::Coerced => self.coerced += 1,
            Effect::Dropped => self.dropped += 1,
        }
        self.first.get_or_insert((problem, position));
        ControlFlow::Continue(())
    }

    fn member(&mut self, _: Key, _: usize, _: bool) {
        self.kept += 1;
    }

    fn custom(&mut self, _: usize) {
        self.kept += 1;
    }
}

/// Stops at the first problem.
struct FirstProblem(Option<ParseError>);

impl Observer for FirstProblem {
    fn problem(&mut self, key: &str, position: usize, problem: Problem, _: Effect) -> ControlFlow<()> {
        let mut key = Cow::Borrowed(key);
        cut(&mut key, MAX_CUSTOM_CHARACTERS);
        self.0 = Some(ParseError::Member { key: key.into_owned(), position, problem });
        ControlFlow::Break(())
    }

    fn member(&mut self, _: Key, _: usize, _: bool) {}

    fn custom(&mut self, _: usize) {}
}

impl<'a> Reader<'a, ParseSummary> {
    pub(super) fn finish(self) -> ParsedRecord<'a> {
        let (cmcd, summary) = self.into_parts();
        ParsedRecord { cmcd, summary }
    }
}
