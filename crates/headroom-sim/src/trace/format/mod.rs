//! Trace files of the data sets people have: pure functions from text to [`Trace`], and back.
//!
//! Every parser checks units against what a network can do and names the line of the first problem. Data-set readers
//! leave out radio values that their loggers use for "unknown"; our own CSV, written by us, refuses them.

pub mod cooked;
pub mod csv;
pub mod gnettrack;
mod import;
pub mod lumos5g;
pub mod mahimahi;
pub mod received;
pub mod sabre;
pub mod sigcomm24;
mod table;
#[cfg(test)]
mod tests;

pub use import::{Import, MAX_TEXT_BYTES, Options, ParseError};

use std::fmt;
use std::str::FromStr;

use super::Trace;

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
    /// The table of Lumos5G v1 and its kin ([`lumos5g`]).
    Lumos5g,
    /// Logs of what arrived: HSDPA traces of Oslo, 4G traces of Ghent ([`received`]).
    Received,
    /// Mahimahi's packet delivery opportunities ([`mahimahi`]).
    Mahimahi,
}

/// Every format with its name on a command line, and names that also mean it.
const NAMES: [(Format, &str, &[&str]); 9] = [
    (Format::Csv, "csv", &["headroom"]),
    (Format::CsvIntervalEnds, "csv-interval-ends", &[]),
    (Format::Cooked, "pensieve", &["cooked", "lumos5g", "sigcomm21"]),
    (Format::GNetTrack, "gnettrack", &["g-nettrack", "ucc5g", "ucc"]),
    (Format::Sigcomm24, "sigcomm24", &[]),
    (Format::Sabre, "sabre", &[]),
    (Format::Lumos5g, "lumos5g-v1", &["5gophers"]),
    (Format::Received, "hsdpa", &["ghent", "oslo"]),
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
#[error(
    "no trace format is named `{0}`: csv, csv-interval-ends, pensieve, gnettrack, sigcomm24, sabre, lumos5g-v1, hsdpa, mahimahi"
)]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = NAMES.iter().find(|(_, name, others)| *name == text || others.contains(&text));
        known.map(|(format, ..)| *format).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
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
        Format::Csv => csv::import(text),
        Format::CsvIntervalEnds => csv::import_interval_ends(text),
        Format::Cooked => cooked::parse(text),
        Format::GNetTrack => gnettrack::parse(text),
        Format::Sigcomm24 => sigcomm24::parse(text, options).map(whole),
        Format::Sabre => sabre::parse(text).map(whole),
        Format::Lumos5g => lumos5g::parse(text, options),
        Format::Received => received::parse(text),
        Format::Mahimahi => mahimahi::parse(text, options).map(whole),
    }
}

/// Recognises the format of `text` by its first line that is not empty.
pub fn detect(text: &str) -> Option<Format> {
    type Recogniser = fn(&str) -> bool;
    let (_, first) = table::lines(text).next()?;
    let recognisers: [(Format, Recogniser); 8] = [
        (Format::Csv, csv::recognises),
        (Format::GNetTrack, gnettrack::recognises),
        (Format::Sigcomm24, sigcomm24::recognises),
        (Format::Lumos5g, lumos5g::recognises),
        (Format::Received, received::recognises),
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
