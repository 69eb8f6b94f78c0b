//! Standing orders: what operators ordered stays in force over a restart, where there is a data directory.
//!
//! Orders about single sessions end with the process, as its sessions do.

use super::{
    standing_orders::{OrderStore, StandingCapacity, StandingOrders, StandingPathways},
    state::Resources,
};
use crate::whole_file;
use headroom_cluster::bottleneck::Bottleneck;
use std::{io, sync::Arc, time::Duration};

/// How long an order waits for the disk before it is answered all the same.
const PATIENCE: Duration = Duration::from_secs(2);

impl Resources {
    /// Puts the orders of the last run in force again.
    pub(crate) fn reinstate(&self) {
        let mut orders = self.order_store.as_ref().map(OrderStore::read).unwrap_or_default();
        self.reinstate_experiments(std::mem::take(&mut orders.experiments));
        if orders == StandingOrders::default() {
            return;
        }
        self.reinstate_modes(orders.modes);
        let mut refused = 0;
        let mut count = |taken: bool| refused += usize::from(!taken);
        let now = self.clock.now();
        for order in orders.overrides.into_iter().filter(|order| order.is_in_force(now)) {
            count(self.put_in_force(order).is_ok());
        }
        for order in orders.objectives {
            count(self.pursue(order).is_ok());
        }
        for StandingCapacity { stream, capacity } in orders.bottlenecks {
            count(self.share_out(stream, capacity).is_ok());
        }
        for silence in orders.silences {
            count(self.alerts.silence(silence));
        }
        if let Some(StandingPathways { configured, order }) =
            orders.pathways.filter(|_| !self.pathways.configured().is_empty())
        {
            count(configured == self.pathways.configured() && self.pathways.set(None, order).is_ok());
        }
        tracing::info!(
            overrides = self.standing_overrides().len(),
            objectives = self.standing_objectives().len(),
            bottlenecks = self.bottlenecks.listed().len(),
            silences = self.alerts.silences(self.now_s()).len(),
            mode = %self.modes.everybody(),
            refused,
            "orders of before the restart are in force"
        );
    }

    /// Writes the standing orders down. A disk that does not take them costs the next start, not the order.
    pub(super) async fn write_down(self: &Arc<Self>) {
        let Some(order_store) = &self.order_store else { return };
        let (path, writing, resources) = (order_store.path.clone(), Arc::clone(&order_store.writing), Arc::clone(self));
        let written = async move {
            let guard = writing.lock_owned().await;
            let write = move || {
                let _guard = guard;
                whole_file::replace(&path, &serde_json::to_vec_pretty(&resources.standing())?)
            };
            tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
        };
        let written = tokio::time::timeout(PATIENCE, written).await.unwrap_or_else(|late| Err(late.into()));
        if let Err(error) = written {
            tracing::error!(%error, "orders cannot be written down and end with this process");
        }
    }

    fn standing(&self) -> StandingOrders {
        let capacity = |Bottleneck { stream, capacity, .. }| StandingCapacity { stream, capacity };
        let (configured, order) = (self.pathways.configured().to_vec(), self.pathways.order());
        StandingOrders {
            overrides: self.standing_overrides(),
            objectives: self.standing_objectives(),
            bottlenecks: self.bottlenecks.listed().into_iter().map(capacity).collect(),
            silences: self.alerts.silences(self.now_s()),
            modes: self.modes.standing(),
            experiments: self.experiments.standing(),
            pathways: (order != configured).then_some(StandingPathways { configured, order }),
        }
    }
}
