//! Counters, gauges and histograms for Prometheus. No session or address is ever a label.

mod collected;
mod labels;

pub(crate) use labels::{Dropped, MessageSource, Request, Shed, Source};

use crate::{reader::Reader, rollup::Cell, shard::Shards};
use collected::{Engines, Recalled};
use headroom_core::time::Duration;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::sync::{Arc, RwLock, atomic::AtomicU64};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BySource {
    source: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Quantile {
    quantile: &'static str,
}

/// All metrics. Counters are resolved once, so counting is one atomic addition.
pub(crate) struct Metrics {
    registry: RwLock<Registry>,
    requests: Box<[Counter]>,
    reports: Box<[Counter]>,
    dropped: Box<[Counter]>,
    shed: Box<[Counter]>,
    messages: Box<[Counter]>,
    blind_spots: Counter,
    message_delay: Histogram,
    coerced: Counter,
    /// Open connections.
    pub(crate) connections: Gauge,
    edge_bytes: Counter,
    origin_failures: Counter,
    /// Alerts that are not over.
    pub(crate) alerts_firing: Gauge,
    /// Notifications that were taken.
    pub(crate) notifications_sent: Counter,
    /// Notifications that nobody took.
    pub(crate) notifications_failed: Counter,
    /// Certificates and keys that were changed and could not be used.
    pub(crate) reloads_failed: Counter,
    /// Requests of an edge that is not configured.
    pub(crate) unknown_edges: Counter,
    /// Entries of the history that were never written.
    pub(crate) history_lost: Counter,
    /// Entries of the history that were written.
    pub(crate) history_written: Counter,
    /// 1 while the history cannot be written.
    pub(crate) history_degraded: Gauge,
    /// Rows of the archive that are safe from the death of the process.
    pub(crate) archive_rows: Counter,
    /// Rows of the archive that were never written.
    pub(crate) archive_lost: Counter,
    /// Files of the archive that were written.
    pub(crate) archive_files: Counter,
    /// 1 while the archive cannot be written.
    pub(crate) archive_degraded: Gauge,
    tick: Histogram,
    tick_interval: Histogram,
    decision_age: Histogram,
    watched: Counter<f64, AtomicU64>,
    stalled: Counter<f64, AtomicU64>,
    stalls: Counter,
    opinions: Box<[(f64, Gauge<f64, AtomicU64>)]>,
}

/// Quantiles of the opinion scores that are exported.
const OPINIONS: [(f64, &str); 3] = [(0.1, "0.1"), (0.5, "0.5"), (0.9, "0.9")];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("headroom");
        let requests = resolved(
            Request::LABELS,
            |kind| Kind { kind },
            |family| {
                registry.register("requests", "Requests by what they were for", family);
            },
        );
        let reports = resolved(
            Source::LABELS,
            |source| BySource { source },
            |family| {
                registry.register("reports", "Reports taken in by where they came from", family);
            },
        );
        let dropped = resolved(
            Dropped::LABELS,
            |reason| ByReason { reason },
            |family| {
                registry.register("reports_dropped", "Reports or parts of them not used, by reason", family);
            },
        );
        let shed = resolved(
            Shed::LABELS,
            |kind| Kind { kind },
            |family| {
                registry.register("shed", "What was turned away because a bound was reached", family);
            },
        );
        // Ticks of a shard take microseconds to milliseconds; intervals are configurable from 1 to 5 s.
        let tick = Histogram::new([1e-5, 1e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25]);
        let tick_interval = Histogram::new([0.5, 1.0, 1.9, 2.0, 2.05, 2.1, 2.2, 2.5, 3.0, 4.0, 5.0, 5.5, 10.0]);
        let decision_age = Histogram::new([0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0]);
        let (coerced, edge_bytes, origin_failures) = (Counter::default(), Counter::default(), Counter::default());
        let connections = Gauge::default();
        registry.register(
            "reports_coerced",
            "Values read although they were not as the standard wants",
            coerced.clone(),
        );
        registry.register("connections", "Open connections", connections.clone());
        registry.register_with_unit("edge_sent", "Body bytes sent by the edge", Unit::Bytes, edge_bytes.clone());
        registry.register("origin_failures", "Requests the origin did not answer", origin_failures.clone());
        let alerts_firing = Gauge::default();
        let (notifications_sent, notifications_failed) = (Counter::default(), Counter::default());
        registry.register("alerts_firing", "Alerts that are not over", alerts_firing.clone());
        registry.register("notifications_sent", "Notifications that were taken", notifications_sent.clone());
        let unknown_edges = Counter::default();
        registry.register("unknown_edges", "Requests of an edge that edge.names does not hold", unknown_edges.clone());
        let reloads_failed = Counter::default();
        let about = "Changed certificates and keys that could not be used";
        registry.register("reloads_failed", about, reloads_failed.clone());
        registry.register("notifications_failed", "Notifications nobody took", notifications_failed.clone());
        let (history_lost, history_written) = (Counter::default(), Counter::default());
        let history_degraded = Gauge::default();
        registry.register("history_lost", "Entries of the history never written", history_lost.clone());
        registry.register("history_written", "Entries of the history written", history_written.clone());
        registry.register("history_degraded", "1 while the history cannot be written", history_degraded.clone());
        let (archive_rows, archive_lost, archive_files) = (Counter::default(), Counter::default(), Counter::default());
        let archive_degraded = Gauge::default();
        registry.register("archive_rows", "Rows of the archive written to the journal", archive_rows.clone());
        registry.register("archive_lost", "Rows of the archive never written", archive_lost.clone());
        registry.register("archive_files", "Files of the archive written", archive_files.clone());
        registry.register("archive_degraded", "1 while the archive cannot be written", archive_degraded.clone());
        registry.register_with_unit("tick", "Time one shard took to decide", Unit::Seconds, tick.clone());
        registry.register_with_unit(
            "tick_interval",
            "Time between two ticks of one shard",
            Unit::Seconds,
            tick_interval.clone(),
        );
        registry.register_with_unit(
            "decision_age",
            "At each answer, the time since the session's shard last decided",
            Unit::Seconds,
            decision_age.clone(),
        );
        let (watched, stalled, stalls) = (Counter::default(), Counter::default(), Counter::default());
        let unit = Unit::Seconds;
        registry.register_with_unit(
            "watched",
            "Time all sessions watched, by their reports",
            unit.clone(),
            watched.clone(),
        );
        registry.register_with_unit("stalled", "Time of that they stood still", unit, stalled.clone());
        registry.register("stalls", "Stalls", stalls.clone());
        let scores = Family::<Quantile, Gauge<f64, AtomicU64>>::default();
        let score = |(level, quantile)| (level, scores.get_or_create(&Quantile { quantile }).clone());
        let opinions = OPINIONS.into_iter().map(score).collect();
        registry.register("opinion_score", "Quantiles of the sessions' mean opinion scores", scores);
        let messages = resolved(
            MessageSource::LABELS,
            |source| BySource { source },
            |family| {
                registry.register("messages", "Messages of viewers by where they came from", family);
            },
        );
        let blind_spots = Counter::default();
        registry.register("blind_spots", "Complaints that telemetry does not explain", blind_spots.clone());
        let message_delay = Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5]);
        registry.register_with_unit(
            "message_delay",
            "Time from the arrival of a message to the engine",
            Unit::Seconds,
            message_delay.clone(),
        );
        Self {
            registry: RwLock::new(registry),
            requests,
            reports,
            dropped,
            shed,
            messages,
            blind_spots,
            message_delay,
            coerced,
            connections,
            edge_bytes,
            origin_failures,
            alerts_firing,
            notifications_sent,
            notifications_failed,
            reloads_failed,
            unknown_edges,
            history_lost,
            history_written,
            history_degraded,
            archive_rows,
            archive_lost,
            archive_files,
            archive_degraded,
            tick,
            tick_interval,
            decision_age,
            watched,
            stalled,
            stalls,
            opinions,
        }
    }

    /// Adds what the engines count to every exposition.
    pub(crate) fn follow(&self, shards: &Arc<Shards>, max_sessions: usize) {
        let engines = Engines { shards: Arc::downgrade(shards), max_sessions };
        let mut registry = self.registry.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register_collector(Box::new(engines));
    }

    /// Adds what the reader counts to every exposition.
    pub(crate) fn follow_reader(&self, reader: Arc<dyn Reader>) {
        let mut registry = self.registry.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register_collector(Box::new(Recalled(reader)));
    }

    pub(crate) fn request(&self, kind: Request) {
        self.requests[kind as usize].inc();
    }

    pub(crate) fn report(&self, source: Source) {
        self.reports[source as usize].inc();
    }

    pub(crate) fn reports(&self, source: Source, count: u64) {
        self.reports[source as usize].inc_by(count);
    }

    pub(crate) fn dropped(&self, reason: Dropped) {
        self.dropped[reason as usize].inc();
    }

    pub(crate) fn dropped_many(&self, reason: Dropped, count: u64) {
        self.dropped[reason as usize].inc_by(count);
    }

    pub(crate) fn coerced(&self, count: u64) {
        self.coerced.inc_by(count);
    }

    pub(crate) fn shed(&self, what: Shed) {
        self.shed[what as usize].inc();
    }

    pub(crate) fn message(&self, source: MessageSource) {
        self.messages[source as usize].inc();
    }

    pub(crate) fn blind_spot(&self) {
        self.blind_spots.inc();
    }

    pub(crate) fn observe_message_delay(&self, delay: std::time::Duration) {
        self.message_delay.observe(delay.as_secs_f64());
    }

    pub(crate) fn shed_record(&self) {
        self.shed(Shed::Record);
    }

    pub(crate) fn edge_sent(&self, bytes: u64) {
        self.edge_bytes.inc_by(bytes);
    }

    pub(crate) fn origin_failed(&self) {
        self.origin_failures.inc();
    }

    pub(crate) fn observe_tick(&self, took: std::time::Duration, interval: Option<std::time::Duration>) {
        self.tick.observe(took.as_secs_f64());
        if let Some(interval) = interval {
            self.tick_interval.observe(interval.as_secs_f64());
        }
    }

    /// Takes in what all sessions went through since the last round.
    pub(crate) fn observe_round(&self, total: &Cell) {
        self.watched.inc_by(total.watched_ms as f64 / 1_000.0);
        self.stalled.inc_by(total.stalled_ms as f64 / 1_000.0);
        self.stalls.inc_by(total.starvations);
        for (level, gauge) in &self.opinions {
            gauge.set(total.mos.quantile(*level).unwrap_or(f64::NAN));
        }
    }

    pub(crate) fn observe_decision_age(&self, age: Duration) {
        self.decision_age.observe(age.as_secs_f64());
    }

    /// The OpenMetrics exposition.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// One counter for each label value, registered as one family.
fn resolved<L: Clone + std::hash::Hash + Eq>(
    labels: &[&'static str],
    label: impl Fn(&'static str) -> L,
    register: impl FnOnce(Family<L, Counter>),
) -> Box<[Counter]> {
    let family = Family::<L, Counter>::default();
    let counters = labels.iter().map(|&value| family.get_or_create(&label(value)).clone()).collect();
    register(family);
    counters
}
