//! The experiments of the configuration, and what operators made of them.

use super::standing_orders::StandingExperiments;
use headroom_cluster::{arms::ArmTable, lock::locked};
use headroom_core::experiment::{Experiment, Holdback, Unit};
use std::sync::Mutex;

/// Experiments of the configuration, and what operators made of them.
pub(crate) struct ExperimentOrders {
    holdback: Holdback,
    pub(super) configured: Vec<Experiment>,
    pub(super) ordered: Mutex<StandingExperiments>,
}

impl ExperimentOrders {
    /// No order yet.
    pub(crate) fn of(holdback: &Holdback, configured: &[Experiment]) -> Self {
        Self { holdback: holdback.clone(), configured: configured.to_vec(), ordered: Mutex::default() }
    }

    /// What is written down.
    pub(super) fn standing(&self) -> StandingExperiments {
        locked(&self.ordered).clone()
    }

    /// What holds: the configuration's, but for what was stopped, and what was started.
    pub(super) fn in_force(&self, ordered: &StandingExperiments) -> (Holdback, Vec<Experiment>) {
        let holdback = ordered.holdback.clone().unwrap_or_else(|| self.holdback.clone());
        let replaced = |name: &str| {
            ordered.stopped.iter().any(|stopped| stopped == name)
                || ordered.started.iter().any(|started| started.name == name)
        };
        let configured = self.configured.iter().filter(|experiment| !replaced(&experiment.name));
        (holdback, configured.chain(&ordered.started).cloned().collect())
    }
}

/// What a sound experiment asks for that this server cannot do.
pub(crate) fn unsupported(table: &ArmTable) -> Option<String> {
    table.experiments().experiments().iter().find_map(|experiment| {
        let name = &experiment.name;
        if let Some(arm) = experiment.arms.iter().find(|arm| arm.policy.is_some()) {
            return Some(format!("experiment {name}: arm {}: all arms of a server have its policy; compare objectives, modes or actuators", arm.name));
        }
        if experiment.ramp.len() > 1 {
            return Some(format!(
                "experiment {name}: the server does not go from step to step of a ramp by itself; give one, and order the next with PUT /v1/experiments"
            ));
        }
        (experiment.unit == Unit::Viewer)
            .then(|| format!("experiment {name}: the server knows no cookies of viewers; unit is session, network, stream or time_slice"))
    })
}
