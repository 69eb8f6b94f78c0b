//! Live sessions, one by one or in pages.

use super::state::Shared;
use crate::{
    dashboard::session::{SessionView, session_of},
    http::{
        page::{Page, PageQuery},
        problem::Problem,
    },
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};

/// Live sessions, in no particular order.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = Page<SessionView>), Problem)
)]
pub(super) async fn list(
    State(resources): Shared,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = PageQuery::of(query)?;
    let (snapshots, total) = resources.ingest.engines.snapshots(offset, limit);
    let items: Vec<_> =
        snapshots.iter().map(|snapshot| SessionView::new(snapshot, &resources.ingest.engines)).collect();
    Ok(Json(Page { total, offset, items }).into_response())
}

/// A session by the name its player gives, or by `id:` and the identifier of the list.
#[utoipa::path(
    get,
    path = "/v1/sessions/{session}",
    operation_id = "show_session",
    tag = "sessions",
    params(("session" = String, Path, description = "A player's name for it, or `id:` and 16 hexadecimal digits.", example = "demo")),
    responses((status = 200, description = "The session.", body = SessionView), Problem)
)]
pub(super) async fn show(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let session = session_of(&name, &resources.ingest.identifier)?;
    let snapshot = resources.ingest.engines.snapshot(session);
    let snapshot = snapshot.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(SessionView::new(&snapshot, &resources.ingest.engines)).into_response())
}
