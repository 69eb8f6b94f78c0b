//! Our own trace format: CSV with a header.
//!
//! `t_s,throughput_kbps` and any of `rtt_ms,jitter_ms,loss_ratio,rsrp_dbm,rsrq_db,sinr_db,cqi,uplink_kbps,`
//! `network_mode,mcs,rbs,layers`, in any order, separated by commas, semicolons (with decimal commas) or tabs; other columns are ignored. A field that is empty or `-` means unknown; a row without a throughput is
//! left out and counted.
//! `t_s` increases and may count from any start, such as 1970. A value holds from its row until the next row; the last row marks the end, and its
//! values are not used. Lines that start with `#` are comments; the first one says where the trace comes from
//! ([`note`]), and synthetic traces say there that they are. A file of one row is a link of that constant rate, one second long.

use super::import::{Import, ParseError};
use super::table::{self, Header, Quantity, Table};
use crate::trace::{NetworkMode, Sample, Trace};

/// An optional numeric column and where it lives in a sample.
struct Column {
    quantity: Quantity,
    get: fn(&Sample) -> Option<f64>,
    set: fn(&mut Sample, f64),
}

/// The optional numeric columns in the order in which they are written.
const COLUMNS: [Column; 11] = [
    Column { quantity: table::RTT, get: |s| s.rtt_ms, set: |s, v| s.rtt_ms = Some(v) },
    Column { quantity: table::JITTER, get: |s| s.jitter_ms, set: |s, v| s.jitter_ms = Some(v) },
    Column { quantity: table::LOSS, get: |s| s.loss_ratio, set: |s, v| s.loss_ratio = Some(v) },
    Column { quantity: table::RSRP, get: |s| s.rsrp_dbm, set: |s, v| s.rsrp_dbm = Some(v) },
    Column { quantity: table::RSRQ, get: |s| s.rsrq_db, set: |s, v| s.rsrq_db = Some(v) },
    Column { quantity: table::SINR, get: |s| s.sinr_db, set: |s, v| s.sinr_db = Some(v) },
    Column { quantity: table::CQI, get: |s| s.cqi, set: |s, v| s.cqi = Some(v) },
    Column { quantity: table::UPLINK, get: |s| s.uplink_kbps, set: |s, v| s.uplink_kbps = Some(v) },
    Column { quantity: table::MCS, get: |s| s.mcs, set: |s, v| s.mcs = Some(v) },
    Column { quantity: table::RESOURCE_BLOCKS, get: |s| s.resource_blocks, set: |s, v| s.resource_blocks = Some(v) },
    Column { quantity: table::MIMO_LAYERS, get: |s| s.mimo_layers, set: |s, v| s.mimo_layers = Some(v) },
];

/// A time as a file gives it: from any start, also from 1970. The largest is in the year 2286; beyond it seconds are milliseconds.
const EPOCH_TIME: Quantity = Quantity { max: 1e10, ..table::TIME };

/// Name of the one column of text.
const NETWORK_MODE: &str = "network_mode";

/// Whether a header line is ours.
pub(super) fn recognises(header: &str) -> bool {
    Header::of_line(header).is_some_and(|header| {
        header.find(&[table::TIME.column]).is_some() && header.find(&[table::THROUGHPUT.column]).is_some()
    })
}

/// Reads our CSV: values hold from their row.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str) -> Result<Trace, ParseError> {
    import(text).map(|import| import.trace)
}

/// The same, with the number of rows that were left out.
///
/// # Errors
/// See [`ParseError`].
pub fn import(text: &str) -> Result<Import, ParseError> {
    let (mut samples, rows_left_out) = rows(text)?;
    let trace = match samples.len() {
        0 | 1 => Trace::new(samples.clone(), samples.first().map_or(0.0, |only| only.t_s) + 1.0)?,
        _ => {
            let end_s = samples.pop().map_or(0.0, |last| last.t_s);
            Trace::new(samples, end_s)?
        }
    };
    Ok(Import { trace, rows_left_out })
}

/// Reads our CSV where values describe the interval that ends at their row.
///
/// # Errors
/// See [`ParseError`].
pub fn parse_interval_ends(text: &str) -> Result<Trace, ParseError> {
    import_interval_ends(text).map(|import| import.trace)
}

