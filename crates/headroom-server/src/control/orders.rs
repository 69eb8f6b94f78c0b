//! Standing orders: what operators ordered stays in force over a restart, where there is a data directory.
//!
//! Orders about single sessions end with the process, as its sessions do.

use super::{Resources, overrides::InForce};
use crate::{alerts::Silence, whole_file};
use headroom_cluster::bottleneck::Bottleneck;
use headroom_core::units::Bitrate;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;

/// Name of the file in the data directory.
const FILE: &str = "orders.json";

/// How long an order waits for the disk before it is answered all the same.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where standing orders are written down.
pub(crate) struct Book {
    path: PathBuf,
    /// Held while a snapshot is taken and written, so that the newest is written last.
    writing: Arc<Mutex<()>>,
}

/// What is written down.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Orders {
    overrides: Vec<InForce>,
    bottlenecks: Vec<Capacity>,
    silences: Vec<Silence>,
    pathways: Option<Pathways>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Capacity {
    stream: Option<String>,
    #[serde(rename = "capacity_kbps")]
    capacity: Bitrate,
}

/// An order of pathways means something among the pathways it was given for only.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pathways {
    configured: Vec<String>,
    order: Vec<String>,
}

impl Book {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join(FILE), writing: Arc::default() }
    }

    /// The orders of the last run. What cannot be read is laid aside and reported: a server without them still serves.
    fn read(&self) -> Orders {
        let read = fs::read(&self.path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        read.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let aside = self.path.with_extension("json.unreadable");
                tracing::error!(%error, aside = %aside.display(), "orders of before the restart cannot be read");
                let _ = fs::rename(&self.path, aside);
            }
            Orders::default()
        })
    }
}

impl Resources {
    /// Puts the orders of the last run in force again.
    pub(crate) fn reinstate(&self) {
        let Some(book) = &self.book else { return };
        let orders = book.read();
        if orders == Orders::default() {
            return;
        }
        let mut refused = 0;
        let mut count = |taken: bool| refused += usize::from(!taken);
        let now = self.clock.now();
        for order in orders.overrides.into_iter().filter(|order| order.is_in_force(now)) {
            count(self.put_in_force(order).is_ok());
        }
        for Capacity { stream, capacity } in orders.bottlenecks {
            count(self.share_out(stream, capacity).is_ok());
        }
        for silence in orders.silences {
            count(self.alerts.silence(silence));
        }
        if let Some(Pathways { configured, order }) = orders.pathways.filter(|_| !self.pathways.configured().is_empty())
        {
            count(configured == self.pathways.configured() && self.pathways.set(None, order).is_ok());
        }
        tracing::info!(
            overrides = self.standing_overrides().len(),
            bottlenecks = self.bottlenecks.listed().len(),
            silences = self.alerts.silences(self.now_s()).len(),
            refused,
            "orders of before the restart are in force"
        );
    }

    /// Writes the standing orders down. A disk that does not take them costs the next start, not the order.
    pub(super) async fn write_down(self: &Arc<Self>) {
        let Some(book) = &self.book else { return };
        let (path, writing, resources) = (book.path.clone(), Arc::clone(&book.writing), Arc::clone(self));
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

    fn standing(&self) -> Orders {
        let capacity = |Bottleneck { stream, capacity, .. }| Capacity { stream, capacity };
        let (configured, order) = (self.pathways.configured().to_vec(), self.pathways.order());
        Orders {
            overrides: self.standing_overrides(),
            bottlenecks: self.bottlenecks.listed().into_iter().map(capacity).collect(),
            silences: self.alerts.silences(self.now_s()),
            pathways: (order != configured).then_some(Pathways { configured, order }),
        }
    }
}
