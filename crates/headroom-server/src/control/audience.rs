//! What viewers say of a stream.

use super::Shared;
use crate::problem::Problem;
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Mood, engagement, complaints, blind spots, weights and the latest messages of one stream, by its name.
pub(super) async fn show(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let known = resources.feedback.audience(&name);
    let (state, latest) = known.ok_or_else(|| Problem::not_found("nobody has been heard about this stream"))?;
    let hexadecimal = format!("{:016x}", state.stream.0);
    let mut value = serde_json::to_value(state).unwrap_or_default();
    value["name"] = name.into();
    value["stream"] = hexadecimal.clone().into();
    for blind_spot in value["blind_spots"].as_array_mut().into_iter().flatten() {
        blind_spot["stream"] = hexadecimal.clone().into();
    }
    value["latest"] = json!(latest);
    Ok(Json(value).into_response())
}

/// Names of the streams that are talked about.
pub(super) async fn list(State(resources): Shared) -> Response {
    let names = resources.feedback.names();
    Json(json!({ "total": names.len(), "items": names })).into_response()
}
