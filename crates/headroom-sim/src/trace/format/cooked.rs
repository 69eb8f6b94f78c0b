//! Two numbers a line, seconds and Mbit/s, no header: Pensieve's "cooked" traces (Mao et al., SIGCOMM 2017) and the
//! Lumos5G traces as SIGCOMM21-5G publishes them.
//!
//! The value of a row describes the interval that ends at the row: Pensieve's environment starts at the second row and
//! sends at its rate until its time. The value of the first row is therefore not used.

use super::import::{Import, ParseError};
use super::table::{self, THROUGHPUT, TIME};
use crate::trace::{Sample, Trace};

/// kbit/s in a Mbit/s.
const KBPS_PER_MBPS: f64 = 1000.0;

/// Whether a first line has the form of this format.
pub(super) fn recognises(first: &str) -> bool {
    let mut fields = first.split_whitespace().map(|field| field.parse::<f64>().is_ok());
    matches!((fields.next(), fields.next(), fields.next()), (Some(true), Some(true), None))
}

/// Reads a trace. Rows whose time does not increase are left out and counted: both data sets have a few.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str) -> Result<Import, ParseError> {
    let mut rows: Vec<Sample> = Vec::new();
    let mut rows_left_out = 0;
    for (line, row) in table::lines(text) {
        let mut fields = row.split_whitespace();
        let mut field = |index: usize, column: &'static str| {
            fields.next().ok_or(ParseError::ShortRow { line, column, found: index, needed: index + 1 })
        };
        let (seconds, mbps) = (field(0, "seconds")?, field(1, "Mbit/s")?);
        if fields.next().is_some() {
            return Err(ParseError::Malformed { line, problem: "more than two fields".into() });
        }
        let t_s = TIME.named("seconds").read(line, seconds)?;
        let throughput_kbps = THROUGHPUT.named("Mbit/s").read_scaled(line, mbps, KBPS_PER_MBPS)?;
        if rows.last().is_some_and(|before| t_s <= before.t_s) {
            rows_left_out += 1;
            continue;
        }
        rows.push(Sample { t_s, throughput_kbps, ..Sample::default() });
    }
    Ok(Import { trace: Trace::from_interval_ends(&rows)?, rows_left_out })
}
