//! The curated tables of SIGCOMM24-5GinMidBands (Fiandrino/Ghoshal et al., SIGCOMM 2024), as they are published.
//!
//! | columns | where | read as |
//! |---|---|---|
//! | `Tput(Mbps) MCS RBs layers config` | Sec5 | one row a second |
//! | `Tput(Mbps) config` | Sec5 `Tput_*` | rows of about 100 ms |
//! | `Tput(Mbps) Config` | Sec4, several operators in one file | one row a second (not stated by the source) |
//! | `Config tput cqi` | Sec4 uplink, several carriers in one file | uplink, one row a second (not stated) |
//! | `time(secs) Tput(Mbps)` | Sec6 | seconds as given |
//!
//! Most files have no times: [`Options::step_s`] overrides the step. A file with several configurations needs
//! [`Options::select`]. Uplink tables fill both rates of a sample, so that they can be replayed as a link.
//! There is no RSRP, RSRQ, SINR or quality label in this data set.
//!
//! The application log of Sec6 (`App_QoE_Details`) is not a link: [`parse_playback`] reads it.

mod playback;

pub use playback::{PlaybackEvent, PlaybackKind, parse_playback, recognises_playback};

use super::import::{Options, ParseError};
use super::table::{CQI, Header, MCS, MIMO_LAYERS, RESOURCE_BLOCKS, THROUGHPUT, TIME, Table};
use crate::trace::{Sample, Trace};

/// Row interval of the tables with PHY columns, seconds.
const SECOND_ROWS_S: f64 = 1.0;
/// Row interval of the fine throughput tables of Sec5, seconds.
const FINE_ROWS_S: f64 = 0.1;

/// Names of the throughput column, and what turns it into kbit/s.
const THROUGHPUT_COLUMNS: [(&str, f64); 3] = [("Tput(Mbps)", 1e3), ("Tput(Gbps)", 1e6), ("tput", 1e3)];

/// Whether a header line has the form of this format.
pub(super) fn recognises(header: &str) -> bool {
    Header::of_line(header).is_some_and(|header| {
        header.len() > 1 && THROUGHPUT_COLUMNS.iter().any(|(name, _)| header.find(&[name]).is_some())
    })
}

/// Reads a throughput table.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str, options: &Options) -> Result<Trace, ParseError> {
    let mut table = Table::new(text)?;
    let header = table.header();
    let header_line = header.line();
    let (throughput, (column, factor)) = THROUGHPUT_COLUMNS
        .iter()
        .find_map(|known| header.find(&[known.0]).map(|index| (index, *known)))
        .ok_or(ParseError::MissingColumn { line: header_line, column: "Tput(Mbps)" })?;
    let time = header.find(&["time(secs)"]);
    let mcs = header.find(&["MCS"]);
    let resource_blocks = header.find(&["RBs"]);
    let layers = header.find(&["layers"]);
    let cqi = header.find(&["cqi"]);
    let config = header.find(&["config"]);
    // `Tput_*` of Sec5 is the one kind of table with nothing beside throughput and a lower-case `config`.
    let fine = header.len() == 2 && header.names().any(|name| name == "config");
    let step_s = options.step_s.unwrap_or(if fine { FINE_ROWS_S } else { SECOND_ROWS_S });

    let mut samples: Vec<Sample> = Vec::new();
    let mut recording: Option<String> = options.select.clone();
    while let Some(row) = table.next_row()? {
        let line = row.line;
        if let Some(index) = config {
            let here = row.field(index, "config")?;
            match &recording {
                Some(chosen) if chosen == here => {}
                Some(_) if options.select.is_some() => continue,
                Some(before) => {
                    let problem = format!("recording `{here}` follows `{before}` in one file: select one of them");
                    return Err(ParseError::Malformed { line, problem });
                }
                None => recording = Some(here.to_owned()),
            }
        }
        let t_s = match time {
            Some(index) => TIME.named("time(secs)").read(line, row.field(index, "time(secs)")?)?,
            None => samples.len() as f64 * step_s,
        };
        if let Some(before) = samples.last().filter(|before| t_s <= before.t_s) {
            return Err(ParseError::TimeNotIncreasing { line, t_s, before_s: before.t_s });
        }
        let throughput_kbps = THROUGHPUT.named(column).read_scaled(line, row.field(throughput, column)?, factor)?;
        let at = |index: Option<usize>| index.and_then(|index| row.get(index)).unwrap_or("");
        samples.push(Sample {
            t_s,
            throughput_kbps,
            // The tables with a CQI column are the uplink ones.
            uplink_kbps: cqi.map(|_| throughput_kbps),
            cqi: CQI.read_lenient(at(cqi)),
            mcs: MCS.read_lenient(at(mcs)),
            resource_blocks: RESOURCE_BLOCKS.read_lenient(at(resource_blocks)),
            mimo_layers: MIMO_LAYERS.read_lenient(at(layers)),
            ..Sample::default()
        });
    }
    if samples.is_empty()
        && let Some(select) = &options.select
    {
        return Err(ParseError::Malformed {
            line: header_line,
            problem: format!("no row of recording `{select}` follows"),
        });
    }
    let end_s = samples.last().map_or(0.0, |last| last.t_s) + step_s;
    Ok(Trace::new(samples, end_s)?)
}
