//! The dashboard: a page inside the binary, and what feeds it.
//!
//! The page (`bundle/`) is built from `web/` and committed, so that building Headroom needs cargo alone. It reads one
//! stream of aggregated frames (`live`), pages of streams and sessions, and the timeline of a session someone looks at.

mod assets;
mod fleet;
mod live;
mod timeline;
mod why;

pub(crate) use self::{
    assets::harden,
    live::{Live, Pulse},
    why::sentence,
};

use crate::{control::Window, problem::Problem};
use axum::{
    Json, Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use headroom_core::telemetry::StreamId;
use serde::Deserialize;
use std::sync::Arc;

type Shared = State<Arc<Live>>;

/// The page itself: no secret in it, so it needs no token. What it asks for does.
pub(crate) fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(assets::index)).route("/assets/{file}", get(assets::asset))
}

/// What the page reads.
pub(crate) fn api<S: Clone + Send + Sync + 'static>(live: Arc<Live>) -> Router<S> {
    Router::new()
        .route("/v1/live", get(follow))
        .route("/v1/fleet", get(show_fleet))
        .route("/v1/fleet/streams", get(list_streams))
        .route("/v1/fleet/streams/{stream}", get(show_stream))
        .route("/v1/sessions/{session}/timeline", get(show_timeline))
        .with_state(live)
}

async fn follow(State(live): Shared) -> Result<Response, Problem> {
    live.follow()
}

async fn show_fleet(State(live): Shared) -> Response {
    Json(live.frame()).into_response()
}

async fn list_streams(State(live): Shared, query: Result<Query<Window>, QueryRejection>) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    Ok(Json(live.streams(offset, limit)).into_response())
}

async fn show_stream(State(live): Shared, Path(stream): Path<String>) -> Result<Response, Problem> {
    let id = u64::from_str_radix(&stream, 16).ok().filter(|_| stream.len() == 16);
    let id = id.ok_or_else(|| Problem::malformed("a stream identifier has 16 hexadecimal digits"))?;
    let found = live.stream(StreamId(id)).ok_or_else(|| Problem::not_found("no live session plays this stream"))?;
    Ok(Json(found).into_response())
}

/// From when on a timeline is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since_us: u64,
}

async fn show_timeline(
    State(live): Shared,
    Path(session): Path<String>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Since { since_us }) = query.map_err(|error| Problem::malformed(error.to_string()))?;
    let session = live.session(&session)?;
    let timeline = live.timeline(session, since_us);
    let timeline = timeline.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(timeline).into_response())
}
