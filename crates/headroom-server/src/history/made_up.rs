//! A made-up past in place of weeks of waiting, for demonstrations. `headroom serve` never comes here.

use super::{schema, store::FILE};
use crate::plan::{HOUR_S, synthetic};
use headroom_cluster::sketch::Sketch;
use rusqlite::params;
use std::{fs, path::Path};

/// Part of every made-up name, so that it cannot be mistaken for a real one.
const LABEL: &str = "made-up";

/// Seconds of a day and of a week.
const DAY_S: u64 = 24 * HOUR_S;
const WEEK_S: u64 = 7 * DAY_S;

/// Weeks before the present one: what a plan needs to see growth.
const WEEKS: u64 = 3;

/// Pages of the file at most: far more than it needs.
const MOST_PAGES: u32 = 65_536;

/// Why a past could not be written.
#[derive(Debug, thiserror::Error)]
#[error("a made-up past cannot be written")]
pub struct MadeUpError(#[from] Box<dyn std::error::Error + Send + Sync>);

/// Writes the hours of three whole weeks and of the present one until `now_s` (seconds since the epoch) into the history of a
/// directory, which is made: the audience of [`synthetic::audience`], with "made-up" in all its names.
///
/// # Errors
/// When the directory or the database in it cannot be written.
pub fn make_up_history(directory: &Path, seed: u64, now_s: u64) -> Result<(), MadeUpError> {
    write(directory, seed, now_s).map_err(MadeUpError)
}

fn write(directory: &Path, seed: u64, now_s: u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    fs::create_dir_all(directory)?;
    let mut database = schema::open(&directory.join(FILE), MOST_PAGES)?;
    // The audience begins on a Monday; the epoch was a Thursday.
    let monday_s = (now_s / DAY_S - (now_s / DAY_S + 3) % 7) * DAY_S;
    let from_s = monday_s.saturating_sub(WEEKS * WEEK_S);
    let audience = synthetic::audience(seed, WEEKS as usize + 1);
    let transaction = database.transaction()?;
    {
        let mut name = transaction.prepare("INSERT OR REPLACE INTO stream (id, name, format) VALUES (?, ?, 'h')")?;
        let mut minute = transaction.prepare(
            "INSERT INTO minute (at_s, stream, edge, network, rung_kbps, sessions, silent, watched_ms, stalled_ms, starvations,
                played_kbit, mos, throughput, latency, sinr_sum, sinr_count, reasons)
             VALUES (?1, ?2, ?3, ?3, ?4, ?5, 0, ?6, 0, 0, ?7, ?8, ?9, ?8, 0, 0, '{}')",
        )?;
        let nothing = Sketch::default().encode();
        for (id, (stream, load)) in (1_i64..).zip(&audience.groups) {
            name.execute(params![id, format!("{LABEL} {stream}")])?;
            for (hour, sessions) in (0_u64..).zip(&load.sessions) {
                let at_s = from_s + hour * HOUR_S;
                if at_s >= now_s {
                    break;
                }
                for rung in &audience.mix {
                    let sessions = sessions * rung.share;
                    let (watched_ms, played) = ((sessions * 6e4) as u64, sessions * 60.0 * f64::from(rung.kbps));
                    let throughput = rung.throughput.encode();
                    minute.execute(params![
                        at_s, id, LABEL, rung.kbps, sessions, watched_ms, played, nothing, throughput
                    ])?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{demand, query::GroupBy},
        plan::Outlook,
    };

    #[test]
    fn a_plan_can_be_made_of_it_and_every_name_says_what_it_is() {
        let directory = std::env::temp_dir().join(format!("headroom-made-up-{}", std::process::id()));
        // A Wednesday afternoon.
        let now_s = 1_800_000_000 + 5_000;
        make_up_history(&directory, 7, now_s).unwrap();
        for by in [GroupBy::Stream, GroupBy::Edge, GroupBy::Network] {
            let past = demand(&directory.join(FILE), by).unwrap();
            assert!(past.groups.keys().all(|name| name.starts_with("made-up")), "{:?}", past.groups.keys());
            assert!((21 * 24..28 * 24).contains(&past.hours()), "{} hours", past.hours());
            Outlook::of(past).unwrap();
        }
        // The day of this audience is that of the clock: most watch in the evening.
        let past = demand(&directory.join(FILE), GroupBy::Stream).unwrap();
        let at = |hour: u64| past.total.sessions[(hour + 24 - past.from_s / HOUR_S % 24) as usize % 24];
        assert!(at(20) > 3.0 * at(4), "{} and {}", at(20), at(4));
        fs::remove_dir_all(directory).unwrap();
    }
}
