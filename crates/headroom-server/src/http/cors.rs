//! Cross-origin access: players run in pages of any site (Fetch standard, CORS protocol).

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Response headers a script may read: what players need beside the safelisted ones.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("CMSD-Dynamic, CMSD-Static, Content-Length, Content-Range, Date, Server-Timing");

/// Lets scripts of any site read the response, without credentials.
pub(crate) fn allow_cross_origin(headers: &mut HeaderMap) {
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.entry("timing-allow-origin").or_insert(HeaderValue::from_static("*"));
}

/// Answers a CORS preflight: any header, for a day.
pub(crate) fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, OPTIONS"));
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let wanted = wanted.cloned().unwrap_or(HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}
