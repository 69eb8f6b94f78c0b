//! What viewers said, minute by minute and stream by stream: how many spoke, how they felt, what they complained about. No
//! message is kept and no author.

use super::query::QueryError;
use headroom_core::audience::{Aspect, State};
use rusqlite::{Connection, params};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// Minutes of one answer: a day.
const MAX_MINUTES: i64 = 1_440;

/// A stream's audience at the end of a minute.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HistoryAudience)]
pub(crate) struct AudienceMinute {
    /// Start of the minute, seconds since the epoch.
    pub(crate) at_s: u64,
    /// The stream, as its sources call it.
    #[serde(skip)]
    pub(crate) stream: String,
    /// Messages heard in all.
    pub(crate) messages: u64,
    /// Messages a minute, over the last five.
    pub(crate) messages_per_minute: f64,
    /// Different authors of the last five minutes.
    pub(crate) authors: f64,
    /// −1 all displeased, 1 all pleased.
    pub(crate) mood: f64,
    /// 0 to 100.
    pub(crate) engagement: f64,
    /// Different authors who complained within the last 30 s, by aspect.
    pub(crate) complaints: BTreeMap<String, u32>,
    /// Aspects that are complained about and that telemetry does not explain.
    pub(crate) blind_spots: Vec<String>,
}

impl AudienceMinute {
    /// The summary of what is known of an audience.
    pub(crate) fn of(at_s: u64, stream: String, state: &State) -> Self {
        let aspects = || state.aspects.iter().map(|report| (named(report.aspect), report));
        Self {
            at_s,
            stream,
            messages: state.messages,
            messages_per_minute: state.messages_per_minute,
            authors: state.authors,
            mood: state.mood,
            engagement: state.engagement,
            complaints: aspects().filter(|(_, it)| it.complaints > 0).map(|(name, it)| (name, it.complaints)).collect(),
            blind_spots: aspects().filter(|(_, it)| it.blind_spot).map(|(name, _)| name).collect(),
        }
    }

    /// Adds it to the database.
    pub(super) fn write(&self, database: &Connection) -> rusqlite::Result<()> {
        let mut insert = database.prepare_cached("INSERT INTO audience VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        insert.execute(params![
            self.at_s,
            self.stream,
            self.messages,
            self.messages_per_minute,
            self.authors,
            self.mood,
            self.engagement,
            json(serde_json::to_string(&self.complaints)),
            json(serde_json::to_string(&self.blind_spots)),
        ])?;
        Ok(())
    }
}

/// As in JSON.
fn named(aspect: Aspect) -> String {
    let name = serde_json::to_value(aspect).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
}

/// The audience of a stream over a span, the newest [`MAX_MINUTES`] of it.
pub(crate) fn audiences(path: &Path, stream: &str, from_s: u64, to_s: u64) -> Result<Vec<AudienceMinute>, QueryError> {
    let database = super::schema::open_for_reading(path)?;
    let mut statement = database
        .prepare("SELECT * FROM audience WHERE stream = ? AND at_s >= ? AND at_s < ? ORDER BY at_s DESC LIMIT ?")?;
    let bound = |second: u64| i64::try_from(second).unwrap_or(i64::MAX);
    let audience = |row: &rusqlite::Row<'_>| {
        Ok(AudienceMinute {
            at_s: row.get(0)?,
            stream: row.get(1)?,
            messages: row.get(2)?,
            messages_per_minute: row.get(3)?,
            authors: row.get(4)?,
            mood: row.get(5)?,
            engagement: row.get(6)?,
            complaints: serde_json::from_str(&row.get::<_, String>(7)?).unwrap_or_default(),
            blind_spots: serde_json::from_str(&row.get::<_, String>(8)?).unwrap_or_default(),
        })
    };
    let rows = statement.query_map(params![stream, bound(from_s), bound(to_s), MAX_MINUTES], audience)?;
    let mut minutes = rows.collect::<Result<Vec<_>, _>>()?;
    minutes.reverse();
    Ok(minutes)
}
