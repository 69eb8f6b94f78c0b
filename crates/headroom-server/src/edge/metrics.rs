//! What the edge counts.

use crate::metrics::Catalogue;
use prometheus_client::{metrics::counter::Counter, registry::Unit};

/// Bytes sent and failures of the origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeMetrics {
    /// Body bytes sent.
    pub(super) sent_bytes: Counter,
    /// Requests the origin did not answer.
    pub(super) origin_failures: Counter,
    /// Requests and bodies that another server than the first took over.
    pub(super) origin_failovers: Counter,
}

impl EdgeMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        Self {
            sent_bytes: all.counter_of(Unit::Bytes, "edge_sent", "Body bytes sent by the edge"),
            origin_failures: all.counter("origin_failures", "Requests the origin did not answer"),
            origin_failovers: all.counter("origin_failovers", "Requests that a further server of the origin took over"),
        }
    }
}
