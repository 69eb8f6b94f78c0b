//! Bottlenecks of known capacity: whose sessions share what.

use super::{
    Shared,
    page::{Page, Window},
    parsed,
    streams::streams_called,
};
use crate::{problem::Problem, public::no_content};
use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use headroom_core::units::Bitrate;
use serde::Deserialize;

/// Longest name of a stream, as long as CMCD lets a content id be, twice.
const MAX_NAME: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capacity {
    /// Whose sessions are behind it; absent: everyone's.
    #[serde(default)]
    stream: Option<String>,
    capacity_kbps: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forgotten {
    #[serde(default)]
    stream: Option<String>,
}

pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<Capacity>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    if !(1.0..=Bitrate::MAX.as_kbps()).contains(&order.capacity_kbps) {
        return Err(Problem::out_of_range("capacity_kbps lies in 1..=1e9"));
    }
    if order.stream.as_ref().is_some_and(|name| name.is_empty() || name.len() > MAX_NAME) {
        return Err(Problem::out_of_range(format!("stream has 1 to {MAX_NAME} characters")));
    }
    let streams =
        order.stream.as_ref().map(|name| streams_called(name, &resources.ingest.identifier).collect::<Vec<_>>());
    let capacity = Bitrate::from_kbps_f64(order.capacity_kbps);
    let set = resources.bottlenecks.set(order.stream, streams, capacity, &resources.ingest.shards);
    let listed = set.map_err(|error| Problem::overloaded(error.to_string()))?;
    tracing::info!(stream = ?listed.stream, capacity_kbps = order.capacity_kbps, "bottleneck");
    Ok(Json(listed).into_response())
}

pub(super) async fn delete(
    State(resources): Shared,
    body: Result<Json<Forgotten>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    if !resources.bottlenecks.forget(order.stream.as_deref(), &resources.ingest.shards) {
        return Err(Problem::not_found("no bottleneck is known for this stream"));
    }
    tracing::info!(stream = ?order.stream, "bottleneck forgotten");
    Ok(no_content())
}

pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    let all = resources.bottlenecks.listed();
    let total = all.len();
    Ok(Page { total, offset, items: all.into_iter().skip(offset).take(limit).collect() }.answer(&headers))
}
