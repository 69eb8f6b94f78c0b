//! What the archive counts.

use crate::metrics::Catalogue;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Rows and files written and lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArchiveMetrics {
    /// Rows that are safe from the death of the process.
    pub(super) rows: Counter,
    /// Rows that were never written.
    pub(super) lost: Counter,
    /// Files that were written.
    pub(super) files: Counter,
    /// 1 while the archive cannot be written.
    pub(super) degraded: Gauge,
}

impl ArchiveMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        Self {
            rows: all.counter("archive_rows", "Rows of the archive written to the journal"),
            lost: all.counter("archive_lost", "Rows of the archive never written"),
            files: all.counter("archive_files", "Files of the archive written"),
            degraded: all.gauge("archive_degraded", "1 while the archive cannot be written"),
        }
    }
}
