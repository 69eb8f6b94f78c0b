//! Who may use the control listener.

use super::{MAX_BODY, Resources, Shared};
use crate::{
    history::{Action, Entry},
    problem::Problem,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, header};

pub(super) async fn check_token(State(resources): Shared, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    let sent = sent.strip_prefix(b"Bearer ").unwrap_or_default();
    if resources.token.is_empty() || same(sent, resources.token.as_bytes()) {
        audited(&resources, "token", request, next).await
    } else {
        Problem::unauthorized("the control listener needs its bearer token").into_response()
    }
}

/// Longest part of a body kept with an action.
const KEPT_BODY: usize = 1_024;

/// Runs a request; one that changes something is kept with its body and outcome.
async fn audited(resources: &Resources, actor: &str, request: Request, next: Next) -> Response {
    let Some(history) = &resources.history else { return next.run(request).await };
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Problem::too_large(format!("the body is longer than {MAX_BODY} bytes or broke off")).into_response();
    };
    let mut action = Action {
        at_s: resources.clock.now().as_micros() / 1_000_000,
        actor: actor.to_owned(),
        method: parts.method.to_string(),
        path: parts.uri.path().chars().take(KEPT_BODY).collect(),
        status: 0,
        body: String::from_utf8_lossy(&body).chars().take(KEPT_BODY).collect(),
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    action.status = response.status().as_u16();
    history.keep(Entry::Action(action));
    response
}

/// Compares in a time that tells nothing about where two texts differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}
