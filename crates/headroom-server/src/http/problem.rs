//! Errors as RFC 9457 problem details with a stable code.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use std::{borrow::Cow, time::Duration};

/// One refusal: what went wrong, in a form programs can match on and people can read.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    /// Seconds after which another attempt may help, where that makes sense.
    retry_after_s: Option<u64>,
}

/// Seconds after which what is busy may be asked again.
const BUSY_S: u64 = 2;

/// Declares the stable codes: constructor, status, code as it appears on the wire.
macro_rules! problems {
    ($($(#[$about:meta])* $name:ident = $status:ident $code:literal;)*) => {
        impl Problem {
            /// Every stable code with its status.
            pub(crate) const CODES: &'static [(&'static str, StatusCode)] = &[$(($code, StatusCode::$status)),*];

            $(
                $(#[$about])*
                pub(crate) fn $name(detail: impl Into<Cow<'static, str>>) -> Self {
                    let status = StatusCode::$status;
                    let busy = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
                    Self { status, code: $code, detail: detail.into(), retry_after_s: busy.then_some(BUSY_S) }
                }
            )*
        }
    };
}

problems! {
    /// The text of the request cannot be read as what it should be.
    malformed = BAD_REQUEST "malformed";
    /// A well-formed value lies outside what is allowed.
    out_of_range = UNPROCESSABLE_ENTITY "out_of_range";
    /// The body is longer than its limit.
    too_large = PAYLOAD_TOO_LARGE "too_large";
    /// The path is longer than any of media.
    path_too_long = URI_TOO_LONG "path_too_long";
    /// The body did not arrive in time.
    too_slow = REQUEST_TIMEOUT "too_slow";
    /// The path or the session does not exist.
    not_found = NOT_FOUND "not_found";
    /// The path does not take this method.
    method_not_allowed = METHOD_NOT_ALLOWED "method_not_allowed";
    /// Nothing of this kind is wanted from this session any more.
    gone = GONE "gone";
    /// The media type of the body is not one this path takes.
    unsupported_media_type = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type";
    /// The control listener needs its bearer token.
    unauthorized = UNAUTHORIZED "unauthorized";
    /// The public listener needs a token.
    token_missing = UNAUTHORIZED "token_missing";
    /// The token was not made with one of the keys, or is good for longer than tokens may be.
    token_forged = UNAUTHORIZED "token_forged";
    /// The token has expired.
    token_expired = UNAUTHORIZED "token_expired";
    /// The token is for another session or stream.
    token_foreign = FORBIDDEN "token_foreign";
    /// The token does not allow this.
    forbidden = FORBIDDEN "forbidden";
    /// The client asks more often than it may, or all of them together do.
    too_many_requests = TOO_MANY_REQUESTS "too_many_requests";
    /// A bound of the server is reached.
    overloaded = SERVICE_UNAVAILABLE "overloaded";
    /// The server starts up or shuts down.
    not_ready = SERVICE_UNAVAILABLE "not_ready";
    /// The history does not reach back far enough for what is asked.
    too_short = CONFLICT "too_short";
    /// This server has no classifier for messages.
    no_reader = SERVICE_UNAVAILABLE "no_reader";
    /// This server has no speech recognition.
    no_transcriber = SERVICE_UNAVAILABLE "no_transcriber";
    /// The origin cannot be reached or broke off.
    origin_unreachable = BAD_GATEWAY "origin_unreachable";
    /// The origin did not answer in time.
    origin_timeout = GATEWAY_TIMEOUT "origin_timeout";
}

impl Problem {
    /// The same with the time after which another attempt may help, in whole seconds, rounded up.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after_s: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)), ..self }
    }

    /// The document.
    pub(crate) fn body(&self) -> String {
        let body = serde_json::json!({
            "type": format!("urn:headroom:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        body.to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
