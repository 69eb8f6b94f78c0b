//! The capacity plan.

use super::state::Shared;
use crate::{
    history::GroupBy,
    http::{page::tagged, problem::Problem},
    plan::{Plan, Scenario, WEEK},
};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use serde::Deserialize;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanQuery {
    /// What to tell apart; absent: streams.
    #[param(inline)]
    by: Option<GroupBy>,
    /// Hours ahead; absent: a week.
    hours: Option<usize>,
    /// Factor on everybody who watches.
    viewers: Option<f64>,
    /// Duration of a segment, s.
    segment_s: Option<f64>,
    /// Bit rates in kbit/s, separated by commas.
    #[serde(default)]
    ladder: String,
    /// Pathways or groups, separated by commas.
    #[serde(default)]
    lost: String,
}

/// What will be carried in the next hours, when it no longer fits, what it costs, and what if.
#[utoipa::path(
    get,
    path = "/v1/plan",
    operation_id = "show_plan",
    tag = "capacity",
    params(PlanQuery),
    responses(
        (status = 200, description = "The plan.", body = Plan),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn show(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PlanQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(asked) = query.map_err(|error| Problem::malformed(error.to_string()))?;
    let by = asked.by.unwrap_or(GroupBy::Stream);
    let scenario = asked.scenario()?;
    let outlook = resources.planner.outlook(resources.history.as_deref(), resources.now_s(), by).await?;
    // A capacity set at run time counts where the configuration names none.
    let bottlenecks = resources.bottlenecks.listed().into_iter();
    let bottlenecks = bottlenecks.filter(|bottleneck| bottleneck.stream.is_none() || by == GroupBy::Stream);
    let capacities = bottlenecks.map(|bottleneck| (bottleneck.stream, bottleneck.capacity.as_kbps())).collect();
    let plan = outlook
        .plan(asked.hours.unwrap_or(WEEK), &scenario, &resources.planner.settings, &capacities)
        .map_err(|error| Problem::out_of_range(error.to_string()))?;
    Ok(tagged(&plan, &headers))
}

impl PlanQuery {
    fn scenario(&self) -> Result<Scenario, Problem> {
        let names =
            |list: &str| list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let names: [Vec<String>; 2] = [names(&self.ladder), names(&self.lost)];
        let [ladder, lost] = names;
        let ladder = ladder.iter().map(|rate| rate.parse()).collect::<Result<_, _>>();
        let ladder =
            ladder.map_err(|_| Problem::malformed("ladder is a list of bit rates in kbit/s, such as 400,1200,3000"))?;
        Ok(Scenario { viewers: self.viewers.unwrap_or(1.0), ladder, lost, segment_s: self.segment_s })
    }
}
