//! The guard of the control listener: authenticates and authorises every request, and audits those that change something.

use super::{
    role::Role,
    state::{MAX_BODY, Resources, Shared},
};
use crate::{
    history::{Action, Entry},
    http::problem::Problem,
    identity,
    metrics::ShedKind,
    tls::Fingerprint,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

/// Longest part of a body kept with an action.
const KEPT_BODY: usize = 1_024;

/// Address of the peer that sent a request.
#[derive(Clone, Copy)]
pub(super) struct PeerAddress(pub(super) IpAddr);

/// Passes a request on when its sender has the role it needs.
pub(super) async fn check(State(resources): Shared, request: Request, next: Next) -> Response {
    let needed = match *request.method() {
        _ if request.uri().path() == "/v1/audit" => Role::Admin,
        Method::GET | Method::HEAD | Method::OPTIONS => Role::View,
        _ => Role::Operate,
    };
    if needed > Role::View && is_cross_site(request.headers()) {
        return Problem::forbidden("a page of another site may not change anything here").into_response();
    }
    let access = &resources.access;
    let certificate = request.extensions().get::<Fingerprint>().copied();
    let by_certificate = || Some((certificate?.name(), access.certificates?));
    let peer = request.extensions().get::<PeerAddress>().map_or(IpAddr::from(Ipv4Addr::LOCALHOST), |peer| peer.0);
    let client = identity::client_address(access.forwarded_from, request.headers(), peer);
    let found = match access.find(request.headers(), client) {
        Ok(found) => found,
        Err(wait) => {
            resources.metrics.shed(ShedKind::TokenAttempt);
            return Problem::too_many_requests("too many wrong tokens from this address")
                .retry_after(wait)
                .into_response();
        }
    };
    let (actor, role) = match found.or_else(by_certificate) {
        Some(found) => found,
        None if !resources.access.is_open() => {
            return Problem::unauthorized("the control listener needs a bearer token or a client certificate")
                .into_response();
        }
        // A page in the operator's browser can have its own name resolve to loopback (DNS rebinding), but then that
        // name is what the browser says it asks for.
        None if !asks_for_loopback(request.headers()) => {
            return Problem::forbidden(
                "without a token only localhost and addresses are answered: set control.token_file",
            )
            .into_response();
        }
        None => ("anybody".to_owned(), Role::Admin),
    };
    if role < needed {
        return Problem::forbidden(format!("this token may {role:?}, {needed:?} is needed").to_lowercase())
            .into_response();
    }
    audited(&resources, &actor, request, next).await
}

/// Whether a browser says that the request comes from a page of another site: by Fetch Metadata or, where it knows none,
/// by an `Origin` that is not the host asked. No cookie lets anybody in here, so this is the second lock on that door.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return false };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_none() || host != text("host")
}

/// Whether the host a request names is an address or localhost.
fn asks_for_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let authority = host.to_str().ok().and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok()
    })
}

/// Runs a request; one that changes something is kept with its body and outcome, and so are the orders then in force.
async fn audited(resources: &Arc<Resources>, actor: &str, request: Request, next: Next) -> Response {
    let Some(history) = &resources.history else { return next.run(request).await };
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return Problem::too_large(format!("the body is longer than {MAX_BODY} bytes or broke off")).into_response();
    };
    let mut action = Action {
        at_s: resources.now_s(),
        actor: actor.to_owned(),
        method: parts.method.to_string(),
        path: parts.uri.path().chars().take(KEPT_BODY).collect(),
        status: 0,
        body: String::from_utf8_lossy(&body).chars().take(KEPT_BODY).collect(),
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if response.status().is_success() {
        resources.write_down().await;
    }
    action.status = response.status().as_u16();
    history.keep(Entry::Action(action));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn pages_of_other_sites_are_told_from_our_own() {
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8081")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("origin", "http://127.0.0.1:8081")], false),
            (&[("origin", "http://127.0.0.1:9999")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "null")], true),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1:8081"))]);
            for (name, value) in sent {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_cross_site(&headers), expected, "{sent:?}");
        }
    }

    #[test]
    fn names_that_may_be_rebound_are_told_from_addresses() {
        for (host, expected) in [
            ("localhost:8081", true),
            ("127.0.0.1:8081", true),
            ("[::1]:8081", true),
            ("10.0.0.1", true),
            ("evil.example:8081", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(asks_for_loopback(&headers), expected, "{host}");
        }
    }
}
