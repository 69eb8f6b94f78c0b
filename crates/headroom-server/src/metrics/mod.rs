//! Counters, gauges and histograms for Prometheus. No session or address is ever a label.

mod catalogue;
mod collected;
mod labels;

pub(crate) use labels::{DropReason, MessageSource, ReportSource, RequestKind, ShedKind};

use crate::inference::Reader;
use catalogue::Catalogue;
use collected::{EngineCollector, ReaderCollector};
use headroom_cluster::{meters::Meters, rollup::Cell, shard::Shards};
use headroom_core::time::Duration;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::sync::{Arc, RwLock, atomic::AtomicU64};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByKind {
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
struct ByQuantile {
    quantile: &'static str,
}

/// All metrics. Counters are resolved once, so counting is one atomic addition.
pub(crate) struct Metrics {
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
    registry: RwLock<Registry>,
}

/// Quantiles of the opinion scores that are exported.
const OPINIONS: [(f64, &str); 3] = [(0.1, "0.1"), (0.5, "0.5"), (0.9, "0.9")];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut all = Catalogue::with_prefix("headroom");
        let kind = |kind| ByKind { kind };
        let source = |source| BySource { source };
        let reason = |reason| ByReason { reason };
        let scores = all.gauges(
            &OPINIONS.map(|(_, quantile)| quantile),
            |quantile| ByQuantile { quantile },
            "opinion_score",
            "Quantiles of the sessions' mean opinion scores",
        );
        Self {
            requests: all.counters(RequestKind::LABELS, kind, "requests", "Requests by what they were for"),
            reports: all.counters(ReportSource::LABELS, source, "reports", "Reports taken in by where they came from"),
            dropped: all.counters(
                DropReason::LABELS,
                reason,
                "reports_dropped",
                "Reports or parts of them not used, by reason",
            ),
            shed: all.counters(ShedKind::LABELS, kind, "shed", "What was turned away because a bound was reached"),
            messages: all.counters(
                MessageSource::LABELS,
                source,
                "messages",
                "Messages of viewers by where they came from",
            ),
            blind_spots: all.counter("blind_spots", "Complaints that telemetry does not explain"),
            message_delay: all.seconds(
                [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5],
                "message_delay",
                "Time from the arrival of a message to the engine",
            ),
            coerced: all.counter("reports_coerced", "Values read although they were not as the standard wants"),
            connections: all.gauge("connections", "Open connections"),
            edge_bytes: all.counter_of(Unit::Bytes, "edge_sent", "Body bytes sent by the edge"),
            origin_failures: all.counter("origin_failures", "Requests the origin did not answer"),
            alerts_firing: all.gauge("alerts_firing", "Alerts that are not over"),
            notifications_sent: all.counter("notifications_sent", "Notifications that were taken"),
            notifications_failed: all.counter("notifications_failed", "Notifications nobody took"),
            reloads_failed: all.counter("reloads_failed", "Changed certificates and keys that could not be used"),
            unknown_edges: all.counter("unknown_edges", "Requests of an edge that edge.names does not hold"),
            history_lost: all.counter("history_lost", "Entries of the history never written"),
            history_written: all.counter("history_written", "Entries of the history written"),
            history_degraded: all.gauge("history_degraded", "1 while the history cannot be written"),
            archive_rows: all.counter("archive_rows", "Rows of the archive written to the journal"),
            archive_lost: all.counter("archive_lost", "Rows of the archive never written"),
            archive_files: all.counter("archive_files", "Files of the archive written"),
            archive_degraded: all.gauge("archive_degraded", "1 while the archive cannot be written"),
            // Ticks of a shard take microseconds to milliseconds; intervals are configurable from 1 to 5 s.
            tick: all.seconds(
                [1e-5, 1e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25],
                "tick",
                "Time one shard took to decide",
            ),
            tick_interval: all.seconds(
                [0.5, 1.0, 1.9, 2.0, 2.05, 2.1, 2.2, 2.5, 3.0, 4.0, 5.0, 5.5, 10.0],
                "tick_interval",
                "Time between two ticks of one shard",
            ),
            decision_age: all.seconds(
                [0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0],
                "decision_age",
                "At each answer, the time since the session's shard last decided",
            ),
            watched: all.counter_of(Unit::Seconds, "watched", "Time all sessions watched, by their reports"),
            stalled: all.counter_of(Unit::Seconds, "stalled", "Time of that they stood still"),
            stalls: all.counter("stalls", "Stalls"),
            opinions: OPINIONS.iter().map(|&(level, _)| level).zip(scores).collect(),
            registry: RwLock::new(all.into_registry()),
        }
    }

    /// Adds what the engines count to every exposition.
    pub(crate) fn follow(&self, shards: &Arc<Shards>, max_sessions: usize) {
        let engines = EngineCollector { shards: Arc::downgrade(shards), max_sessions };
        let mut registry = self.registry.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register_collector(Box::new(engines));
    }

    /// Adds what the reader counts to every exposition.
    pub(crate) fn follow_reader(&self, reader: Arc<dyn Reader>) {
        let mut registry = self.registry.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register_collector(Box::new(ReaderCollector(reader)));
    }

    pub(crate) fn request(&self, kind: RequestKind) {
        self.requests[kind as usize].inc();
    }

    pub(crate) fn report(&self, source: ReportSource) {
        self.reports[source as usize].inc();
    }

    pub(crate) fn reports(&self, source: ReportSource, count: u64) {
        self.reports[source as usize].inc_by(count);
    }

    pub(crate) fn dropped(&self, reason: DropReason) {
        self.dropped[reason as usize].inc();
    }

    pub(crate) fn dropped_many(&self, reason: DropReason, count: u64) {
        self.dropped[reason as usize].inc_by(count);
    }

    pub(crate) fn coerced(&self, count: u64) {
        self.coerced.inc_by(count);
    }

    pub(crate) fn shed(&self, what: ShedKind) {
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

    /// The OpenMetrics exposition.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Meters for Metrics {
    fn late(&self) {
        self.dropped(DropReason::Late);
    }

    fn replayed(&self) {
        self.dropped(DropReason::Replayed);
    }

    fn shed_record(&self) {
        self.shed(ShedKind::Record);
    }

    fn decision_age(&self, age: Duration) {
        self.decision_age.observe(age.as_secs_f64());
    }
}
