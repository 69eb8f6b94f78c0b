//! Our own trace format: CSV with a header.
//!
//! `t_s,throughput_kbps` and any of `rtt_ms,jitter_ms,loss_ratio,rsrp_dbm,rsrq_db,sinr_db,cqi,uplink_kbps,`
//! `network_mode,mcs,rbs,layers`, in any order; other columns are ignored. An empty field means unknown, except for the first two.
//! `t_s` increases. A value holds from its row until the next row; the last row marks the end, and its
//! values are not used. Lines that start with `#` are comments; the first one says where the trace comes from
//! ([`note`]), and synthetic traces say there that they are. A file of one row is a link of that constant rate, one second long.

use std::fmt::Write as _;

use super::ParseError;
use super::table::{self, Header, Quantity, field};
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

/// Name of the one column of text.
const NETWORK_MODE: &str = "network_mode";

/// Whether a header line is ours.
pub(super) fn recognises(header: &str) -> bool {
    let header = Header::new(1, header);
    header.find(&[table::TIME.column]).is_some() && header.find(&[table::THROUGHPUT.column]).is_some()
}

/// Reads our CSV: values hold from their row.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str) -> Result<Trace, ParseError> {
    let mut samples = rows(text)?;
    match samples.len() {
        0 | 1 => Ok(Trace::new(samples.clone(), samples.first().map_or(0.0, |only| only.t_s) + 1.0)?),
        _ => {
            let end_s = samples.pop().map_or(0.0, |last| last.t_s);
            Ok(Trace::new(samples, end_s)?)
        }
    }
}

/// Reads our CSV where values describe the interval that ends at their row.
///
/// # Errors
/// See [`ParseError`].
pub fn parse_interval_ends(text: &str) -> Result<Trace, ParseError> {
    Ok(Trace::from_interval_ends(&rows(text)?)?)
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

    let mut text = String::with_capacity(samples.len() * (16 + 8 * columns.len()));
    text.push_str("t_s,throughput_kbps");
    for column in &columns {
        text.push(',');
        text.push_str(column.quantity.column);
    }
    if with_mode {
        text.push(',');
        text.push_str(NETWORK_MODE);
    }
    text.push('\n');
    let end = samples.last().map(|last| Sample { t_s: trace.duration_s(), ..*last });
    for sample in samples.iter().chain(end.as_ref()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{},{}", sample.t_s, sample.throughput_kbps);
        for column in &columns {
            text.push(',');
            if let Some(value) = (column.get)(sample) {
                let _ = write!(text, "{value}");
            }
        }
        if with_mode {
            text.push(',');
            if let Some(mode) = sample.network_mode {
                let _ = write!(text, "{mode}");
            }
        }
        text.push('\n');
    }
    text
}

/// All rows, times as given.
fn rows(text: &str) -> Result<Vec<Sample>, ParseError> {
    let mut lines = table::lines(text);
    let Some((line, first)) = lines.next() else {
        return Err(ParseError::Unrecognised { line: 1 });
    };
    let header = Header::new(line, first);
    let time = header.require(table::TIME.column)?;
    let throughput = header.require(table::THROUGHPUT.column)?;
    let mode = header.find(&[NETWORK_MODE]);
    let optional: Vec<(usize, &Column)> = COLUMNS
        .iter()
        .filter_map(|column| header.find(&[column.quantity.column]).map(|index| (index, column)))
        .collect();

    let mut samples: Vec<Sample> = Vec::new();
    let mut fields = Vec::with_capacity(header.names().len());
    for (line, row) in lines {
        header.cut(row, &mut fields);
        let mut sample = Sample {
            t_s: table::TIME.read(line, field(line, &fields, time, table::TIME.column)?)?,
            throughput_kbps: table::THROUGHPUT
                .read(line, field(line, &fields, throughput, table::THROUGHPUT.column)?)?,
            ..Sample::default()
        };
        if let Some(before) = samples.last().filter(|before| sample.t_s <= before.t_s) {
            return Err(ParseError::TimeNotIncreasing { line, t_s: sample.t_s, before_s: before.t_s });
        }
        for (index, column) in &optional {
            let text = fields.get(*index).copied().unwrap_or_default();
            if !text.is_empty() {
                (column.set)(&mut sample, column.quantity.read(line, text)?);
            }
        }
        if let Some(text) = mode.and_then(|index| fields.get(index)).filter(|text| !text.is_empty()) {
            sample.network_mode = text.parse::<NetworkMode>().ok();
        }
        samples.push(sample);
    }
    Ok(samples)
}
