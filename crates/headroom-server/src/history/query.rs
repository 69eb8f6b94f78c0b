//! Reading it back: sums of any span, merged from the minutes.

use super::{audience::AudienceMinute, entry::Action, schema};
use headroom_cluster::sketch::Sketch;
use headroom_core::telemetry::StreamId;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Points of one answer.
const MAX_POINTS: u64 = 1_500;

/// Rows read for one answer: half a second's work.
const MAX_ROWS: usize = 500_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct SeriesQuery {
    /// Streams; empty: all.
    pub(crate) streams: Vec<StreamId>,
    /// First second.
    pub(crate) from_s: u64,
    /// First second after the end.
    pub(crate) to_s: u64,
    /// Span of one point, s; a multiple of 60.
    pub(crate) step_s: u64,
    /// What to tell apart.
    pub(crate) by: GroupBy,
}

/// What to tell apart besides time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = By)]
pub enum GroupBy {
    /// One group for everything.
    #[default]
    Nothing,
    /// One group a stream.
    Stream,
    /// One group an edge.
    Edge,
    /// One group an access network.
    Network,
    /// One group a rung of the ladder.
    Rung,
}

impl GroupBy {
    /// The expression that tells rows apart.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Nothing => "NULL",
            Self::Stream => "coalesce(stream.name, printf('%016x', minute.stream))",
            Self::Edge => "edge",
            Self::Network => "network",
            Self::Rung => "CAST(rung_kbps AS TEXT)",
        }
    }
}

/// Why a query fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum QueryError {
    /// The span is empty, the step odd, or the answer too long.
    #[error("{0}")]
    Range(String),
    /// The database cannot be read.
    #[error("the history cannot be read: {0}")]
    Database(#[from] rusqlite::Error),
}

/// Sums of one span.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = HistoryPoint)]
pub(crate) struct SeriesPoint {
    /// Start of the span, seconds since the epoch.
    pub(crate) at_s: u64,
    /// What `by` tells apart: a stream's name or identifier, an edge, a network, a bit rate in kbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// Sessions at a time, averaged over the minutes that have an entry.
    pub(crate) sessions: f64,
    /// Time watched, s.
    pub(crate) watched_s: f64,
    /// Share of it stalled.
    pub(crate) stall_ratio: Option<f64>,
    /// Stalls.
    pub(crate) stalls: u64,
    /// Media played a second, kbit/s.
    pub(crate) egress_kbps: f64,
    /// Mean opinion scores of the sessions.
    pub(crate) mos: Option<Quantiles>,
    /// Throughput the sessions were expected to get, kbit/s.
    pub(crate) throughput_kbps: Option<Quantiles>,
    /// Distance behind live, ms.
    pub(crate) latency_ms: Option<Quantiles>,
    /// Sessions, once a round, by the reason of their decision.
    pub(crate) reasons: BTreeMap<String, u64>,
}

/// Three quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Quantiles {
    pub(crate) p10: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

impl Quantiles {
    fn of(sketch: &Sketch) -> Option<Self> {
        let at = |quantile| sketch.quantile(quantile);
        Some(Self { p10: at(0.1)?, p50: at(0.5)?, p90: at(0.9)? })
    }
}

#[derive(Default)]
struct Sums {
    minutes: std::collections::BTreeSet<u64>,
    sessions: f64,
    watched_ms: u64,
    stalled_ms: u64,
    stalls: u64,
    played_kbit: f64,
    mos: Sketch,
    throughput: Sketch,
    latency: Sketch,
    reasons: BTreeMap<String, u64>,
}

