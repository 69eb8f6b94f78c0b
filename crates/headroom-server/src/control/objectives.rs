//! Objectives: an operator's word on what steering is for, for a session, a stream or everyone.
//!
//! A session's own order counts first, then that of its stream, then that for everyone, then the configuration.

use super::{
    scope::OrderScope,
    standing_orders::ObjectiveOrder,
    state::{Resources, Shared, parsed},
};
use crate::http::{
    page::{Page, PageQuery},
    problem::Problem,
    respond::no_content,
};
use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use headroom_cluster::lock::locked;
use headroom_core::objective::Objective;
use serde::Deserialize;

/// Orders that may be in force at a time.
const MAX_OBJECTIVES: usize = 10_000;

/// An order to take back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OldObjective {
    scope: OrderScope,
}

/// Orders what steering is for. Advice follows it from the next question on.
#[utoipa::path(
    put,
    path = "/v1/objectives",
    operation_id = "put_objective",
    tag = "orders",
    request_body = ObjectiveOrder,
    responses((status = 200, description = "It is in force.", body = ObjectiveOrder), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<ObjectiveOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    resources.pursue(order.clone())?;
    tracing::info!(scope = ?order.scope, objective = order.objective.name(), "objective");
    Ok(Json(order).into_response())
}

/// Takes an order back: the next wider one counts again, or the configuration.
#[utoipa::path(
    delete,
    path = "/v1/objectives",
    operation_id = "delete_objective",
    tag = "orders",
    request_body = OldObjective,
    responses((status = 204, description = "No such order is in force any more."), Problem)
)]
pub(super) async fn delete(
    State(resources): Shared,
    body: Result<Json<OldObjective>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    locked(&resources.objectives).remove(&order.scope);
    tracing::info!(scope = ?order.scope, "objective released");
    resources.order_objective(&order.scope, None)?;
    Ok(no_content())
}

/// Orders in force.
#[utoipa::path(
    get,
    path = "/v1/objectives",
    operation_id = "list_objectives",
    tag = "orders",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of orders.", body = Page<ObjectiveOrder>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let orders = resources.objectives_where(|scope| scope.is_live(&resources.ingest));
    Ok(Page::of(orders.into_iter(), query)?.answer(&headers))
}

impl Resources {
    /// Lets an order act and lists it, in place of one for the same scope.
    pub(super) fn pursue(&self, order: ObjectiveOrder) -> Result<(), Problem> {
        {
            let mut objectives = locked(&self.objectives);
            if objectives.len() >= MAX_OBJECTIVES && !objectives.contains_key(&order.scope) {
                objectives.retain(|scope, _| scope.is_live(&self.ingest));
            }
            if objectives.len() >= MAX_OBJECTIVES && !objectives.contains_key(&order.scope) {
                return Err(Problem::overloaded(format!("{MAX_OBJECTIVES} objectives are in force")));
            }
        }
        self.order_objective(&order.scope, Some(order.objective))?;
        locked(&self.objectives).insert(order.scope, order.objective);
        Ok(())
    }

    /// Orders in force that do not end with the sessions of now.
    pub(super) fn standing_objectives(&self) -> Vec<ObjectiveOrder> {
        self.objectives_where(OrderScope::is_standing)
    }

    fn objectives_where(&self, counts: impl Fn(&OrderScope) -> bool) -> Vec<ObjectiveOrder> {
        let objectives = locked(&self.objectives);
        let counted = objectives.iter().filter(|(scope, _)| counts(scope));
        counted.map(|(scope, &objective)| ObjectiveOrder { scope: scope.clone(), objective }).collect()
    }

    fn order_objective(&self, target: &OrderScope, objective: Option<Objective>) -> Result<(), Problem> {
        for scope in target.resolved(&self.ingest)? {
            self.ingest.engines.order_objective(scope, objective);
        }
        Ok(())
    }
}
