//! Trace files of the data sets people have: pure functions from text to [`Trace`], and back.
//!
//! Every parser checks units against what a network can do and names the line of the first problem. Data-set readers
//! leave out radio values that their loggers use for "unknown"; our own CSV, written by us, refuses them.

pub mod cooked;
pub mod csv;
pub mod gnettrack;
pub mod mahimahi;
pub mod sabre;
pub mod sigcomm24;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

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
    /// because nothing in the file tells; [`Trace::from_interval_ends`] says more.
    CsvIntervalEnds,
    /// Pensieve's cooked traces and the Lumos5G traces of SIGCOMM21-5G ([`cooked`]).
    Cooked,
    /// G-NetTrack Pro logs, among them the UCC 5G data set ([`gnettrack`]).
    GNetTrack,
    /// The throughput tables of SIGCOMM24-5GinMidBands ([`sigcomm24`]).
    Sigcomm24,
    /// Sabre's JSON ([`sabre`]).
    Sabre,
    /// Mahimahi's packet delivery opportunities ([`mahimahi`]).
    Mahimahi,
}

/// Every format with its name on a command line, and names that also mean it.
const NAMES: [(Format, &str, &[&str]); 7] = [
    (Format::Csv, "csv", &["headroom"]),
    (Format::CsvIntervalEnds, "csv-interval-ends", &[]),
    (Format::Cooked, "pensieve", &["cooked", "lumos5g", "sigcomm21"]),
    (Format::GNetTrack, "gnettrack", &["g-nettrack", "ucc5g", "ucc"]),
    (Format::Sigcomm24, "sigcomm24", &[]),
    (Format::Sabre, "sabre", &[]),
    (Format::Mahimahi, "mahimahi", &[]),
];

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(format, ..)| format == self).map_or("?", |(_, name, _)| name);
        formatter.write_str(name)
    }
}

/// When a name is none of the formats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no trace format is named `{0}`: csv, csv-interval-ends, pensieve, gnettrack, sigcomm24, sabre, mahimahi")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = NAMES.iter().find(|(_, name, others)| *name == text || others.contains(&text));
        known.map(|(format, ..)| *format).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// What a file leaves open and its reader must know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Which part of a file with several recordings: the text of its configuration column.
    pub select: Option<String>,
    /// Seconds between rows of a file without times, or the bin over which mahimahi's opportunities are counted.
    pub step_s: Option<f64>,
}

/// A trace and what was left behind on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The trace.
    pub trace: Trace,
    /// Rows not taken because they were not later than the row before them.
    pub rows_left_out: usize,
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
    import(format, text, &Options::default()).map(|import| import.trace)
}

/// Reads `text` as `format`, told what the file leaves open.
///
/// # Errors
/// See [`ParseError`]; the first problem found is reported.
pub fn import(format: Format, text: &str, options: &Options) -> Result<Import, ParseError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ParseError::TooLong);
    }
    let whole = |trace| Import { trace, rows_left_out: 0 };
    match format {
        Format::Csv => csv::parse(text).map(whole),
        Format::CsvIntervalEnds => csv::parse_interval_ends(text).map(whole),
        Format::Cooked => cooked::parse(text),
        Format::GNetTrack => gnettrack::parse(text),
        Format::Sigcomm24 => sigcomm24::parse(text, options).map(whole),
        Format::Sabre => sabre::parse(text).map(whole),
        Format::Mahimahi => mahimahi::parse(text, options).map(whole),
    }
}

/// Recognises the format of `text` by its first line that is not empty.
pub fn detect(text: &str) -> Option<Format> {
    type Recogniser = fn(&str) -> bool;
    let (_, first) = table::lines(text).next()?;
    let recognisers: [(Format, Recogniser); 6] = [
        (Format::Csv, csv::recognises),
        (Format::GNetTrack, gnettrack::recognises),
        (Format::Sigcomm24, sigcomm24::recognises),
        (Format::Sabre, sabre::recognises),
        (Format::Mahimahi, mahimahi::recognises),
        (Format::Cooked, cooked::recognises),
    ];
    recognisers.iter().find(|(_, recognises)| recognises(first)).map(|(format, _)| *format)
}

/// Recognises the format of `text` and reads it.
///
/// # Errors
/// [`ParseError::Unrecognised`], else as [`parse`].
pub fn parse_auto(text: &str) -> Result<(Format, Trace), ParseError> {
    let line = table::lines(text).next().map_or(1, |(line, _)| line);
    let format = detect(text).ok_or(ParseError::Unrecognised { line })?;
    Ok((format, parse(format, text)?))
}
