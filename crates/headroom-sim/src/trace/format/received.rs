//! Logs of what arrived, as the HSDPA traces of Oslo (Riiser et al., MMSys 2013) and the 4G traces of Ghent (van der Hooft
//! et al., IEEE Communications Letters 2016) are published: six numbers a line without a header, clock time, milliseconds of
//! the logger's own clock, latitude, longitude, bytes since the row before, milliseconds since the row before.
//!
//! Oslo's clock time is in seconds and Ghent's in milliseconds; neither is used. The rate of a row describes the interval that ends at
//! it.

use super::import::{Import, ParseError};
use super::table::{self, Quantity, THROUGHPUT};
use crate::trace::{MAX_DURATION_S, Sample, Trace};

/// A reading of the logger's own clock: phones count from their start, or from 1970.
const CLOCK_MS: Quantity = Quantity { column: "milliseconds", min: 0.0, max: 1e13 };
const BYTES: Quantity = Quantity { column: "bytes", min: 0.0, max: 1e12 };
const ELAPSED_MS: Quantity =
    Quantity { column: "milliseconds since the row before", min: 0.0, max: MAX_DURATION_S * 1e3 };

/// Whether a first line has the form of this format.
pub(super) fn recognises(first: &str) -> bool {
    let fields: Vec<_> = first.split_whitespace().map(str::parse::<f64>).collect();
    // No throughput table begins with a time since 1970, nor holds a place on earth.
    fields.len() == 6
        && fields.iter().all(Result::is_ok)
        && matches!(&fields[..], [Ok(clock), _, Ok(north), Ok(east), ..]
            if *clock > 1e9 && north.abs() <= 90.0 && east.abs() <= 180.0)
}

/// Reads a log. Rows that do not come after the row before are left out and counted, as are those that took no time.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str) -> Result<Import, ParseError> {
    let mut samples: Vec<Sample> = Vec::new();
    let (mut origin_ms, mut rows_left_out) = (None, 0);
    for (line, row) in table::lines(text) {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let [_, clock, _, _, bytes, elapsed] = fields[..] else {
            return Err(ParseError::Malformed { line, problem: format!("{} fields where six belong", fields.len()) });
        };
        let (clock, elapsed) = (CLOCK_MS.read(line, clock)?, ELAPSED_MS.read(line, elapsed)?);
        let bytes = BYTES.read(line, bytes)?;
        if elapsed == 0.0 {
            rows_left_out += 1;
            continue;
        }
        let origin_ms = *origin_ms.get_or_insert_with(|| {
            samples.push(Sample::default());
            clock - elapsed
        });
        let t_s = (clock - origin_ms) / 1e3;
        if samples.last().is_some_and(|before| t_s <= before.t_s) {
            rows_left_out += 1;
            continue;
        }
        table::TIME.check(line, t_s)?;
        let throughput_kbps = THROUGHPUT.check(line, bytes * 8.0 / elapsed)?;
        samples.push(Sample { t_s, throughput_kbps, ..Sample::default() });
    }
    Ok(Import { trace: Trace::from_interval_ends(&samples)?, rows_left_out })
}
