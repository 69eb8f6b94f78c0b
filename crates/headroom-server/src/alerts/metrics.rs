//! What alerts count.

use crate::metrics::Catalogue;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// Alerts and notifications.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertMetrics {
    /// Alerts that are not over.
    pub(super) firing: Gauge,
    /// Notifications that were taken.
    pub(super) sent: Counter,
    /// Notifications that nobody took.
    pub(super) failed: Counter,
}

impl AlertMetrics {
    pub(crate) fn register(all: &mut Catalogue) -> Self {
        Self {
            firing: all.gauge("alerts_firing", "Alerts that are not over"),
            sent: all.counter("notifications_sent", "Notifications that were taken"),
            failed: all.counter("notifications_failed", "Notifications nobody took"),
        }
    }
}
