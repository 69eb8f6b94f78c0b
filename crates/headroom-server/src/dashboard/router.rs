//! The routes of the dashboard.

use super::{
    assets,
    fleet::{Frame, StreamLine, StreamView},
    live::Live,
    timeline::Timeline,
};
use crate::http::{
    page::{Page, PageQuery},
    problem::Problem,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use headroom_core::telemetry::StreamId;
use serde::Deserialize;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

type Shared = State<Arc<Live>>;

/// The page itself: no secret in it, so it needs no token. What it asks for does.
pub(crate) fn page<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default().routes(routes!(assets::index)).routes(routes!(assets::asset))
}

/// What the page reads.
pub(crate) fn api() -> OpenApiRouter<Arc<Live>> {
    OpenApiRouter::default()
        .routes(routes!(follow))
        .routes(routes!(show_fleet))
        .routes(routes!(list_streams))
        .routes(routes!(show_stream))
        .routes(routes!(show_timeline))
}

/// The fleet as server-sent events: one `past` with the columns of the last ten minutes, then a `frame` every second.
#[utoipa::path(
    get,
    path = "/v1/live",
    operation_id = "follow_fleet",
    tag = "fleet",
    responses(
        (status = 200, description = "Events without end; data is a `Frame`.", body = String,
            content_type = "text/event-stream"),
        Problem
    )
)]
async fn follow(State(live): Shared) -> Result<Response, Problem> {
    live.follow()
}

/// The fleet at this moment.
#[utoipa::path(
    get,
    path = "/v1/fleet",
    operation_id = "show_fleet",
    tag = "fleet",
    responses((status = 200, description = "A frame that is at most a moment old.", body = Frame), Problem)
)]
async fn show_fleet(State(live): Shared) -> Response {
    Json(live.frame()).into_response()
}

/// Streams that are being watched, the largest first.
#[utoipa::path(
    get,
    path = "/v1/fleet/streams",
    operation_id = "list_fleet_streams",
    tag = "fleet",
    params(PageQuery),
    responses((status = 200, description = "A page of streams.", body = Page<StreamLine>), Problem)
)]
async fn list_streams(
    State(live): Shared,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = PageQuery::of(query)?;
    Ok(Json(live.streams(offset, limit)).into_response())
}

/// Everything known of the live sessions of a stream.
#[utoipa::path(
    get,
    path = "/v1/fleet/streams/{stream}",
    operation_id = "show_fleet_stream",
    tag = "fleet",
    params(("stream" = String, Path, description = "Its identifier: 16 hexadecimal digits.")),
    responses((status = 200, description = "The stream.", body = StreamView), Problem)
)]
async fn show_stream(State(live): Shared, Path(stream): Path<String>) -> Result<Response, Problem> {
    let id = u64::from_str_radix(&stream, 16).ok().filter(|_| stream.len() == 16);
    let id = id.ok_or_else(|| Problem::malformed("a stream identifier has 16 hexadecimal digits"))?;
    let found = live.stream(StreamId(id)).ok_or_else(|| Problem::not_found("no live session plays this stream"))?;
    Ok(Json(found).into_response())
}

/// From when on a timeline is wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TimelineQuery {
    /// Microseconds since the epoch.
    #[serde(default)]
    #[param(maximum = 9_223_372_036_854_775_807_u64)]
    since_us: u64,
}

/// What happened to a session since someone began to look.
#[utoipa::path(
    get,
    path = "/v1/sessions/{session}/timeline",
    operation_id = "show_timeline",
    tag = "sessions",
    params(
        ("session" = String, Path, description = "A player's name for it, or `id:` and 16 hexadecimal digits.", example = "demo"),
        TimelineQuery
    ),
    responses((status = 200, description = "Points and decisions.", body = Timeline), Problem)
)]
async fn show_timeline(
    State(live): Shared,
    Path(session): Path<String>,
    query: Result<Query<TimelineQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(TimelineQuery { since_us }) = query.map_err(|error| Problem::malformed(error.to_string()))?;
    if i64::try_from(since_us).is_err() {
        return Err(Problem::out_of_range("since_us is less than 2^63"));
    }
    let session = live.session(&session)?;
    let timeline = live.timeline(session, since_us);
    let timeline = timeline.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(timeline).into_response())
}
