//! Mahimahi's link traces (Netravali et al., USENIX ATC 2015): one integer a line, the millisecond at which the link
//! can deliver one packet of 1500 bytes. A number may repeat. The file repeats with the period of its last number.

use std::fmt::Write as _;

use super::import::{Options, ParseError};
use super::table;
use crate::trace::{AtEnd, Sample, Trace};

/// Bits of one delivery opportunity: a packet of 1500 bytes.
const BITS_PER_OPPORTUNITY: f64 = 1500.0 * 8.0;

/// Bin over which opportunities become a rate, seconds, unless told: the coarsest that still shows 5G's fast fading
/// in the 100 ms recordings of SIGCOMM24-5GinMidBands.
const DEFAULT_BIN_S: f64 = 0.1;

/// Most lines written: 20 M opportunities are 1 Gbit/s for four minutes and about 140 MB of text.
const MAX_OPPORTUNITIES: f64 = 20e6;

/// Why a trace cannot be written in this format.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// When the trace would need more lines than any reader of the format takes.
    #[error("the trace needs {needed} delivery opportunities, more than {MAX_OPPORTUNITIES}: cut or scale it")]
    TooManyOpportunities {
        /// Lines needed.
        needed: f64,
    },
    /// When the trace carries less than one packet: the format has no way to say so.
    #[error("the trace carries less than one packet of 1500 bytes")]
    NothingCarried,
}

/// Whether a first line has the form of this format.
pub(super) fn recognises(first: &str) -> bool {
    first.trim().parse::<u64>().is_ok()
}

/// Reads opportunities and counts them in bins of `options.step_s` (100 ms by default; at least 1 ms).
///
/// # Errors
/// See [`ParseError`]. Numbers that decrease are refused.
pub fn parse(text: &str, options: &Options) -> Result<Trace, ParseError> {
    let bin_ms = (options.step_s.unwrap_or(DEFAULT_BIN_S) * 1000.0).round().clamp(1.0, 3_600_000.0) as u64;
    let max_ms = (table::TIME.max * 1000.0) as u64;
    let mut counts: Vec<u32> = Vec::new();
    let mut last_ms = 0;
    for (line, row) in table::lines(text) {
        let at_ms: u64 = row.trim().parse().map_err(|_| ParseError::Malformed {
            line,
            problem: format!("`{}` is not a whole number of milliseconds", row.chars().take(40).collect::<String>()),
        })?;
        if at_ms < last_ms {
            let (t_s, before_s) = (at_ms as f64 / 1000.0, last_ms as f64 / 1000.0);
            return Err(ParseError::TimeNotIncreasing { line, t_s, before_s });
        }
        if at_ms > max_ms {
            let (value, max) = (at_ms as f64, max_ms as f64);
            return Err(ParseError::Implausible { line, column: "milliseconds", value, min: 0.0, max });
        }
        last_ms = at_ms;
        // An opportunity ends the millisecond it names; 0 is the end of the period before.
        let bin = (at_ms.max(1) - 1) / bin_ms;
        let bin = usize::try_from(bin).unwrap_or(usize::MAX);
        if bin >= crate::trace::MAX_SAMPLES {
            return Err(ParseError::NotATrace(crate::trace::BuildError::TooManySamples));
        }
        if counts.len() <= bin {
            counts.resize(bin + 1, 0);
        }
        counts[bin] = counts[bin].saturating_add(1);
    }
    let samples = counts.iter().enumerate().map(|(index, &count)| {
        let (from_ms, to_ms) = (index as u64 * bin_ms, ((index as u64 + 1) * bin_ms).min(last_ms.max(1)));
        Sample {
            t_s: from_ms as f64 / 1000.0,
            throughput_kbps: f64::from(count) * BITS_PER_OPPORTUNITY / (to_ms - from_ms) as f64,
            ..Sample::default()
        }
    });
    Ok(Trace::new(samples.collect(), last_ms.max(1) as f64 / 1000.0)?)
}

/// Writes the downlink of a trace as opportunities.
///
/// The running total is kept to within one packet at every millisecond. Because the last number is the period of the
/// file, one opportunity is always written at the end: the whole is at most one packet longer than the trace.
///
/// # Errors
/// See [`EmitError`].
pub fn emit(trace: &Trace) -> Result<String, EmitError> {
    let needed = (trace.total_bits() / BITS_PER_OPPORTUNITY).ceil();
    if needed > MAX_OPPORTUNITIES {
        return Err(EmitError::TooManyOpportunities { needed });
    }
    if trace.total_bits() < BITS_PER_OPPORTUNITY {
        return Err(EmitError::NothingCarried);
    }
    let end_ms = ((trace.duration_s() * 1000.0).round() as u64).max(1);
    let mut text = String::with_capacity(needed as usize * 7);
    let mut cursor = trace.cursor(AtEnd::Stop);
    let mut written = 0_u64;
    for at_ms in 1..=end_ms {
        // A hair of tolerance, so that a total which is a whole number of packets but for rounding counts as one.
        let due = (cursor.bits_until(at_ms as f64 / 1000.0) / BITS_PER_OPPORTUNITY + 1e-6).floor() as u64;
        for _ in written..due {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{at_ms}");
        }
        if at_ms == end_ms && due <= written {
            let _ = writeln!(text, "{at_ms}");
        }
        written = written.max(due);
    }
    Ok(text)
}
