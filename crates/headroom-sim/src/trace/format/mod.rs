//! Trace files of the data sets people have: pure functions from text to [`Trace`], and back.
//!
//! Every parser checks units against what a network can do and names the line of the first problem. Data-set readers
//! leave out radio values that their loggers use for "unknown"; our own CSV, written by us, refuses them.

pub mod csv;
mod table;

use super::{BuildError, Trace};

/// Longest text read, bytes: bounds memory for hostile input. The largest public file seen is under 20 MB.
pub const MAX_TEXT_BYTES: usize = 256 << 20;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Our CSV ([`csv`]): a value holds from its row until the next.
    Csv,
    /// Our CSV read with the other meaning: a value describes the interval that ends at its row. Never detected,
    /// because nothing in the file tells; `Trace::from_interval_ends` says more.
    CsvIntervalEnds,
}

/// Why a text is not a trace.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// When the text is longer than [`MAX_TEXT_BYTES`].
    #[error("the text is longer than {MAX_TEXT_BYTES} bytes")]
    TooLong,
    /// When no format recognises the text.
    #[error("line {line}: not a trace format known here")]
    Unrecognised {
        /// First line that is not empty, or 1.
        line: usize,
    },
    /// When the header lacks a column that the format needs.
    #[error("line {line}: the header has no column `{column}`")]
    MissingColumn {
        /// Line of the header.
        line: usize,
        /// Name of the column.
        column: &'static str,
    },
    /// When a row is shorter than its header promises.
    #[error("line {line}: the row has {found} fields, the column `{column}` is number {needed}")]
    ShortRow {
        /// Line of the row.
        line: usize,
        /// Column looked for.
        column: &'static str,
        /// Fields in the row.
        found: usize,
        /// Position of the column, from 1.
        needed: usize,
    },
    /// When a field should be a number and is not.
    #[error("line {line}: `{text}` in column `{column}` is not a number")]
    NotANumber {
        /// Line of the row.
        line: usize,
        /// Column of the field.
        column: &'static str,
        /// The field, cut to 40 characters.
        text: String,
    },
    /// When a number is outside what its unit allows: most often the unit is another one.
    #[error("line {line}: {value} in column `{column}` is outside {min} to {max}: wrong unit?")]
    Implausible {
        /// Line of the row.
        line: usize,
        /// Column of the field.
        column: &'static str,
        /// The number.
        value: f64,
        /// Least plausible value.
        min: f64,
        /// Greatest plausible value.
        max: f64,
    },
    /// When a row is not later than the row before it.
    #[error("line {line}: time {t_s} s does not come after {before_s} s")]
    TimeNotIncreasing {
        /// Line of the row.
        line: usize,
        /// Its time, seconds.
        t_s: f64,
        /// Time of the row before, seconds.
        before_s: f64,
    },
    /// When a line breaks a rule of its format that no other variant names.
    #[error("line {line}: {problem}")]
    Malformed {
        /// The line.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// When every line is well formed, and together they are no trace (for example none at all).
    #[error("{0}")]
    NotATrace(#[from] BuildError),
}

/// Reads `text` as `format`.
///
/// # Errors
/// See [`ParseError`]; the first problem found is reported.
pub fn parse(format: Format, text: &str) -> Result<Trace, ParseError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ParseError::TooLong);
    }
    match format {
        Format::Csv => csv::parse(text),
        Format::CsvIntervalEnds => csv::parse_interval_ends(text),
    }
}

/// Recognises the format of `text` by its first lines.
pub fn detect(text: &str) -> Option<Format> {
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    csv::recognises(first).then_some(Format::Csv)
}

/// Recognises the format of `text` and reads it.
///
/// # Errors
/// [`ParseError::Unrecognised`], else as [`parse`].
pub fn parse_auto(text: &str) -> Result<(Format, Trace), ParseError> {
    let line = text
        .lines()
        .position(|line| !line.trim().is_empty())
        .map_or(1, |index| index + 1);
    let format = detect(text).ok_or(ParseError::Unrecognised { line })?;
    Ok((format, parse(format, text)?))
}
