//! The archive reads along with the shards.

use super::{collect::Collector, keeper::Archive};
use headroom_cluster::tap::{Handover, Tap};
use headroom_core::{
    decision::Decision,
    telemetry::{Sample, StreamId},
    time::Timestamp,
};
use std::sync::Arc;

/// Gathers the rows of one shard for its archive.
pub(crate) struct ArchiveTap {
    archive: Arc<Archive>,
    collector: Collector,
}

impl ArchiveTap {
    /// Reads along with one of `shards` shards.
    pub(crate) fn new(archive: Arc<Archive>, shards: usize) -> Self {
        let collector = archive.collector(shards);
        Self { archive, collector }
    }
}

impl Tap for ArchiveTap {
    fn sample(&mut self, sample: &Sample) {
        self.collector.sample(sample);
    }

    fn decision(&mut self, stream: StreamId, decision: &Decision) {
        self.collector.decision(stream, decision);
    }

    fn take(&mut self, now: Timestamp) -> Handover {
        let (rows, lost) = self.collector.take(now, self.archive.is_incident(now));
        let archive = Arc::clone(&self.archive);
        Box::new(move || {
            archive.metrics.lost.inc_by(lost);
            archive.keep(rows);
        })
    }
}