/// The same, with the number of rows that were left out.
///
/// # Errors
/// See [`ParseError`].
pub fn import_interval_ends(text: &str) -> Result<Import, ParseError> {
    let (samples, rows_left_out) = rows(text)?;
    Ok(Import { trace: Trace::from_interval_ends(&samples)?, rows_left_out })
}

/// The comment at the head of a file: where the trace comes from, if it says.
pub fn note(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix('#').map(str::trim).filter(|note| !note.is_empty())
}

/// Writes a trace as [`emit`] does, below a comment that says where it comes from. Line breaks become blanks.
pub fn emit_with_note(trace: &Trace, note: &str) -> String {
    format!("# {}\n{}", note.replace(['\n', '\r'], " "), emit(trace))
}

/// Writes a trace as our CSV, only with columns that hold something, and with a last row that marks the end.
/// Numbers are written in the shortest form that reads back to the same value.
pub fn emit(trace: &Trace) -> String {
    let samples = trace.samples();
    let columns: Vec<&Column> =
        COLUMNS.iter().filter(|column| samples.iter().any(|s| (column.get)(s).is_some())).collect();
    let with_mode = samples.iter().any(|sample| sample.network_mode.is_some());

    let names = [table::TIME.column, table::THROUGHPUT.column].into_iter();
    let names =
        names.chain(columns.iter().map(|column| column.quantity.column)).chain(with_mode.then_some(NETWORK_MODE));
    let mut writer = csv::Writer::from_writer(Vec::with_capacity(samples.len() * (16 + 8 * columns.len())));
    // Writing to memory does not fail, and all rows are of one length.
    let _ = writer.write_record(names);
    let end = samples.last().map(|last| Sample { t_s: trace.duration_s(), ..*last });
    for sample in samples.iter().chain(end.as_ref()) {
        let optional = columns.iter().map(|column| (column.get)(sample).map(|value| value.to_string()));
        let mode = with_mode.then(|| sample.network_mode.map(|mode| mode.to_string()));
        let fields = [sample.t_s, sample.throughput_kbps].map(|value| Some(value.to_string())).into_iter();
        let _ = writer.write_record(fields.chain(optional).chain(mode).map(Option::unwrap_or_default));
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// All rows that hold a throughput, times from the first of them, and how many do not.
fn rows(text: &str) -> Result<(Vec<Sample>, usize), ParseError> {
    let mut table = Table::new(text)?;
    let header = table.header();
    let time = header.require(table::TIME.column)?;
    let throughput = header.require(table::THROUGHPUT.column)?;
    let mode = header.find(&[NETWORK_MODE]);
    let optional: Vec<(usize, &Column)> = COLUMNS
        .iter()
        .filter_map(|column| header.find(&[column.quantity.column]).map(|index| (index, column)))
        .collect();

    let mut samples: Vec<Sample> = Vec::new();
    let (mut start_s, mut left_out) = (None, 0);
    while let Some(row) = table.next_row()? {
        let line = row.line;
        if table::is_missing(row.field(throughput, table::THROUGHPUT.column)?) {
            left_out += 1;
            continue;
        }
        let given_s = EPOCH_TIME.read(line, row.field(time, table::TIME.column)?)?;
        let start_s = *start_s.get_or_insert(given_s);
        let mut sample = Sample {
            t_s: given_s - start_s,
            throughput_kbps: table::THROUGHPUT.read(line, row.field(throughput, table::THROUGHPUT.column)?)?,
            ..Sample::default()
        };
        if let Some(before) = samples.last().filter(|before| sample.t_s <= before.t_s) {
            return Err(ParseError::TimeNotIncreasing { line, t_s: given_s, before_s: before.t_s + start_s });
        }
        table::TIME.check(line, sample.t_s)?;
        for (index, column) in &optional {
            let text = row.get(*index).unwrap_or_default();
            if !table::is_missing(text) {
                (column.set)(&mut sample, column.quantity.read(line, text)?);
            }
        }
        if let Some(text) = mode.and_then(|index| row.get(index)).filter(|text| !text.is_empty()) {
            sample.network_mode = text.parse::<NetworkMode>().ok();
        }
        samples.push(sample);
    }
    Ok((samples, left_out))
}
