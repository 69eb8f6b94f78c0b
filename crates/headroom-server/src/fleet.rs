//! The fleet as last seen: what alerts and the capacity view read, and where minutes come from.

use crate::{
    feedback::Feedback,
    history::{AudienceMinute, Entry, History},
    metrics::{ByQuantile, Catalogue},
};
use headroom_cluster::{
    account::ArmAccounts,
    rollup::{Cell, Rollup},
    shard::Shards,
};
use headroom_core::time::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Unit,
};
use std::sync::{Arc, atomic::AtomicU64};
use tokio::sync::watch;

/// Ticks from one round to the next, ten seconds by default: short enough for an alert to be early, long enough that
/// a million snapshots cost little.
pub(crate) const ROUND_TICKS: u32 = 5;

/// One look at every session.
#[derive(Debug, Default)]
pub(crate) struct FleetSnapshot {
    /// When it was complete.
    pub(crate) at: Timestamp,
    /// Time it sums up, s.
    pub(crate) span_s: f64,
    pub(crate) rollup: Rollup,
    /// What sessions of each arm went through since the arms were last changed.
    pub(crate) arms: ArmAccounts,
}

/// Gathers rounds while the shards tick, and minutes from rounds.
pub(crate) struct FleetSampler {
    latest: watch::Sender<Arc<FleetSnapshot>>,
    history: Option<Arc<History>>,
    metrics: FleetMetrics,
    round: Option<(Rollup, ArmAccounts)>,
    /// Ticks until the next round.
    waits: u32,
    last_round: Option<Timestamp>,
    minute: Rollup,
    minute_at_s: u64,
    /// The minute whose messages are being summed.
    hearing_s: u64,
}

impl FleetSampler {
    pub(crate) fn new(
        latest: watch::Sender<Arc<FleetSnapshot>>,
        history: Option<Arc<History>>,
        metrics: FleetMetrics,
    ) -> Self {
        Self {
            latest,
            history,
            metrics,
            round: None,
            waits: 1,
            last_round: None,
            minute: Rollup::default(),
            minute_at_s: 0,
            hearing_s: 0,
        }
    }

    /// Looks at the sessions of one shard, just decided, when a round is on. Rounds go over all shards in order.
    pub(crate) fn look(&mut self, shards: &Shards, index: usize) {
        if index == 0 {
            self.waits -= 1;
        }
        if index == 0 && self.waits == 0 {
            self.waits = ROUND_TICKS;
            self.round = Some((Rollup { rounds: 1, ..Rollup::default() }, ArmAccounts::default()));
        }
        let Some((round, arms)) = &mut self.round else { return };
        shards.survey(index, round, arms);
        if index + 1 == shards.count()
            && let Some((round, arms)) = self.round.take()
        {
            self.finish(round, arms, shards.now());
        }
    }

    /// Keeps the state of every audience, once a minute.
    pub(crate) fn hear(&mut self, feedback: &Feedback, at: Timestamp) {
        let at_s = at.as_micros() / 60_000_000 * 60;
        let ended = std::mem::replace(&mut self.hearing_s, at_s);
        if ended > 0 && ended != at_s {
            self.keep_audiences(feedback, ended);
        }
    }

    /// Hands what is not yet kept of the running minute to the history.
    pub(crate) fn close(&mut self, feedback: &Feedback) {
        self.keep_audiences(feedback, self.hearing_s);
        self.close_minute();
    }

    fn keep_audiences(&self, feedback: &Feedback, at_s: u64) {
        let Some(history) = &self.history else { return };
        for name in feedback.names() {
            if let Some((state, _)) = feedback.audience(&name) {
                history.keep(Entry::Audience(AudienceMinute::of(at_s, name, &state)));
            }
        }
    }

    fn finish(&mut self, rollup: Rollup, arms: ArmAccounts, at: Timestamp) {
        let span_s = self.last_round.replace(at).map_or(0.0, |last| at.since(last).as_secs_f64());
        let minute_at_s = at.as_micros() / 60_000_000 * 60;
        if minute_at_s != self.minute_at_s {
            self.close_minute();
            self.minute_at_s = minute_at_s;
        }
        self.metrics.observe_round(&rollup.total());
        if self.history.is_some() {
            self.minute.merge(rollup.clone());
        }
        self.latest.send_replace(Arc::new(FleetSnapshot { at, span_s, rollup, arms }));
    }

    /// Hands the minute so far to the history.
    fn close_minute(&mut self) {
        let rollup = std::mem::take(&mut self.minute);
        if let Some(history) = &self.history
            && rollup.rounds > 0
            && !rollup.cells.is_empty()
        {
            history.keep(Entry::Minute { at_s: self.minute_at_s, rollup });
        }
    }
}

/// Quantiles of the opinion scores that are exported.
const OPINIONS: [(f64, &str); 3] = [(0.1, "0.1"), (0.5, "0.5"), (0.9, "0.9")];

/// What all sessions went through, as metrics.
pub(crate) struct FleetMetrics {
    watched: Counter<f64, AtomicU64>,
    stalled: Counter<f64, AtomicU64>,
    stalls: Counter,
    opinions: Box<[(f64, Gauge<f64, AtomicU64>)]>,
}

impl FleetMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        let scores = all.gauges(
            &OPINIONS.map(|(_, quantile)| quantile),
            |quantile| ByQuantile { quantile },
            "opinion_score",
            "Quantiles of the sessions' mean opinion scores",
        );
        Self {
            watched: all.counter_of(Unit::Seconds, "watched", "Time all sessions watched, by their reports"),
            stalled: all.counter_of(Unit::Seconds, "stalled", "Time of that they stood still"),
            stalls: all.counter("stalls", "Stalls"),
            opinions: OPINIONS.iter().map(|&(level, _)| level).zip(scores).collect(),
        }
    }

    /// Takes in what all sessions went through since the last round.
    fn observe_round(&self, total: &Cell) {
        self.watched.inc_by(total.watched_ms as f64 / 1_000.0);
        self.stalled.inc_by(total.stalled_ms as f64 / 1_000.0);
        self.stalls.inc_by(total.starvations);
        for (level, gauge) in &self.opinions {
            gauge.set(total.mos.quantile(*level).unwrap_or(f64::NAN));
        }
    }
}
