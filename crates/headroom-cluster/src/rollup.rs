//! What sessions went through, summed by stream, edge, network and rung: the only history kept of everyone.
//!
//! Every ten seconds each shard is asked for the state of its sessions (a *round*). Rounds are what alerts and the
//! capacity view read; the rounds of a minute, merged, are a row of the history for each cell.

use crate::{place::Place, sketch::Sketch};
use headroom_core::{
    decision::Reason,
    session::{Snapshot, Summary},
    telemetry::StreamId,
    time::{Duration, Timestamp},
};
use std::collections::BTreeMap;

/// Most cells of one round or minute. Later ones count under stream 0, so that names from the network take bounded memory.
const MAX_CELLS: usize = 20_000;

/// Above this many cells, networks are not told apart: the table of autonomous systems may name more networks than a minute
/// has room for, and the many small ones must not crowd out the streams.
const MAX_CELLS_BY_NETWORK: usize = 10_000;

/// Silence after which the state of a session is unknown: five ticks, and twice what CMCD events are usually apart.
const SILENCE: Duration = Duration::from_secs(10);

/// Rounds for which a session counts as in trouble after a stall: five minutes.
const TROUBLED_ROUNDS: u16 = 30;

/// What a cell's sessions have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What they play; 0 when unknown, and for what has no cell of its own.
    pub stream: StreamId,
    /// Where they are.
    pub place: Place,
    /// Bit rate of the rung played, kbit/s; 0 when unknown.
    pub rung_kbps: u32,
}

/// Sums over the sessions of a cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// Sessions seen, once a round.
    pub observations: u64,
    /// Of these, those that had been silent for [`SILENCE`].
    pub silent: u64,
    /// Of these, those that stalled within the last five minutes.
    pub troubled: u64,
    /// Time between reports, all sessions together, ms.
    pub watched_ms: u64,
    /// Of that, time stalled, ms.
    pub stalled_ms: u64,
    /// Stalls in that time.
    pub starvations: u64,
    /// Media played: bit rate of the rung × time watched, kbit.
    pub played_kbit: f64,
    /// Mean opinion scores, 1 to 5.
    pub mos: Sketch,
    /// Median of the throughput forecast, kbit/s.
    pub throughput: Sketch,
    /// Distance behind live, ms.
    pub latency: Sketch,
    /// Sum of the signal to interference and noise ratios, dB, and how many there were.
    pub sinr: (f64, u64),
    /// Sessions by the reason of their decision, in the order of [`Reason::ALL`].
    pub reasons: [u64; Reason::ALL.len()],
}

impl Cell {
    /// Adds the sums of another cell.
    pub fn merge(&mut self, other: &Self) {
        self.observations += other.observations;
        self.silent += other.silent;
        self.troubled += other.troubled;
        self.watched_ms += other.watched_ms;
        self.stalled_ms += other.stalled_ms;
        self.starvations += other.starvations;
        self.played_kbit += other.played_kbit;
        self.mos.merge(&other.mos);
        self.throughput.merge(&other.throughput);
        self.latency.merge(&other.latency);
        self.sinr.0 += other.sinr.0;
        self.sinr.1 += other.sinr.1;
        for (sum, more) in self.reasons.iter_mut().zip(other.reasons) {
            *sum += more;
        }
    }

    /// Share of the time watched that was stalled, 0 to 1; `None` when nobody watched.
    pub fn stall_ratio(&self) -> Option<f64> {
        (self.watched_ms > 0).then(|| (self.stalled_ms as f64 / self.watched_ms as f64).min(1.0))
    }
}

/// How far the sums have taken a session in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SurveyTotals {
    last_seen: Timestamp,
    stalled_ms: u32,
    starvations: u16,
    /// Rounds until the latest stall is forgotten.
    troubled: u16,
}

/// Cells of some span of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rollup {
    /// Rounds merged.
    pub rounds: u32,
    /// Sums by what sessions have in common.
    pub cells: BTreeMap<Key, Cell>,
}

