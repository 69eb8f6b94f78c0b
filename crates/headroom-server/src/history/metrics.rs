//! What the history counts.

use crate::metrics::Catalogue;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Entries written and lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistoryMetrics {
    /// Entries that were never written.
    pub(super) lost: Counter,
    /// Entries that were written.
    pub(super) written: Counter,
    /// 1 while the history cannot be written.
    pub(super) degraded: Gauge,
}

impl HistoryMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        Self {
            lost: all.counter("history_lost", "Entries of the history never written"),
            written: all.counter("history_written", "Entries of the history written"),
            degraded: all.gauge("history_degraded", "1 while the history cannot be written"),
        }
    }
}
