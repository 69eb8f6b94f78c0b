//! The table of Lumos5G v1 (Narayanan et al., IMC 2020): one row a second, many walks and drives in one file, throughput in
//! Mbit/s with the signals of LTE and NR beside it.
//!
//! `run_num` tells the recordings apart and selects one; `seq_num` counts the seconds of each. Tables of its kin have a column of
//! the same meaning under another name, such as `timestamp` (seconds or, from 1970, milliseconds); those are read too.

use super::import::{Import, Options, ParseError};
use super::table::{self, Header, Quantity, RSRP, RSRQ, SINR, THROUGHPUT, Table};
use crate::trace::{Sample, Trace};

/// kbit/s in a Mbit/s.
const KBPS_PER_MBPS: f64 = 1_000.0;

/// Seconds that the last row holds: the interval of the logger.
const ROW_S: f64 = 1.0;

/// A clock beyond this counts milliseconds.
const LATEST_S: f64 = 1e11;

const TIMES: [&str; 5] = ["seq_num", "timestamp", "time", "elapsed_s", "seconds"];
const RATES: [&str; 5] = ["Throughput", "throughput_mbps", "downlink_mbps", "dl_mbps", "Mbps"];
const RUNS: [&str; 3] = ["run_num", "run", "run_id"];
const CLOCK: Quantity = Quantity { column: "time", min: 0.0, max: 1e14 };

/// Whether a header line has the form of this format.
pub(super) fn recognises(header: &str) -> bool {
    Header::of_line(header)
        .is_some_and(|header| header.len() > 2 && header.find(&TIMES).is_some() && header.find(&RATES).is_some())
}

/// Reads one recording. Rows without a throughput, and those not later than the row before, are left out and counted.
///
/// # Errors
/// See [`ParseError`]; also when the file holds several recordings and none is selected.
pub fn parse(text: &str, options: &Options) -> Result<Import, ParseError> {
    let mut table = Table::new(text)?;
    let header = table.header();
    let missing = |column| ParseError::MissingColumn { line: header.line(), column };
    let time = header.find(&TIMES).ok_or_else(|| missing("seq_num"))?;
    let rate = header.find(&RATES).ok_or_else(|| missing("Throughput"))?;
    let run = header.find(&RUNS);
    let [rsrp, rsrq, sinr] =
        [&["nr_ssRsrp", "nr_ss_rsrp"][..], &["nr_ssRsrq", "nr_ss_rsrq"], &["nr_ssSinr", "nr_ss_sinr"]]
            .map(|names| header.find(names));

    let mut samples: Vec<Sample> = Vec::new();
    let (mut first, mut start_s, mut rows_left_out) = (options.select.clone(), None, 0);
    while let Some(row) = table.next_row()? {
        let line = row.line;
        if let Some(found) = run.and_then(|index| row.get(index)) {
            let wanted = first.get_or_insert_with(|| found.to_owned());
            if wanted != found {
                if options.select.is_some() {
                    continue;
                }
                let problem = format!("recording `{found}` follows `{wanted}` in one file: select one of them");
                return Err(ParseError::Malformed { line, problem });
            }
        }
        let text = row.field(rate, "Throughput")?;
        if table::is_missing(text) {
            rows_left_out += 1;
            continue;
        }
        let clock = CLOCK.read(line, row.field(time, "seq_num")?)?;
        let clock_s = if clock > LATEST_S { clock / 1e3 } else { clock };
        let t_s = clock_s - *start_s.get_or_insert(clock_s);
        if samples.last().is_some_and(|before| t_s <= before.t_s) {
            rows_left_out += 1;
            continue;
        }
        table::TIME.check(line, t_s)?;
        let signal = |index: Option<usize>, quantity: Quantity| {
            index.and_then(|index| row.get(index)).and_then(|text| quantity.read_lenient(text))
        };
        samples.push(Sample {
            t_s,
            throughput_kbps: THROUGHPUT.named("Throughput").read_scaled(line, text, KBPS_PER_MBPS)?,
            rsrp_dbm: signal(rsrp, RSRP),
            rsrq_db: signal(rsrq, RSRQ),
            sinr_db: signal(sinr, SINR),
            ..Sample::default()
        });
    }
    let end_s = samples.last().map_or(0.0, |last| last.t_s) + ROW_S;
    Ok(Import { trace: Trace::new(samples, end_s)?, rows_left_out })
}
