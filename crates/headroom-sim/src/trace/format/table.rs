//! What the text formats share: numbered lines, tables with a header, checked numbers.

use super::import::ParseError;
use crate::trace::{MAX_DURATION_S, MAX_THROUGHPUT_KBPS};
use csv::StringRecord;

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
        self.check_scaled(line, given, factor)
    }

    /// Checks the range of a value in its own unit.
    pub(super) fn check(&self, line: usize, value: f64) -> Result<f64, ParseError> {
        self.check_scaled(line, value, 1.0)
    }

    fn check_scaled(&self, line: usize, given: f64, factor: f64) -> Result<f64, ParseError> {
        let value = given * factor;
        if value >= self.min && value <= self.max {
            return Ok(value);
        }
        let (min, max) = (self.min / factor, self.max / factor);
        Err(ParseError::Implausible { line, column: self.column, value: given, min, max })
    }

    /// Reads a field whose logger writes blanks, dashes or absurd values for "unknown": those are `None`.
    pub(super) fn read_lenient(&self, text: &str) -> Option<f64> {
        let value = decimal(text)?;
        (value >= self.min && value <= self.max).then_some(value)
    }
}

/// Whether a logger wrote that it does not know.
pub(super) fn is_missing(text: &str) -> bool {
    let text = text.trim();
    ["", "-", "--", "?", "na", "n/a", "null", "none"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A number with a point, or with a comma where the language of the logger writes one.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) if text.matches(',').count() == 1 && !text.contains('.') => text.replace(',', ".").parse().ok(),
        Err(_) => None,
    }
}

/// Reads a finite number.
pub(super) fn number(line: usize, column: &'static str, text: &str) -> Result<f64, ParseError> {
    match decimal(text) {
        Some(value) if value.is_finite() => Ok(value),
        _ => Err(ParseError::NotANumber { line, column, text: text.chars().take(40).collect() }),
    }
}

/// Lines that are neither empty nor a comment (`#`), with their number from 1, without a byte order mark.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
}

/// The names of the columns of a table.
#[derive(Debug, Clone)]
pub(super) struct Header {
    line: usize,
    names: StringRecord,
}

impl Header {
    /// Reads a header line alone, to recognise a format.
    pub(super) fn of_line(text: &str) -> Option<Self> {
        Table::new(text).ok().map(|table| table.header)
    }

    /// Position of the first column that bears one of these names, in any case.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        self.names().position(|have| names.iter().any(|name| have.eq_ignore_ascii_case(name)))
    }

    /// The same for a column without which the file means nothing.
    pub(super) fn require(&self, name: &'static str) -> Result<usize, ParseError> {
        self.find(&[name]).ok_or(ParseError::MissingColumn { line: self.line, column: name })
    }

    /// All names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(unquoted)
    }

    /// How many columns there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Line of the header, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }
}

/// A text with a header and rows, separated by commas, semicolons or tabs; quoted fields may hold separators (RFC 4180).
pub(super) struct Table<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    header: Header,
    record: StringRecord,
}

impl<'a> Table<'a> {
    /// Reads the header. Tabs win over semicolons, and those over commas, where several occur.
    pub(super) fn new(text: &'a str) -> Result<Self, ParseError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (_, first) = lines(text).next().ok_or(ParseError::Unrecognised { line: 1 })?;
        let reader = csv::ReaderBuilder::new()
            .delimiter([b'\t', b';'].into_iter().find(|&mark| first.contains(char::from(mark))).unwrap_or(b','))
            .comment(Some(b'#'))
            .flexible(true)
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = Header { line: 1, names: StringRecord::new() };
        let mut table = Self { text, reader, header, record: StringRecord::new() };
        let Some(row) = table.next_row()? else {
            return Err(ParseError::Unrecognised { line: 1 });
        };
        let line = row.line;
        table.header = Header { line, names: table.record.clone() };
        Ok(table)
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The next row that is not blank.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ParseError> {
        loop {
            let more = self.reader.read_record(&mut self.record).map_err(|error| malformed(&error))?;
            if !more {
                return Ok(None);
            }
            if self.record.len() > 1 || self.record.iter().any(|field| !field.is_empty()) {
                return Ok(Some(Row { line: self.line(), fields: &self.record }));
            }
        }
    }
}

impl Table<'_> {
    /// Line of the record. Its position is that of the blank and comment lines before it.
    fn line(&self) -> usize {
        let Some(position) = self.record.position() else { return 0 };
        let index = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        let rest = self.text.get(index(position.byte())..).unwrap_or_default();
        let skipped = lines(rest).next().map_or(0, |(line, _)| line - 1);
        index(position.line()) + skipped
    }
}

fn malformed(error: &csv::Error) -> ParseError {
    let line = error.position().map_or(0, csv::Position::line);
    ParseError::Malformed { line: usize::try_from(line).unwrap_or(usize::MAX), problem: error.to_string() }
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Line of the row, from 1.
    pub(super) line: usize,
    fields: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// The field at `index`, or which column is missing.
    pub(super) fn field(&self, index: usize, column: &'static str) -> Result<&'a str, ParseError> {
        let (line, found) = (self.line, self.fields.len());
        self.get(index).ok_or(ParseError::ShortRow { line, column, found, needed: index + 1 })
    }

    /// The field at `index`, if the row is that long.
    pub(super) fn get(&self, index: usize) -> Option<&'a str> {
        self.fields.get(index).map(unquoted)
    }
}

/// A field without the quotes that a logger wrote after a blank, where they do not count as CSV quotes.
fn unquoted(field: &str) -> &str {
    field.trim_matches('"')
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