/// Merges the minutes of what is asked for.
pub(crate) fn series(path: &Path, asked: &SeriesQuery) -> Result<Vec<SeriesPoint>, QueryError> {
    let SeriesQuery { streams, from_s, to_s, step_s, by } = asked;
    if from_s >= to_s || *step_s == 0 || !step_s.is_multiple_of(60) {
        return Err(QueryError::Range("from lies before to, and step is a multiple of 60".into()));
    }
    if (to_s - from_s).div_ceil(*step_s) > MAX_POINTS {
        return Err(QueryError::Range(format!("more than {MAX_POINTS} points: ask for a larger step")));
    }
    let database = schema::open_for_reading(path)?;
    let group = by.column();
    let chosen: Vec<String> = streams.iter().map(|stream| (stream.0 as i64).to_string()).collect();
    let chosen = if chosen.is_empty() { "1".into() } else { format!("minute.stream IN ({})", chosen.join(",")) };
    let mut statement = database.prepare(&format!(
        "SELECT at_s, {group}, sessions, watched_ms, stalled_ms, starvations, played_kbit, mos, throughput, latency, reasons
         FROM minute LEFT JOIN stream ON stream.id = minute.stream WHERE at_s >= ? AND at_s < ? AND {chosen} ORDER BY at_s"
    ))?;
    // SQLite's integers are signed; no time asked for is that late.
    let bound = |second: u64| i64::try_from(second).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![bound(*from_s), bound(*to_s)])?;
    let mut sums = BTreeMap::<(u64, Option<String>), Sums>::new();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        if read > MAX_ROWS {
            return Err(QueryError::Range("too much to read at once: ask for less time or one stream".into()));
        }
        let minute: u64 = row.get(0)?;
        let sum = sums.entry((from_s + (minute - from_s) / step_s * step_s, row.get(1)?)).or_default();
        sum.minutes.insert(minute);
        sum.sessions += row.get::<_, f64>(2)?;
        sum.watched_ms += row.get::<_, u64>(3)?;
        sum.stalled_ms += row.get::<_, u64>(4)?;
        sum.stalls += row.get::<_, u64>(5)?;
        sum.played_kbit += row.get::<_, f64>(6)?;
        for (column, sketch) in [(7, &mut sum.mos), (8, &mut sum.throughput), (9, &mut sum.latency)] {
            // A torn sketch would be SQLite's failure; its quantiles are worth less than the rest of the row.
            sketch.merge(&Sketch::decode(row.get_ref(column)?.as_blob().unwrap_or_default()).unwrap_or_default());
        }
        let reasons: BTreeMap<String, u64> = serde_json::from_str(&row.get::<_, String>(10)?).unwrap_or_default();
        reasons.into_iter().for_each(|(reason, count)| *sum.reasons.entry(reason).or_default() += count);
    }
    Ok(sums.into_iter().map(|((at_s, group), sums)| point(at_s, group, sums)).collect())
}

fn point(at_s: u64, group: Option<String>, sums: Sums) -> SeriesPoint {
    let minutes = sums.minutes.len().max(1) as f64;
    SeriesPoint {
        at_s,
        group,
        sessions: sums.sessions / minutes,
        watched_s: sums.watched_ms as f64 / 1_000.0,
        stall_ratio: (sums.watched_ms > 0).then(|| (sums.stalled_ms as f64 / sums.watched_ms as f64).min(1.0)),
        stalls: sums.stalls,
        egress_kbps: sums.played_kbit / (minutes * 60.0),
        mos: Quantiles::of(&sums.mos),
        throughput_kbps: Quantiles::of(&sums.throughput),
        latency_ms: Quantiles::of(&sums.latency),
        reasons: sums.reasons,
    }
}

/// Actions, newest first, and how many there are.
pub(crate) fn audit_page(path: &Path, offset: usize, limit: usize) -> Result<(Vec<Action>, usize), QueryError> {
    let database = schema::open_for_reading(path)?;
    let total = database.query_row("SELECT count(*) FROM action", [], |row| row.get(0))?;
    let mut statement = database.prepare("SELECT * FROM action ORDER BY at_s DESC, rowid DESC LIMIT ? OFFSET ?")?;
    let action = |row: &rusqlite::Row<'_>| {
        Ok(Action {
            at_s: row.get(0)?,
            actor: row.get(1)?,
            method: row.get(2)?,
            path: row.get(3)?,
            status: row.get(4)?,
            body: row.get(5)?,
        })
    };
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let items = statement.query_map(params![limit as i64, offset], action)?.collect::<Result<_, _>>()?;
    Ok((items, total))
}

/// Minutes of one answer: a day.
const MAX_MINUTES: i64 = 1_440;

/// The audience of a stream over a span, the newest [`MAX_MINUTES`] of it.
pub(crate) fn audiences(path: &Path, stream: &str, from_s: u64, to_s: u64) -> Result<Vec<AudienceMinute>, QueryError> {
    let database = schema::open_for_reading(path)?;
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
