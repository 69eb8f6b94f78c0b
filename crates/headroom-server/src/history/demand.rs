//! What was carried by hour, for plans.

use super::{query::GroupBy, schema, store::FILE};
use crate::plan::{Demand, DemandError, HOUR_S, Sums, WEEKS_READ, mix};
use headroom_cluster::sketch::Sketch;
use std::{collections::BTreeMap, path::Path};

/// Minutes from which an hour at either end of the history counts as whole.
const WHOLE: u64 = 55;

/// Of the sketches only those of every tenth minute are merged: quantiles do not move by it.
const SAMPLED_S: u64 = 600;

impl Demand {
    /// What the history in `directory` (`headroom serve --data`) says, told apart by `by`: `stream`, `edge` or `network`.
    ///
    /// # Errors
    /// When the directory holds no history, or one too short or too full of gaps.
    pub fn of_history(directory: &Path, by: GroupBy) -> Result<Self, DemandError> {
        demand(&directory.join(FILE), by)
    }
}

/// Hours of the latest twelve weeks, told apart by `by`.
pub(crate) fn demand(path: &Path, by: GroupBy) -> Result<Demand, DemandError> {
    if !path.is_file() {
        let directory = path.parent().unwrap_or(path).display();
        return Err(DemandError::History(format!(
            "{directory} holds no history: `headroom serve --data {directory}` makes one"
        )));
    }
    read(path, by).map_err(|error| DemandError::History(format!("the history cannot be read: {error}")))?
}

fn read(path: &Path, by: GroupBy) -> rusqlite::Result<Result<Demand, DemandError>> {
    let database = schema::open_for_reading(path)?;
    let newest: Option<u64> = database.query_row("SELECT max(at_s) FROM minute", [], |row| row.get(0))?;
    let since = newest.unwrap_or(0).saturating_sub(WEEKS_READ * 7 * 24 * HOUR_S) / HOUR_S * HOUR_S;

    let mut minutes = BTreeMap::<u64, u64>::new();
    let mut statement =
        database.prepare("SELECT at_s - at_s % 3600, count(DISTINCT at_s) FROM minute WHERE at_s >= ? GROUP BY 1")?;
    let mut rows = statement.query([since])?;
    while let Some(row) = rows.next()? {
        minutes.insert(row.get(0)?, row.get(1)?);
    }
    // An hour that still runs, or began with the server, says little.
    for end in [minutes.first_key_value(), minutes.last_key_value()].map(|end| end.map(|(&at_s, &count)| (at_s, count)))
    {
        if let Some((at_s, count)) = end
            && count < WHOLE
        {
            minutes.remove(&at_s);
        }
    }

    let group = by.column();
    let mut statement = database.prepare(&format!(
        "SELECT at_s - at_s % 3600, {group}, sum(sessions), sum(played_kbit)
         FROM minute LEFT JOIN stream ON stream.id = minute.stream WHERE at_s >= ? GROUP BY 1, 2"
    ))?;
    let mut rows = statement.query([since])?;
    let mut hours = BTreeMap::<u64, BTreeMap<String, Sums>>::new();
    while let Some(row) = rows.next()? {
        let at_s = row.get(0)?;
        let Some(&count) = minutes.get(&at_s) else { continue };
        let count = count as f64;
        let name = row.get::<_, Option<String>>(1)?.unwrap_or_default();
        let sums =
            Sums { sessions: row.get::<_, f64>(2)? / count, egress_kbps: row.get::<_, f64>(3)? / (count * 60.0) };
        hours.entry(at_s).or_default().insert(name, sums);
    }

    let week = newest.unwrap_or(0).saturating_sub(7 * 24 * HOUR_S);
    let mut statement = database.prepare(
        "SELECT rung_kbps, watched_ms, throughput FROM minute WHERE at_s >= ?1 AND at_s % ?2 = 0 AND rung_kbps > 0",
    )?;
    let mut rows = statement.query([week, SAMPLED_S])?;
    let mut rungs = BTreeMap::<u32, (f64, Sketch)>::new();
    while let Some(row) = rows.next()? {
        let (watched, throughput) = rungs.entry(row.get(0)?).or_default();
        *watched += row.get::<_, f64>(1)?;
        throughput.merge(&Sketch::decode(row.get_ref(2)?.as_blob().unwrap_or_default()).unwrap_or_default());
    }
    Ok(Demand::assemble(format!("the history in {}", path.display()), hours, mix(rungs)))
}
