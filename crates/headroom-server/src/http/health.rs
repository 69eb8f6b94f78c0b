//! Whether the process lives and takes requests: the same on both listeners.

use super::{problem::Problem, respond::text_response};
use axum::response::Response;
use std::sync::atomic::{AtomicBool, Ordering};

/// The media type of plain answers.
const PLAIN: &str = "text/plain; charset=utf-8";

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "health",
    tag = "health",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain; charset=utf-8"))
)]
pub(crate) async fn health() -> Response {
    text_response(PLAIN, "ok\n")
}

/// The answer of `/readyz`. Without an origin that answers (`dead_origin`) nobody can be served. Decisions need no history: a disk
/// in trouble (`degraded`) is announced, and traffic goes on.
pub(crate) fn readiness(
    ready: &AtomicBool,
    dead_origin: Option<String>,
    degraded: Option<String>,
) -> Result<Response, Problem> {
    if !ready.load(Ordering::Relaxed) {
        return Err(Problem::not_ready("starting or shutting down"));
    }
    if let Some(reason) = dead_origin {
        return Err(Problem::not_ready(format!("the origin cannot be used: {reason}")));
    }
    Ok(match degraded {
        None => text_response(PLAIN, "ready\n"),
        Some(reason) => text_response(PLAIN, format!("ready, degraded: history cannot be written: {reason}\n")),
    })
}
