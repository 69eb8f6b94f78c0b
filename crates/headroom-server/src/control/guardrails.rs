//! Guardrails: an arm that does harm is observed instead of steered, and everybody can read why.

use super::{
    results::{Breach, breach},
    state::Resources,
};
use crate::{
    fleet::FleetSnapshot,
    history::{Action, Entry},
};
use headroom_core::experiment::Experiment;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Looks at every round of the fleet, until the server stops.
pub(crate) async fn run(resources: Arc<Resources>, shutdown: CancellationToken) {
    let mut rounds = resources.fleet.clone();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            changed = rounds.changed() => if changed.is_err() { return },
        }
        let round = Arc::clone(&rounds.borrow_and_update());
        let mut tripped = false;
        for experiment in resources.ingest.engines.arms().experiments().experiments() {
            tripped |= look(&resources, &round, experiment);
        }
        if tripped {
            resources.write_down().await;
        }
    }
}

/// Stops the arms of an experiment that harm; says whether any was.
fn look(resources: &Resources, round: &FleetSnapshot, experiment: &Experiment) -> bool {
    let arms = resources.ingest.engines.arms().arms_of(&experiment.name);
    let Some((&control, others)) = arms.split_first() else { return false };
    let control = round.arms.of(control);
    let mut tripped = false;
    for (&id, arm) in others.iter().zip(&experiment.arms[1..]) {
        let sums = round.arms.of(id);
        let found = experiment.guardrails.iter().find_map(|guardrail| breach(guardrail, &sums, &control));
        let Some(Breach { metric, tolerance, arm: of_arm, control: of_control }) = found else { continue };
        if !resources.stop_arm(&experiment.name, &arm.name) {
            continue;
        }
        tripped = true;
        let why = format!(
            "guardrail {}: {of_arm:.4} against {of_control:.4} of the control, more than {} % worse beyond chance; the arm is observed",
            metric.name(),
            tolerance * 100.0
        );
        tracing::error!(experiment = experiment.name, arm = arm.name, why, "arm stopped");
        if let Some(history) = &resources.history {
            history.keep(Entry::Action(Action {
                at_s: resources.now_s(),
                actor: "guardrail".to_owned(),
                method: "TRIP".to_owned(),
                path: format!("/v1/experiments/{}/{}", experiment.name, arm.name),
                status: 200,
                body: serde_json::json!({ "reason": why }).to_string(),
            }));
        }
    }
    tripped
}
