//! What the text formats share: numbered lines, headers, checked numbers.

use super::ParseError;
use crate::trace::{MAX_DURATION_S, MAX_THROUGHPUT_KBPS};

/// A quantity that a column holds, and the range in which its value can be meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantity {
    pub(super) column: &'static str,
    pub(super) min: f64,
    pub(super) max: f64,
}

/// A time on the trace's own clock, seconds.
pub(super) const TIME: Quantity = quantity("t_s", 0.0, MAX_DURATION_S);
/// Downlink throughput, kbit/s.
pub(super) const THROUGHPUT: Quantity = quantity("throughput_kbps", 0.0, MAX_THROUGHPUT_KBPS);
/// Uplink throughput, kbit/s.
pub(super) const UPLINK: Quantity = quantity("uplink_kbps", 0.0, MAX_THROUGHPUT_KBPS);
/// Round-trip time, milliseconds. One minute is beyond the longest ping time-out in use.
pub(super) const RTT: Quantity = quantity("rtt_ms", 0.0, 60_000.0);
/// Jitter, milliseconds; bounded as the round-trip time.
pub(super) const JITTER: Quantity = quantity("jitter_ms", 0.0, 60_000.0);
/// Loss, 0 to 1.
pub(super) const LOSS: Quantity = quantity("loss_ratio", 0.0, 1.0);
/// RSRP reporting range, dBm (3GPP TS 38.133, table 10.1.6.1-1).
pub(super) const RSRP: Quantity = quantity("rsrp_dbm", -156.0, -31.0);
/// RSRQ reporting range, dB (3GPP TS 38.133, table 10.1.11.1-1).
pub(super) const RSRQ: Quantity = quantity("rsrq_db", -43.0, 20.0);
/// SINR, dB: the reporting range −23 to 40 (3GPP TS 38.133, table 10.1.16.1-1), widened to the −30 that phones log.
pub(super) const SINR: Quantity = quantity("sinr_db", -30.0, 40.0);
/// CQI (3GPP TS 38.214, clause 5.2.2.1).
pub(super) const CQI: Quantity = quantity("cqi", 0.0, 15.0);
/// MCS index (3GPP TS 38.214, clause 5.1.3.1).
pub(super) const MCS: Quantity = quantity("mcs", 0.0, 31.0);
/// Resource blocks of one NR carrier (3GPP TS 38.101-1, table 5.3.2-1).
pub(super) const RESOURCE_BLOCKS: Quantity = quantity("rbs", 0.0, 273.0);
/// MIMO layers of one user (3GPP TS 38.211, clause 7.3.1.3).
pub(super) const MIMO_LAYERS: Quantity = quantity("layers", 0.0, 8.0);

const fn quantity(column: &'static str, min: f64, max: f64) -> Quantity {
    Quantity { column, min, max }
}

impl Quantity {
    /// The same range under the name that the column has in a foreign file.
    pub(super) const fn named(self, column: &'static str) -> Self {
        Self { column, ..self }
    }

    /// Reads a field as this quantity, in its own unit.
    pub(super) fn read(&self, line: usize, text: &str) -> Result<f64, ParseError> {
        self.read_scaled(line, text, 1.0)
    }

    /// Reads a field given in another unit: `factor` turns it into ours. The range is checked in our unit, the
    /// error speaks the unit of the file.
    pub(super) fn read_scaled(&self, line: usize, text: &str, factor: f64) -> Result<f64, ParseError> {
        let given = number(line, self.column, text)?;
        let value = given * factor;
        if value >= self.min && value <= self.max {
            return Ok(value);
        }
        let (min, max) = (self.min / factor, self.max / factor);
        Err(ParseError::Implausible { line, column: self.column, value: given, min, max })
    }

    /// Reads a field whose logger writes blanks, dashes or absurd values for "unknown": those are `None`.
    pub(super) fn read_lenient(&self, text: &str) -> Option<f64> {
        let value: f64 = text.trim().parse().ok()?;
        (value >= self.min && value <= self.max).then_some(value)
    }
}

/// Reads a finite number.
pub(super) fn number(line: usize, column: &'static str, text: &str) -> Result<f64, ParseError> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(ParseError::NotANumber { line, column, text: text.chars().take(40).collect() }),
    }
}

/// Lines that are neither empty nor a comment (`#`), with their number from 1, without a byte order mark.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
}

/// A header and the way its rows are cut.
#[derive(Debug, Clone)]
pub(super) struct Header<'a> {
    pub(super) line: usize,
    separator: char,
    names: Vec<&'a str>,
}

impl<'a> Header<'a> {
    /// Reads a header line; tabs win over commas where both occur.
    pub(super) fn new(line: usize, text: &'a str) -> Self {
        let separator = if text.contains('\t') { '\t' } else { ',' };
        let names = text.split(separator).map(|name| name.trim().trim_matches('"')).collect();
        Self { line, separator, names }
    }

    /// Position of the first column that bears one of these names, in any case.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        self.names.iter().position(|have| names.iter().any(|name| have.eq_ignore_ascii_case(name)))
    }

    /// The same for a column without which the file means nothing.
    pub(super) fn require(&self, name: &'static str) -> Result<usize, ParseError> {
        self.find(&[name]).ok_or(ParseError::MissingColumn { line: self.line, column: name })
    }

    /// All names, in order.
    pub(super) fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// Cuts a row into `fields`, which is cleared first (one allocation for a whole file).
    pub(super) fn cut<'row>(&self, row: &'row str, fields: &mut Vec<&'row str>) {
        fields.clear();
        fields.extend(row.split(self.separator).map(|field| field.trim().trim_matches('"')));
    }
}

/// The field at `index`, or what is missing.
pub(super) fn field<'row>(
    line: usize,
    fields: &[&'row str],
    index: usize,
    column: &'static str,
) -> Result<&'row str, ParseError> {
    fields.get(index).copied().ok_or(ParseError::ShortRow { line, column, found: fields.len(), needed: index + 1 })
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years counted from March, in cycles of 400.
/// `None` for what is no date (a 31 in a shorter month runs on into the next).
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !((1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}
