//! Live sessions, one by one or in pages.

use super::{
    Shared,
    page::{Page, Window},
};
use crate::{dashboard, identity::Identifier, problem::Problem};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use headroom_core::{session::Snapshot, telemetry::SessionId};

pub(super) async fn list(
    State(resources): Shared,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    let (snapshots, total) = resources.ingest.shards.snapshots(offset, limit);
    let items: Vec<_> = snapshots.iter().map(session_json).collect();
    Ok(Json(Page { total, offset, items }).into_response())
}

/// A session by the name its player gives, or by `id:` and the identifier of the list.
pub(super) async fn show(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let session = session_of(&name, &resources.ingest.identifier)?;
    let snapshot = resources.ingest.shards.snapshot(session);
    let snapshot = snapshot.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(session_json(&snapshot)).into_response())
}

/// The session of this name, or of this `id:` of the list.
pub(crate) fn session_of(name: &str, identifier: &Identifier) -> Result<SessionId, Problem> {
    name.strip_prefix("id:").map_or_else(|| Ok(identifier.reported_session(name)), parse_id)
}

/// Identifiers as hexadecimal text: JavaScript cannot hold 64 bits.
pub(super) fn session_json(snapshot: &Snapshot) -> serde_json::Value {
    let mut value = serde_json::to_value(snapshot).unwrap_or_default();
    value["session"] = format!("{:016x}", snapshot.session.0).into();
    value["stream"] = format!("{:016x}", snapshot.stream.0).into();
    value["explanation"] = dashboard::sentence(snapshot, None).into();
    value
}

pub(super) fn parse_id(text: &str) -> Result<SessionId, Problem> {
    let id = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    id.map(SessionId).ok_or_else(|| Problem::malformed("a session identifier has 16 hexadecimal digits"))
}
