//! What viewers said, minute by minute and stream by stream: how many spoke, how they felt, what they complained about. No
//! message is kept and no author.

use headroom_core::audience::{Aspect, State};
use rusqlite::{Connection, params};
use serde::Serialize;
use std::collections::BTreeMap;

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
