//! Content Steering orders: which delivery pathway players should use.

use super::state::{Shared, parsed};
use crate::http::{problem::Problem, respond::no_content};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// An order of pathways.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder)]
pub(super) struct NewPathwayOrder {
    /// Best first; empty takes a session's own order back.
    order: Vec<String>,
    /// Only for this session.
    #[serde(default)]
    session: Option<String>,
}

/// The order for everyone.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Order)]
pub(super) struct PathwayOrder {
    /// Best first; empty where no pathways are configured.
    order: Vec<String>,
}

/// Sets the order of pathways for one session or for everyone.
#[utoipa::path(
    put,
    path = "/v1/pathways",
    operation_id = "put_pathways",
    tag = "orders",
    request_body = NewPathwayOrder,
    responses((status = 204, description = "It is in force."), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewPathwayOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let order = parsed(body)?;
    let session = order.session.map(|name| resources.ingest.identifier.reported_session(&name));
    resources.pathways.set(session, order.order).map_err(|error| Problem::out_of_range(error.to_string()))?;
    Ok(no_content())
}

/// The order of pathways for everyone.
#[utoipa::path(
    get,
    path = "/v1/pathways",
    operation_id = "show_pathways",
    tag = "orders",
    responses((status = 200, description = "The order.", body = PathwayOrder), Problem)
)]
pub(super) async fn show(State(resources): Shared) -> Response {
    Json(PathwayOrder { order: resources.pathways.order() }).into_response()
}
