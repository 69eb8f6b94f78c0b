//! Sums by minute, and the audit log.

use super::state::{Resources, Shared};
use crate::{
    history::{
        Action, AudienceMinute, GroupBy, History, QueryError, SeriesPoint, SeriesQuery, audiences, audit_page, series,
    },
    http::{
        page::{Page, PageQuery, tagged},
        problem::Problem,
    },
};
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// The end of the year 9999.
const LAST_S: u64 = 253_402_300_799;

/// What is shown where nothing else is asked for: the last hour.
const DEFAULT_SPAN_S: u64 = 3_600;

/// Points a default step aims at.
const DEFAULT_POINTS: u64 = 240;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// Name of a stream; absent: all.
    stream: Option<String>,
    /// Seconds since the epoch; absent: an hour before `to`.
    #[param(maximum = 253_402_300_799_u64)]
    from: Option<u64>,
    /// Seconds since the epoch; absent: now.
    #[param(maximum = 253_402_300_799_u64)]
    to: Option<u64>,
    /// Seconds of one point; absent: what gives some 240 points.
    step: Option<u64>,
    /// What to tell apart besides time.
    #[serde(default)]
    #[param(inline)]
    by: GroupBy,
}

/// Sums of a span, point by point.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Series {
    from_s: u64,
    to_s: u64,
    /// Seconds of one point.
    step_s: u64,
    items: Vec<SeriesPoint>,
    /// What viewers said at the end of each minute, where one stream is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<Vec<AudienceMinute>>,
}

/// What was, by minute.
#[utoipa::path(
    get,
    path = "/v1/history",
    operation_id = "show_history",
    tag = "history",
    params(HistoryQuery),
    responses(
        (status = 200, description = "The span, or the latest hour.", body = Series),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn show(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(span) = query.map_err(|error| Problem::malformed(error.to_string()))?;
    if span.from.max(span.to) > Some(LAST_S) {
        return Err(Problem::out_of_range(format!("from and to lie in 0..={LAST_S}")));
    }
    let now_s = resources.clock.now().as_secs();
    let to_s = span.to.unwrap_or(now_s + 60);
    let from_s = span.from.unwrap_or(to_s.saturating_sub(DEFAULT_SPAN_S)) / 60 * 60;
    let default_step = (to_s.saturating_sub(from_s) / DEFAULT_POINTS).next_multiple_of(60).max(60);
    let identifier = &resources.ingest.identifier;
    let streams = span.stream.iter().flat_map(|name| identifier.renderings(name)).collect();
    let asked = SeriesQuery { streams, from_s, to_s, step_s: span.step.unwrap_or(default_step), by: span.by };
    let (from_s, step_s) = (asked.from_s, asked.step_s);
    // The audience is shown for one stream only: its name is the sources', and most streams have none.
    let (items, audience) = read(&resources, move |path| {
        let audience = span.stream.map(|name| audiences(&path, &name, from_s, to_s)).transpose()?;
        Ok((series(&path, &asked)?, audience))
    })
    .await?;
    Ok(tagged(&Series { from_s, to_s, step_s, items, audience }, &headers))
}

/// Actions on the control listener, newest first.
#[utoipa::path(
    get,
    path = "/v1/audit",
    operation_id = "list_audit",
    tag = "history",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of actions.", body = Page<Action>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn audit(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = PageQuery::of(query)?;
    let (items, total) = read(&resources, move |path| audit_page(&path, offset, limit)).await?;
    Ok(Page { total, offset, items }.answer(&headers))
}

/// Reads from the database on a thread that may wait, a few readers at a time.
async fn read<T: Send + 'static>(
    resources: &Arc<Resources>,
    query: impl FnOnce(PathBuf) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, Problem> {
    let history: &History = resources.history.as_deref().ok_or_else(|| {
        Problem::not_found("no history is kept: set history.directory or start with --data DIRECTORY")
    })?;
    let _permit =
        resources.readers.try_acquire().map_err(|_| Problem::overloaded("the history is being read by others"))?;
    let path = history.path().to_owned();
    let outcome = tokio::task::spawn_blocking(move || query(path)).await;
    let outcome = outcome.map_err(|_| Problem::not_ready("the history could not be read"))?;
    outcome.map_err(|error| match error {
        QueryError::Range(detail) => Problem::out_of_range(detail),
        QueryError::Database(_) => Problem::not_ready(error.to_string()),
    })
}