impl Rollup {
    /// Takes in the state of a session and what happened since the last time.
    pub fn observe(&mut self, snapshot: &Snapshot, place: Place, surveyed: &mut SurveyTotals, now: Timestamp) {
        let rung_kbps = snapshot.playing.map_or(0, |rate| rate.as_kbps().round() as u32);
        let cell = self.cell(Key { stream: snapshot.stream, place, rung_kbps });
        let watched =
            cell.progress(snapshot.started, snapshot.last_seen, snapshot.stalled, snapshot.starvations, surveyed);
        cell.played_kbit += f64::from(rung_kbps) * watched.as_secs_f64();
        cell.observations += 1;
        cell.troubled += u64::from(surveyed.troubled > 0);
        cell.silent += u64::from(now.since(snapshot.last_seen) >= SILENCE);
        cell.reasons[snapshot.reason as usize] += 1;
        if let Some(mos) = snapshot.mos {
            cell.mos.add(f64::from(mos.get()));
        }
        if let Some([_, median, _]) = snapshot.forecast {
            cell.throughput.add(median.as_kbps());
        }
        if let Some(latency) = snapshot.live_latency {
            cell.latency.add(latency.as_secs_f64() * 1_000.0);
        }
        if let Some(sinr) = snapshot.sinr_db {
            cell.sinr = (cell.sinr.0 + f64::from(sinr), cell.sinr.1 + 1);
        }
    }

    /// Takes in what a session went through between the last round and its end.
    pub fn end(&mut self, summary: &Summary, stream: StreamId, place: Place, mut surveyed: SurveyTotals) {
        let cell = self.cell(Key { stream, place, rung_kbps: 0 });
        cell.progress(summary.started, summary.last_seen, summary.stalled, summary.starvations, &mut surveyed);
    }

    /// Adds the sums of another span of time.
    pub fn merge(&mut self, other: Self) {
        self.rounds += other.rounds;
        for (key, cell) in other.cells {
            self.cell(key).merge(&cell);
        }
    }

    /// Sums over all cells.
    pub fn total(&self) -> Cell {
        let mut total = Cell::default();
        self.cells.values().for_each(|cell| total.merge(cell));
        total
    }

    /// Sums by stream.
    pub fn by_stream(&self) -> BTreeMap<StreamId, Cell> {
        let mut streams = BTreeMap::<StreamId, Cell>::new();
        self.cells.iter().for_each(|(key, cell)| streams.entry(key.stream).or_default().merge(cell));
        streams
    }

    fn cell(&mut self, key: Key) -> &mut Cell {
        let unnamed = Key { place: Place { network: 0, ..key.place }, ..key };
        let key = match self.cells.len() {
            _ if self.cells.contains_key(&key) => key,
            MAX_CELLS.. if !self.cells.contains_key(&unnamed) => Key::default(),
            MAX_CELLS_BY_NETWORK.. => unnamed,
            _ => key,
        };
        self.cells.entry(key).or_default()
    }
}

impl Cell {
    /// Adds what is new since the last time; returns the time watched.
    fn progress(
        &mut self,
        started: Timestamp,
        last_seen: Timestamp,
        stalled: Duration,
        starvations: u16,
        surveyed: &mut SurveyTotals,
    ) -> Duration {
        let watched = last_seen.since(surveyed.last_seen.max(started));
        let stalled_ms = u32::try_from(stalled.as_millis()).unwrap_or(u32::MAX);
        self.watched_ms += watched.as_millis();
        let more_stalled_ms = stalled_ms.saturating_sub(surveyed.stalled_ms);
        let more_starvations = starvations.saturating_sub(surveyed.starvations);
        self.stalled_ms += u64::from(more_stalled_ms);
        self.starvations += u64::from(more_starvations);
        let stalls = more_stalled_ms > 0 || more_starvations > 0;
        let troubled = if stalls { TROUBLED_ROUNDS } else { surveyed.troubled.saturating_sub(1) };
        *surveyed = SurveyTotals { last_seen, stalled_ms, starvations, troubled };
        watched
    }
}
