//! Experiments: start, stop, and what they show so far.

use super::{
    experiment_orders::unsupported,
    results::{ExperimentResults, ObservationView, Results},
    standing_orders::StandingExperiments,
    state::{Resources, Shared, parsed},
};
use crate::http::problem::Problem;
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use headroom_cluster::{
    arms::{ArmTable, table_of},
    lock::locked,
};
use headroom_core::experiment::{Experiment, ExperimentError, Holdback};
use serde::{Deserialize, Serialize};

/// Longest reason, characters: it is kept with every restart.
const MAX_REASON: usize = 500;

/// An experiment to start or to replace, or the share of sessions to hold back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewExperiment {
    #[serde(default)]
    experiment: Option<Experiment>,
    #[serde(default)]
    holdback: Option<Holdback>,
    /// Why. It is kept in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// An experiment to stop.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OldExperiment {
    name: String,
    /// Why. It is kept in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// The experiments in force.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ExperimentsView {
    holdback: Holdback,
    experiments: Vec<ExperimentView>,
    /// Whether orders outlive this process: they are written to the data directory.
    kept: bool,
}

/// One experiment.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ExperimentView {
    #[serde(flatten)]
    experiment: Experiment,
    /// Whether it runs now.
    running: bool,
    /// Arms that a guardrail has stopped.
    tripped: Vec<String>,
}

/// Starts or replaces an experiment, or sets the holdback. What was counted so far, of all of them, begins anew.
#[utoipa::path(
    put,
    path = "/v1/experiments",
    operation_id = "put_experiment",
    tag = "experiments",
    request_body = NewExperiment,
    responses((status = 200, description = "The experiments in force.", body = ExperimentsView), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewExperiment>, JsonRejection>,
) -> Result<Response, Problem> {
    let NewExperiment { experiment, holdback, reason } = parsed(body)?;
    check_reason(&reason)?;
    if experiment.is_none() && holdback.is_none() {
        return Err(Problem::malformed("name an experiment to start, or a holdback"));
    }
    resources.change_experiments(|ordered| {
        if let Some(experiment) = experiment {
            ordered.stopped.retain(|name| *name != experiment.name);
            ordered.tripped.retain(|(name, _)| *name != experiment.name);
            ordered.started.retain(|started| started.name != experiment.name);
            ordered.started.push(experiment);
        }
        ordered.holdback = holdback.or_else(|| ordered.holdback.take());
    })?;
    Ok(Json(resources.experiments_view()).into_response())
}

/// Stops an experiment: its sessions are treated as configured again.
#[utoipa::path(
    delete,
    path = "/v1/experiments",
    operation_id = "delete_experiment",
    tag = "experiments",
    request_body = OldExperiment,
    responses((status = 200, description = "The experiments in force.", body = ExperimentsView), Problem)
)]
pub(super) async fn delete(
    State(resources): Shared,
    body: Result<Json<OldExperiment>, JsonRejection>,
) -> Result<Response, Problem> {
    let OldExperiment { name, reason } = parsed(body)?;
    check_reason(&reason)?;
    if resources.ingest.engines.arms().arms_of(&name).is_empty() {
        return Err(Problem::not_found(format!("no experiment is called {name:?}")));
    }
    resources.change_experiments(|ordered| {
        ordered.started.retain(|started| started.name != name);
        ordered.tripped.retain(|(tripped, _)| *tripped != name);
        if resources.experiments.configured.iter().any(|experiment| experiment.name == name) {
            ordered.stopped.push(name);
        }
    })?;
    Ok(Json(resources.experiments_view()).into_response())
}

/// The experiments in force, and the share of sessions that is never told anything.
#[utoipa::path(
    get,
    path = "/v1/experiments",
    operation_id = "list_experiments",
    tag = "experiments",
    responses((status = 200, description = "All of them.", body = ExperimentsView), Problem)
)]
pub(super) async fn list(State(resources): Shared) -> Response {
    Json(resources.experiments_view()).into_response()
}

