//! Bottlenecks of known capacity, shared by the sessions of a stream or by all.

use super::state::{Resources, Shared, parsed};
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
use headroom_cluster::bottleneck::Bottleneck;
use headroom_core::units::Bitrate;
use serde::{Deserialize, Serialize};

/// Longest name of a stream, as long as CMCD lets a content id be, twice.
const MAX_NAME: usize = 128;

/// A capacity that sessions share.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Capacity)]
pub(super) struct NewBottleneck {
    /// Whose sessions are behind it; absent: everyone's.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    stream: Option<String>,
    #[schema(minimum = 1.0, maximum = 1e9)]
    capacity_kbps: f64,
}

/// A capacity to forget.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Forgotten)]
pub(super) struct OldBottleneck {
    #[serde(default)]
    stream: Option<String>,
}

/// A bottleneck as the API lists it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Bottleneck)]
pub(super) struct BottleneckView {
    /// Whose sessions share it; `None` for everyone's.
    stream: Option<String>,
    #[serde(rename = "capacity_kbps")]
    capacity: Bitrate,
    /// Sessions behind it at the last division.
    sessions: usize,
    /// What they would use were it wide enough.
    #[serde(rename = "demand_kbps")]
    demand: Bitrate,
    /// What they were given together; more than the capacity when even the lowest rungs do not fit.
    #[serde(rename = "allocated_kbps")]
    allocated: Bitrate,
}

impl From<Bottleneck> for BottleneckView {
    fn from(bottleneck: Bottleneck) -> Self {
        let Bottleneck { stream, capacity, sessions, demand, allocated } = bottleneck;
        Self { stream, capacity, sessions, demand, allocated }
    }
}

/// Sets a capacity and divides it at once.
#[utoipa::path(
    put,
    path = "/v1/bottlenecks",
    operation_id = "put_bottleneck",
    tag = "orders",
    request_body = NewBottleneck,
    responses((status = 200, description = "How it was divided.", body = BottleneckView), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewBottleneck>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    if !(1.0..=Bitrate::MAX.as_kbps()).contains(&order.capacity_kbps) {
        return Err(Problem::out_of_range("capacity_kbps lies in 1..=1e9"));
    }
    if order.stream.as_ref().is_some_and(|name| name.is_empty() || name.len() > MAX_NAME) {
        return Err(Problem::out_of_range(format!("stream has 1 to {MAX_NAME} characters")));
    }
    let bottleneck = resources.share_out(order.stream, Bitrate::from_kbps_f64(order.capacity_kbps))?;
    tracing::info!(stream = ?bottleneck.stream, capacity_kbps = order.capacity_kbps, "bottleneck");
    Ok(Json(BottleneckView::from(bottleneck)).into_response())
}

/// Forgets a capacity.
#[utoipa::path(
    delete,
    path = "/v1/bottlenecks",
    operation_id = "delete_bottleneck",
    tag = "orders",
    request_body = OldBottleneck,
    responses((status = 204, description = "It is forgotten."), Problem)
)]
pub(super) async fn delete(
    State(resources): Shared,
    body: Result<Json<OldBottleneck>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    if !resources.bottlenecks.forget(order.stream.as_deref(), &resources.ingest.engines) {
        return Err(Problem::not_found("no bottleneck is known for this stream"));
    }
    tracing::info!(stream = ?order.stream, "bottleneck forgotten");
    Ok(no_content())
}

/// The capacities known, and how each was divided last.
#[utoipa::path(
    get,
    path = "/v1/bottlenecks",
    operation_id = "list_bottlenecks",
    tag = "orders",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of capacities.", body = Page<BottleneckView>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    Ok(Page::of(resources.bottlenecks.listed().into_iter().map(BottleneckView::from), query)?.answer(&headers))
}

impl Resources {
    /// Divides a capacity among the sessions of a stream, or all.
    pub(super) fn share_out(&self, stream: Option<String>, capacity: Bitrate) -> Result<Bottleneck, Problem> {
        let streams = stream.as_ref().map(|name| self.ingest.identifier.renderings(name).collect());
        let set = self.bottlenecks.set(stream, streams, capacity, &self.ingest.engines);
        set.map_err(|error| Problem::overloaded(error.to_string()))
    }
}
