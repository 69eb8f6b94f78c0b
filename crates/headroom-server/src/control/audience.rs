//! What viewers say of a stream.

use super::state::Shared;
use crate::{feedback::RecentMessage, http::problem::Problem, openapi::schema};
use axum::{
    Json,
    extract::{self, Path},
    response::{IntoResponse, Response},
};
use headroom_core::audience::State;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// An audience as the API shows it.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct AudienceView(serde_json::Value);

/// What an audience has beside its state.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct AudienceFields {
    /// Name of the stream.
    name: String,
    /// The latest messages.
    latest: Vec<RecentMessage>,
}

schema::merged!(AudienceView: "What viewers say of a stream." = State, AudienceFields; name "Audience");

/// Names of streams.
#[derive(Serialize, ToSchema)]
#[schema(as = Names)]
pub(super) struct StreamNames {
    total: usize,
    items: Vec<String>,
}

/// Mood, engagement, complaints, blind spots, weights and the latest messages of one stream, by its name.
#[utoipa::path(
    get,
    path = "/v1/streams/{stream}/audience",
    operation_id = "show_audience",
    tag = "streams",
    params(("stream" = String, Path, description = "Name of the stream.")),
    responses((status = 200, description = "The audience.", body = AudienceView), Problem)
)]
pub(super) async fn show(extract::State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
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
    Ok(Json(AudienceView(value)).into_response())
}

/// Names of the streams that are talked about.
#[utoipa::path(
    get,
    path = "/v1/audiences",
    operation_id = "list_audiences",
    tag = "streams",
    responses((status = 200, description = "All of them.", body = StreamNames), Problem)
)]
pub(super) async fn list(extract::State(resources): Shared) -> Response {
    let names = resources.feedback.names();
    Json(StreamNames { total: names.len(), items: names }).into_response()
}
