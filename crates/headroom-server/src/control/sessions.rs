//! Live sessions, one by one or in pages.

use super::Shared;
use crate::{
    dashboard,
    http::{
        page::{Page, Window},
        problem::Problem,
    },
    identity::Identifier,
    openapi,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use headroom_core::{session::Snapshot, telemetry::SessionId};
use serde::Serialize;
use utoipa::ToSchema;

/// Live sessions, in no particular order.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    params(Window),
    responses((status = 200, description = "A page of sessions.", body = Page<Session>), Problem)
)]
pub(super) async fn list(
    State(resources): Shared,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    let (snapshots, total) = resources.ingest.engines.snapshots(offset, limit);
    let items: Vec<_> = snapshots.iter().map(Session::new).collect();
    Ok(Json(Page { total, offset, items }).into_response())
}

/// A session by the name its player gives, or by `id:` and the identifier of the list.
#[utoipa::path(
    get,
    path = "/v1/sessions/{session}",
    operation_id = "show_session",
    tag = "sessions",
    params(("session" = String, Path, description = "A player's name for it, or `id:` and 16 hexadecimal digits.", example = "demo")),
    responses((status = 200, description = "The session.", body = Session), Problem)
)]
pub(super) async fn show(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let session = session_of(&name, &resources.ingest.identifier)?;
    let snapshot = resources.ingest.engines.snapshot(session);
    let snapshot = snapshot.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(Session::new(&snapshot)).into_response())
}

/// The session of this name, or of this `id:` of the list.
pub(crate) fn session_of(name: &str, identifier: &Identifier) -> Result<SessionId, Problem> {
    name.strip_prefix("id:").map_or_else(|| Ok(identifier.reported_session(name)), parse_id)
}

/// A live session as the API shows it: its state, with identifiers as hexadecimal text because JavaScript cannot hold
/// 64 bits, and its decision in words.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Session(serde_json::Value);

impl Session {
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let mut value = serde_json::to_value(snapshot).unwrap_or_default();
        value["session"] = format!("{:016x}", snapshot.session.0).into();
        value["stream"] = format!("{:016x}", snapshot.stream.0).into();
        value["explanation"] = dashboard::sentence(snapshot, None).into();
        Self(value)
    }
}

/// What a session has beside its state.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Explained {
    /// Why the decision is what it is, in a sentence.
    explanation: String,
}

openapi::merged!(Session: "A live session." = Snapshot, Explained);

pub(super) fn parse_id(text: &str) -> Result<SessionId, Problem> {
    let id = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    id.map(SessionId).ok_or_else(|| Problem::malformed("a session identifier has 16 hexadecimal digits"))
}
