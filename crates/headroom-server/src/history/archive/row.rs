//! The rows of the archive.

use crate::places::Places;
use headroom_cluster::{rollup::Rollup, sketch::Sketch};
use headroom_core::{
    decision::{Decision, Reason},
    telemetry::{Sample, StreamId},
};
use serde::{Deserialize, Serialize};

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    /// A report of a sampled session.
    Sample(Sample),
    /// A report around an incident.
    Incident(IncidentSample),
    /// A decision that changed something.
    Decision(DecisionRow),
    /// The sums of one cell over a minute.
    Minute(Box<MinuteRow>),
    /// What a stream is called.
    Stream(StreamName),
}

/// A report around an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct IncidentSample {
    /// Share of the sessions that were kept when it was.
    pub(crate) share: f64,
    pub(crate) sample: Sample,
}

/// A decision and what it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DecisionRow {
    pub(crate) stream: StreamId,
    pub(crate) decision: Decision,
}

/// A stream's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamName {
    pub(crate) stream: StreamId,
    pub(crate) name: String,
}

/// A row of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MinuteRow {
    pub(crate) at_s: u64,
    pub(crate) stream: StreamId,
    pub(crate) edge: String,
    pub(crate) network: String,
    pub(crate) rung_kbps: u32,
    pub(crate) sessions: f64,
    pub(crate) silent: f64,
    pub(crate) watched_ms: u64,
    pub(crate) stalled_ms: u64,
    pub(crate) starvations: u64,
    pub(crate) played_kbit: f64,
    pub(crate) reasons: [u64; Reason::ALL.len()],
    pub(crate) mos: Distribution,
    pub(crate) throughput_kbps: Distribution,
    pub(crate) latency_ms: Distribution,
}

/// Values, rounded as sketches round, and how many of each.
pub(crate) type Distribution = Vec<(f64, u64)>;

/// The rows of one minute's sums.
pub(crate) fn minute_rows(at_s: u64, rollup: &Rollup, places: &Places) -> Vec<Row> {
    let rounds = f64::from(rollup.rounds.max(1));
    let bins = |sketch: &Sketch| sketch.bins().collect();
    let rows = rollup.cells.iter().map(|(key, cell)| MinuteRow {
        at_s,
        stream: key.stream,
        edge: places.edge(key.place.edge).to_owned(),
        network: places.network(key.place.network).to_owned(),
        rung_kbps: key.rung_kbps,
        sessions: cell.observations as f64 / rounds,
        silent: cell.silent as f64 / rounds,
        watched_ms: cell.watched_ms,
        stalled_ms: cell.stalled_ms,
        starvations: cell.starvations,
        played_kbit: cell.played_kbit,
        reasons: cell.reasons,
        mos: bins(&cell.mos),
        throughput_kbps: bins(&cell.throughput),
        latency_ms: bins(&cell.latency),
    });
    rows.map(|minute| Row::Minute(Box::new(minute))).collect()
}

impl Row {
    pub(super) fn stream(&self) -> StreamId {
        match self {
            Self::Sample(sample) | Self::Incident(IncidentSample { sample, .. }) => sample.stream,
            Self::Decision(DecisionRow { stream, .. }) | Self::Stream(StreamName { stream, .. }) => *stream,
            Self::Minute(minute) => minute.stream,
        }
    }
}