/// What an experiment shows so far. `holdback` is everybody else against those held back.
#[utoipa::path(
    get,
    path = "/v1/experiments/{name}",
    operation_id = "show_experiment",
    tag = "experiments",
    params(("name" = String, Path, description = "Its name, or `holdback`.", example = "holdback")),
    responses((status = 200, description = "Its arms, and each against the first.", body = ExperimentResults), Problem)
)]
pub(super) async fn show(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let results =
        Results { round: &resources.fleet.borrow().clone(), table: &resources.ingest.engines.arms() }.of(&name);
    let results = results.ok_or_else(|| Problem::not_found(format!("no experiment is called {name:?}")))?;
    Ok(Json(results).into_response())
}

/// What would have changed: decisions that nobody was told, beside what players did by themselves.
#[utoipa::path(
    get,
    path = "/v1/observation",
    operation_id = "show_observation",
    tag = "experiments",
    responses((status = 200, description = "Since the start, or since the experiments changed.", body = ObservationView), Problem)
)]
pub(super) async fn observation(State(resources): Shared) -> Response {
    let round = resources.fleet.borrow().clone();
    Json(ObservationView::of(&round.arms.total(), round.at)).into_response()
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::out_of_range(format!("reason says why, in 1 to {MAX_REASON} characters")));
    }
    Ok(())
}

impl Resources {
    /// Lets a change act when what comes out of it is sound; else nothing changes.
    fn change_experiments(&self, change: impl FnOnce(&mut StandingExperiments)) -> Result<(), Problem> {
        let mut ordered = locked(&self.experiments.ordered);
        let mut changed = ordered.clone();
        change(&mut changed);
        let table = self.table(&changed).map_err(|error| Problem::out_of_range(error.to_string()))?;
        if let Some(problem) = unsupported(&table) {
            return Err(Problem::out_of_range(problem));
        }
        self.ingest.engines.replace_arms(table);
        for (experiment, arm) in &changed.tripped {
            self.trip(experiment, arm);
        }
        *ordered = changed;
        Ok(())
    }

    /// Puts the experiments of the configuration in force, with what operators made of them before the restart.
    pub(super) fn reinstate_experiments(&self, standing: StandingExperiments) {
        let mut ordered = locked(&self.experiments.ordered);
        // A configuration that changed meanwhile may not fit what was started: then the configuration counts.
        let (table, kept) = match self.table(&standing) {
            Ok(table) => (table, standing),
            Err(error) => {
                tracing::error!(%error, "experiments of before the restart do not fit the configuration: it counts alone");
                let none = StandingExperiments::default();
                let Ok(table) = self.table(&none) else { return };
                (table, none)
            }
        };
        let experiments = table.experiments();
        if experiments.experiments().is_empty() && experiments.holdback().share <= 0.0 {
            *ordered = kept;
            return;
        }
        self.ingest.engines.replace_arms(table);
        for (experiment, arm) in &kept.tripped {
            self.trip(experiment, arm);
        }
        *ordered = kept;
    }

    /// Stops an arm; says whether it was running.
    fn trip(&self, experiment: &str, arm: &str) -> bool {
        let table = self.ingest.engines.arms();
        let found = table.treatments().find(|(_, found)| found.experiment == experiment && found.arm == arm);
        found.is_some_and(|(id, _)| self.ingest.engines.trip(id))
    }

    /// Stops an arm for good, until the experiment is started anew; says whether it was running.
    pub(super) fn stop_arm(&self, experiment: &str, arm: &str) -> bool {
        let mut ordered = locked(&self.experiments.ordered);
        let was_running = self.trip(experiment, arm);
        if was_running {
            ordered.tripped.push((experiment.to_owned(), arm.to_owned()));
        }
        was_running
    }

    fn table(&self, ordered: &StandingExperiments) -> Result<ArmTable, ExperimentError> {
        let (holdback, experiments) = self.experiments.in_force(ordered);
        table_of(holdback, experiments, |name| self.ingest.identifier.renderings(name).collect())
    }

    fn experiments_view(&self) -> ExperimentsView {
        let table = self.ingest.engines.arms();
        let now = self.clock.now();
        let view = |experiment: &Experiment| ExperimentView {
            experiment: experiment.clone(),
            running: experiment.runs_at(now),
            tripped: table
                .treatments()
                .filter(|(_, found)| found.is_tripped && found.experiment == experiment.name)
                .map(|(_, found)| found.arm.clone())
                .collect(),
        };
        ExperimentsView {
            holdback: table.experiments().holdback().clone(),
            experiments: table.experiments().experiments().iter().map(view).collect(),
            kept: self.order_store.is_some(),
        }
    }
}
