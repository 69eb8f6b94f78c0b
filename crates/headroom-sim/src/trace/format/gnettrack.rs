//! G-NetTrack Pro logs: CSV (or tabs) with a header, one row a second. The UCC 5G production data set (Raca et al.,
//! MMSys 2020) is such a log; newer versions of the app write `Level` and `Qual` for RSRP and RSRQ.
//!
//! `DL_bitrate` and `UL_bitrate` are kbit/s. `-`, blanks and values outside the 3GPP reporting ranges mean unknown; a row
//! without `DL_bitrate` is left out.
//! The app writes some seconds twice: the first row of a second is kept. A row holds from its second until the next.
//! `PINGAVG` is the round-trip time, `PINGSTDEV` the jitter, `PINGLOSS` percent; pings are rare, so most rows have none.

use super::import::{Import, ParseError};
use super::table::{self, CQI, Header, JITTER, LOSS, RSRP, RSRQ, RTT, SINR, THROUGHPUT, Table, UPLINK};
use crate::trace::{NetworkMode, Sample, Trace};

/// Seconds that the last row holds: the interval of the logger.
const ROW_S: f64 = 1.0;

/// Percent to ratio.
const RATIO_PER_PERCENT: f64 = 0.01;

/// Whether a header line has the form of this format.
pub(super) fn recognises(header: &str) -> bool {
    Header::of_line(header)
        .is_some_and(|header| header.find(&["Timestamp"]).is_some() && header.find(&["DL_bitrate"]).is_some())
}

/// Reads a log.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(text: &str) -> Result<Import, ParseError> {
    let mut table = Table::new(text)?;
    let header = table.header();
    let time = header.require("Timestamp")?;
    let downlink = header.require("DL_bitrate")?;
    let uplink = header.find(&["UL_bitrate"]);
    let mode = header.find(&["NetworkMode"]);
    let rsrp = header.find(&["RSRP", "Level"]);
    let rsrq = header.find(&["RSRQ", "Qual"]);
    let sinr = header.find(&["SNR", "SINR"]);
    let cqi = header.find(&["CQI"]);
    let ping = header.find(&["PINGAVG"]);
    let ping_deviation = header.find(&["PINGSTDEV"]);
    let ping_loss = header.find(&["PINGLOSS"]);

    let mut samples: Vec<Sample> = Vec::new();
    let mut rows_left_out = 0;
    let mut origin_s = None;
    while let Some(row) = table.next_row()? {
        let line = row.line;
        let clock_s = clock_seconds(line, row.field(time, "Timestamp")?)?;
        let t_s = (clock_s - *origin_s.get_or_insert(clock_s)) as f64;
        if samples.last().map_or(t_s < 0.0, |before| t_s <= before.t_s) {
            rows_left_out += 1;
            continue;
        }
        if table::is_missing(row.field(downlink, "DL_bitrate")?) {
            rows_left_out += 1;
            continue;
        }
        let at = |index: Option<usize>| index.and_then(|index| row.get(index)).unwrap_or("-");
        samples.push(Sample {
            t_s,
            throughput_kbps: THROUGHPUT.named("DL_bitrate").read(line, row.field(downlink, "DL_bitrate")?)?,
            uplink_kbps: UPLINK.read_lenient(at(uplink)),
            rtt_ms: RTT.read_lenient(at(ping)),
            jitter_ms: JITTER.read_lenient(at(ping_deviation)),
            loss_ratio: at(ping_loss)
                .parse::<f64>()
                .ok()
                .map(|percent| percent * RATIO_PER_PERCENT)
                .filter(|ratio| (LOSS.min..=LOSS.max).contains(ratio)),
            rsrp_dbm: RSRP.read_lenient(at(rsrp)),
            rsrq_db: RSRQ.read_lenient(at(rsrq)),
            sinr_db: SINR.read_lenient(at(sinr)),
            cqi: CQI.read_lenient(at(cqi)),
            network_mode: Some(at(mode)).filter(|text| *text != "-").and_then(|text| text.parse::<NetworkMode>().ok()),
            ..Sample::default()
        });
    }
    let end_s = samples.last().map_or(0.0, |last| last.t_s) + ROW_S;
    Ok(Import { trace: Trace::new(samples, end_s)?, rows_left_out })
}

/// Reads `2019.12.14_10.16.30` (any separators, fractions ignored) as seconds on the logger's own clock.
fn clock_seconds(line: usize, text: &str) -> Result<i64, ParseError> {
    let wrong = || ParseError::Malformed {
        line,
        problem: format!("`{}` is not a time like 2019.12.14_10.16.30", text.chars().take(40).collect::<String>()),
    };
    let mut numbers = [0_i64; 6];
    let mut count = 0;
    for part in text.split(|character: char| !character.is_ascii_digit()).filter(|part| !part.is_empty()).take(6) {
        numbers[count] = part.parse().map_err(|_| wrong())?;
        count += 1;
    }
    let [year, month, day, hour, minute, second] = numbers;
    let plausible = count == 6 && hour < 24 && minute < 60 && second <= 60;
    match table::days_from_civil(year, month, day) {
        Some(days) if plausible => Ok(((days * 24 + hour) * 60 + minute) * 60 + second),
        _ => Err(wrong()),
    }
}
