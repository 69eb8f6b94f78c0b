//! Streams and the ladders found in their manifests.

use super::state::Shared;
use crate::{
    http::{
        page::{Page, PageQuery},
        problem::Problem,
    },
    stream::KnownStream,
};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};

/// Streams that a manifest was seen of, with the ladder found there.
#[utoipa::path(
    get,
    path = "/v1/streams",
    operation_id = "list_streams",
    tag = "streams",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of streams.", body = Page<KnownStream>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = PageQuery::of(query)?;
    let (listed, total) = resources.streams.page(offset, limit);
    let json = |listed| {
        let mut value = serde_json::to_value(listed).unwrap_or_default();
        value["stream"] = value["stream"].as_u64().map_or_else(String::new, |id| format!("{id:016x}")).into();
        value
    };
    Ok(Page { total, offset, items: listed.into_iter().map(json).collect() }.answer(&headers))
}
