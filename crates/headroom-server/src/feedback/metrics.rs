//! What the way of messages counts.

use crate::metrics::{BySource, Catalogue, MessageSource};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

/// Messages by source, how long they took, and complaints that telemetry does not explain.
pub(crate) struct MessageMetrics {
    messages: Box<[Counter]>,
    pub(super) blind_spots: Counter,
    /// Seconds from the arrival of a message to the engine.
    pub(super) delay: Histogram,
}

impl MessageMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        Self {
            messages: all.counters(
                MessageSource::LABELS,
                |source| BySource { source },
                "messages",
                "Messages of viewers by where they came from",
            ),
            blind_spots: all.counter("blind_spots", "Complaints that telemetry does not explain"),
            delay: all.seconds(
                [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5],
                "message_delay",
                "Time from the arrival of a message to the engine",
            ),
        }
    }

    /// Counts a message.
    pub(super) fn message(&self, source: MessageSource) {
        self.messages[source as usize].inc();
    }
}
