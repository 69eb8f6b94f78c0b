//! Alerts, and silences that keep them quiet.

use super::state::{Shared, parsed};
use crate::{
    alerts::{AlertView, Silence},
    http::{
        page::{Page, PageQuery},
        problem::Problem,
        respond::no_content,
    },
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
use serde::Deserialize;

/// Longest silence: a month.
const LONGEST_S: u64 = 31 * 24 * 3_600;

/// Longest name in a silence.
const MAX_NAME: usize = 256;

/// Alerts to keep quiet; without rule and subject, all.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSilence {
    #[serde(default)]
    #[schema(max_length = 256)]
    rule: Option<String>,
    #[serde(default)]
    #[schema(max_length = 256)]
    subject: Option<String>,
    /// How long; 0 ends it.
    #[schema(maximum = 2_678_400)]
    for_s: u64,
}

/// What is wrong or about to be.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    operation_id = "list_alerts",
    tag = "alerts",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of alerts.", body = Page<AlertView>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn list(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    Ok(Page::of(resources.alerts.listed(resources.now_s()).into_iter(), query)?.answer(&headers))
}

/// What is kept quiet.
#[utoipa::path(
    get,
    path = "/v1/silences",
    operation_id = "list_silences",
    tag = "alerts",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of silences.", body = Page<Silence>),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn silences(
    State(resources): Shared,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    Ok(Page::of(resources.alerts.silences(resources.now_s()).into_iter(), query)?.answer(&headers))
}

/// Keeps alerts quiet for a while.
#[utoipa::path(
    put,
    path = "/v1/silences",
    operation_id = "put_silence",
    tag = "alerts",
    request_body = NewSilence,
    responses(
        (status = 200, description = "It is in force.", body = Silence),
        (status = 204, description = "It has ended."),
        Problem
    )
)]
pub(super) async fn silence(
    State(resources): Shared,
    body: Result<Json<NewSilence>, JsonRejection>,
) -> Result<Response, Problem> {
    let NewSilence { rule, subject, for_s } = parsed(body)?;
    if for_s > LONGEST_S || [&rule, &subject].into_iter().flatten().any(|name| name.len() > MAX_NAME) {
        return Err(Problem::out_of_range(format!(
            "for_s lies in 0..={LONGEST_S}, names have at most {MAX_NAME} bytes"
        )));
    }
    let rules = resources.alerts.rules();
    if let Some(unknown) = rule.as_ref().filter(|rule| !rules.contains(rule)) {
        let known = rules.join(", ");
        return Err(Problem::out_of_range(format!("no rule is called {unknown:?}; there are {known}")));
    }
    let silence = Silence { rule, subject, until_s: resources.now_s() + for_s };
    if !resources.alerts.silence(silence.clone()) {
        return Err(Problem::overloaded("too many silences are in force"));
    }
    Ok(if for_s == 0 { no_content() } else { Json(silence).into_response() })
}
