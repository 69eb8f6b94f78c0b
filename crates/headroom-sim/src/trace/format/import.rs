//! What a reader is told, what it gives, and why it refuses.

use crate::trace::{BuildError, Trace};

/// Longest text read, bytes: bounds memory for hostile input. The largest public file seen is under 20 MB.
pub const MAX_TEXT_BYTES: usize = 256 << 20;

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
