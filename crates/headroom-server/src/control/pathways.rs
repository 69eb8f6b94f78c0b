//! Content Steering orders: which delivery pathway players should use.

use super::{Shared, parsed};
use crate::{problem::Problem, public::no_content};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    /// Best first; empty takes a session's own order back.
    order: Vec<String>,
    /// Only for this session.
    #[serde(default)]
    session: Option<String>,
}

pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    let session = order.session.map(|name| resources.ingest.identifier.reported_session(&name));
    resources.pathways.set(session, order.order).map_err(|error| Problem::out_of_range(error.to_string()))?;
    Ok(no_content())
}

pub(super) async fn show(State(resources): Shared) -> Response {
    Json(serde_json::json!({ "order": resources.pathways.order() })).into_response()
}
