//! What comes in and how it is answered: requests, reports, what is dropped or shed.

use super::{
    catalogue::Catalogue,
    labels::{ByKind, ByReason, BySource, DropReason, ReportSource, RequestKind, ShedKind},
};
use headroom_cluster::meters::Meters;
use headroom_core::time::Duration;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};

/// Metrics that several parts count. Counters are resolved once, so counting is one atomic addition.
pub(crate) struct Metrics {
    requests: Box<[Counter]>,
    reports: Box<[Counter]>,
    dropped: Box<[Counter]>,
    shed: Box<[Counter]>,
    coerced: Counter,
    /// Open connections.
    pub(crate) connections: Gauge,
    /// Requests of an edge that is not configured.
    pub(crate) unknown_edges: Counter,
    decision_age: Histogram,
}

impl Metrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        let kind = |kind| ByKind { kind };
        let source = |source| BySource { source };
        let reason = |reason| ByReason { reason };
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
            coerced: all.counter("reports_coerced", "Values read although they were not as the standard wants"),
            connections: all.gauge("connections", "Open connections"),
            unknown_edges: all.counter("unknown_edges", "Requests of an edge that edge.names does not hold"),
            decision_age: all.seconds(
                [0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0],
                "decision_age",
                "At each answer, the time since the session's shard last decided",
            ),
        }
    }

    /// Counts a request.
    pub(crate) fn request(&self, kind: RequestKind) {
        self.requests[kind as usize].inc();
    }

    /// Counts a report.
    pub(crate) fn report(&self, source: ReportSource) {
        self.reports[source as usize].inc();
    }

    pub(crate) fn reports(&self, source: ReportSource, count: u64) {
        self.reports[source as usize].inc_by(count);
    }

    /// Counts a report, or a part of one, that is not used.
    pub(crate) fn dropped(&self, reason: DropReason) {
        self.dropped[reason as usize].inc();
    }

    pub(crate) fn dropped_many(&self, reason: DropReason, count: u64) {
        self.dropped[reason as usize].inc_by(count);
    }

    /// Counts values that were read although they are not as the standard wants.
    pub(crate) fn coerced(&self, count: u64) {
        self.coerced.inc_by(count);
    }

    /// Counts what is turned away.
    pub(crate) fn shed(&self, what: ShedKind) {
        self.shed[what as usize].inc();
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
