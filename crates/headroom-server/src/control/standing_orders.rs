//! The file of standing orders: what operators ordered stays in force over a restart.
//!
//! Orders about single sessions end with the process, as its sessions do.

use super::scope::OrderScope;
use crate::alerts::Silence;
use headroom_core::{
    experiment::{Experiment, Holdback},
    mode::Mode,
    objective::Objective,
    time::Timestamp,
    units::Bitrate,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::Mutex;

/// Name of the file in the data directory.
const FILE: &str = "orders.json";

/// Where standing orders are written down.
pub(crate) struct OrderStore {
    pub(super) path: PathBuf,
    /// Held while a snapshot is taken and written, so that the newest is written last.
    pub(super) writing: Arc<Mutex<()>>,
}

/// An override in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Override)]
pub(crate) struct Override {
    pub(super) scope: OrderScope,
    pub(super) max_bitrate_kbps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until_us: Option<Timestamp>,
}

impl Override {
    pub(super) fn is_in_force(&self, now: Timestamp) -> bool {
        self.until_us.is_none_or(|until| until >= now)
    }
}

/// An order of what steering is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectiveOrder {
    pub(super) scope: OrderScope,
    pub(super) objective: Objective,
}

/// What is written down.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StandingOrders {
    pub(super) overrides: Vec<Override>,
    pub(super) objectives: Vec<ObjectiveOrder>,
    pub(super) bottlenecks: Vec<StandingCapacity>,
    pub(super) silences: Vec<Silence>,
    pub(super) pathways: Option<StandingPathways>,
    pub(super) modes: StandingModes,
    pub(super) experiments: StandingExperiments,
}

/// What operators made of the experiments of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StandingExperiments {
    /// In place of the configuration's.
    pub(super) holdback: Option<Holdback>,
    /// Beside those of the configuration, or in place of one of the same name.
    pub(super) started: Vec<Experiment>,
    /// Names of those of the configuration that were stopped.
    pub(super) stopped: Vec<String>,
    /// Arms that a guardrail stopped, each with its experiment.
    pub(super) tripped: Vec<(String, String)>,
}

/// Modes that operators ordered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StandingModes {
    /// For everybody; the configuration's without one.
    pub(super) everybody: Option<ModeOrder>,
    /// For streams by name.
    pub(super) streams: BTreeMap<String, ModeOrder>,
}

/// A mode that somebody ordered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct ModeOrder {
    pub(super) mode: Mode,
    /// Why, as whoever ordered it said.
    pub(super) reason: String,
    /// Since when.
    pub(super) at_us: Timestamp,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StandingCapacity {
    pub(super) stream: Option<String>,
    #[serde(rename = "capacity_kbps")]
    pub(super) capacity: Bitrate,
}

/// An order of pathways means something among the pathways it was given for only.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct StandingPathways {
    pub(super) configured: Vec<String>,
    pub(super) order: Vec<String>,
}

impl OrderStore {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        Self { path: directory.join(FILE), writing: Arc::default() }
    }

    /// The orders of the last run. What cannot be read is laid aside and reported: a server without them still serves, and
    /// observes until an operator says otherwise.
    pub(super) fn read(&self) -> StandingOrders {
        let read = fs::read(&self.path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
        read.unwrap_or_else(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                return StandingOrders::default();
            }
            let aside = self.path.with_extension("json.unreadable");
            tracing::error!(%error, aside = %aside.display(), "orders of before the restart cannot be read: observing");
            let _ = fs::rename(&self.path, aside);
            // One of them may have been to stand aside. To steer somebody's viewers against an order would be worse than
            // not to steer.
            let reason = format!("orders of before the restart cannot be read: {error}");
            let observe = ModeOrder { mode: Mode::Observe, reason, at_us: Timestamp::default() };
            let modes = StandingModes { everybody: Some(observe), ..StandingModes::default() };
            StandingOrders { modes, ..StandingOrders::default() }
        })
    }
}
