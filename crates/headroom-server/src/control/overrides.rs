//! Overrides: an operator's word on the bit rate of a session, a stream or everyone.

use super::{
    scope::OrderScope,
    standing_orders::Override,
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
use headroom_core::{time::Duration, units::Bitrate};
use serde::Deserialize;

/// Overrides that may be in force at a time.
const MAX_OVERRIDES: usize = 10_000;

/// Longest override: a year.
const LONGEST_S: u64 = 366 * 24 * 3_600;

/// A limit to set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOverride {
    scope: OrderScope,
    #[schema(minimum = 1.0, maximum = 1e9)]
    max_bitrate_kbps: f64,
    /// Ends by itself after this many seconds.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 31_622_400)]
    for_s: Option<u64>,
}

/// A limit to take back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OldOverride {
    scope: OrderScope,
}

/// Limits the bit rate of a session, a stream or everyone, at once.
#[utoipa::path(
    put,
    path = "/v1/overrides",
    operation_id = "put_override",
    tag = "orders",
    request_body = NewOverride,
    responses((status = 200, description = "It is in force.", body = Override), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewOverride>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    if !(1.0..=Bitrate::MAX.as_kbps()).contains(&order.max_bitrate_kbps) {
        return Err(Problem::out_of_range("max_bitrate_kbps lies in 1..=1e9"));
    }
    if order.for_s.is_some_and(|seconds| !(1..=LONGEST_S).contains(&seconds)) {
        return Err(Problem::out_of_range(format!("for_s lies in 1..={LONGEST_S}")));
    }
    tracing::info!(scope = ?order.scope, max_bitrate_kbps = order.max_bitrate_kbps, for_s = order.for_s, "override");
    let in_force = Override {
        scope: order.scope,
        max_bitrate_kbps: order.max_bitrate_kbps,
        until_us: order.for_s.map(|seconds| resources.clock.now() + Duration::from_secs(seconds)),
    };
    resources.put_in_force(in_force.clone())?;
    Ok(Json(in_force).into_response())
}

/// Takes a limit back.
#[utoipa::path(
    delete,
    path = "/v1/overrides",
    operation_id = "delete_override",
    tag = "orders",
    request_body = OldOverride,
    responses((status = 204, description = "No such limit is in force any more."), Problem)
)]
pub(super) async fn delete(
    State(resources): Shared,
    body: Result<Json<OldOverride>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    locked(&resources.overrides).remove(&order.scope);
    tracing::info!(scope = ?order.scope, "override released");
    resources.restrict(&order.scope, None, None)?;
    Ok(no_content())
}

/// Limits in force.
#[utoipa::path(
    get,
    path = "/v1/overrides",
    operation_id = "list_overrides",
    tag = "orders",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of limits.", body = Page<Override>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let now = resources.clock.now();
    let overrides = locked(&resources.overrides);
    let in_force = overrides.values().filter(|entry| entry.is_in_force(now));
    Ok(Page::of(in_force, query)?.answer(&headers))
}

impl Resources {
    /// Lets an override act and lists it, in place of one for the same scope.
    pub(super) fn put_in_force(&self, order: Override) -> Result<(), Problem> {
        let now = self.clock.now();
        {
            let mut overrides = locked(&self.overrides);
            overrides.retain(|scope, entry| entry.is_in_force(now) && scope.is_live(&self.ingest));
            if overrides.len() >= MAX_OVERRIDES && !overrides.contains_key(&order.scope) {
                return Err(Problem::overloaded(format!("{MAX_OVERRIDES} overrides are in force")));
            }
        }
        let lasting = order.until_us.map(|until| until.since(now));
        self.restrict(&order.scope, Some(Bitrate::from_kbps_f64(order.max_bitrate_kbps)), lasting)?;
        locked(&self.overrides).insert(order.scope.clone(), order);
        Ok(())
    }

    /// Overrides in force that do not end with the sessions of now.
    pub(super) fn standing_overrides(&self) -> Vec<Override> {
        let now = self.clock.now();
        let overrides = locked(&self.overrides);
        overrides.values().filter(|order| order.scope.is_standing() && order.is_in_force(now)).cloned().collect()
    }

    fn restrict(&self, target: &OrderScope, cap: Option<Bitrate>, lasting: Option<Duration>) -> Result<(), Problem> {
        for scope in target.resolved(&self.ingest)? {
            self.ingest.engines.restrict(scope, cap, lasting);
        }
        Ok(())
    }
}
