//! Who may use the control listener.

use super::Shared;
use crate::problem::Problem;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::header;

pub(super) async fn check_token(State(resources): Shared, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    let sent = sent.strip_prefix(b"Bearer ").unwrap_or_default();
    if resources.token.is_empty() || same(sent, resources.token.as_bytes()) {
        next.run(request).await
    } else {
        Problem::unauthorized("the control listener needs its bearer token").into_response()
    }
}

/// Compares in a time that tells nothing about where two texts differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}
