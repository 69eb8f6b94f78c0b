//! What the public listener gives out: decisions, steering, health.

use super::{
    advice::{self, Advice},
    decisions::{self, DecisionView},
    endpoint::Endpoint,
    state::Public,
};
use crate::{
    http::{
        cmsd::{self, CMSD_DYNAMIC},
        health,
        problem::Problem,
        respond::no_content,
    },
    identity::parameter,
    ingest::RequestContext,
    listener::Connection,
    metrics::RequestKind,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use headroom_core::{
    experiment::Actuator,
    telemetry::{self, Client, Link, Player, SessionId},
    time::Duration,
};
use headroom_wire::steering::{self, Report};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use std::borrow::Cow;

/// Tells a web server the cap in plain kbit/s, for servers that cannot read structured fields.
const MAX_BITRATE: HeaderName = HeaderName::from_static("x-headroom-max-bitrate-kbps");

/// What the player asked for, path or URL, as web servers name it: nginx as in `deploy/`, ingress-nginx, Traefik and Caddy, Envoy.
/// The first that is there counts.
static ORIGINAL: [HeaderName; 4] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-envoy-original-path"),
];

/// TCP_INFO of the player's connection, as a web server relays it.
static RTT: HeaderName = HeaderName::from_static("x-tcpinfo-rtt");
static RTT_VARIATION: HeaderName = HeaderName::from_static("x-tcpinfo-rttvar");

/// What a web server asks before it serves a request of a player: nginx `auth_request`, forward-auth elsewhere.
///
/// The request carries the player's headers and, in `X-Original-URI`, `X-Original-URL` or `X-Forwarded-Uri`, what the player
/// asked for. The answer is always 204: Headroom never denies media. A report without a good token, where tokens are asked
/// for, is not used.
///
/// Envoy's `ext_authz` puts the player's own path and query behind `/decide` and takes nothing but 200 for a yes: so asked, the
/// answer is 200 and holds the cap in plain as well.
#[utoipa::path(
    get,
    path = "/decide",
    operation_id = "decide",
    tag = "answers",
    params(("cap" = Option<String>, Query, description = "`1`: also `X-Headroom-Max-Bitrate-Kbps`.")),
    responses((status = 204, description = "What to tell the player.", headers(
        ("CMSD-Dynamic" = String, description = "CTA-5006, where there is something to say.")
    )))
)]
pub(super) fn decide(public: &Public, connection: Connection, request: &Request<Incoming>) -> Response {
    public.metrics.request(RequestKind::Decide);
    let headers = request.headers();
    let own_query = request.uri().query().unwrap_or_default();
    let behind = request.uri().path().strip_prefix("/decide/");
    let (path, query) = original(headers, behind, own_query);
    let context = RequestContext { headers, query, peer: connection.peer.ip(), client: None };
    let mut ingested = public.ingest.handle_request(context, public.admit(headers, query).as_ref().ok(), true);
    let engines = &public.ingest.engines;
    if ingested.reported
        && ingested.content.is_none()
        && let Some(stream) = public.edge.stream_of_manifest(path)
    {
        engines.handle_observed(ingested.session, Some(stream), telemetry::Report::Player(Player::default()));
        ingested.answer = engines.announce(ingested.session);
    }
    if let Some(link) = relayed_link(headers) {
        engines.handle_observed(ingested.session, None, telemetry::Report::Link(link));
        ingested.answer = engines.announce(ingested.session);
    }
    let mut response = no_content();
    if let Some(value) = cmsd::dynamic(&ingested.answer, &public.cmsd_name, []) {
        response.headers_mut().insert(CMSD_DYNAMIC, value);
    }
    if (behind.is_some() || parameter(own_query, "cap") == Some("1"))
        && let Some(value) = cmsd::max_bitrate(&ingested.answer)
    {
        response.headers_mut().insert(MAX_BITRATE, value);
    }
    if behind.is_some() {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

/// Path and query that the player asked for: named in a header, or, where that is `behind` ours, the request's own.
fn original<'r>(headers: &'r HeaderMap, behind: Option<&'r str>, own_query: &'r str) -> (&'r str, &'r str) {
    if let Some(path) = behind {
        return (path, own_query);
    }
    let named = ORIGINAL.iter().find_map(|name| std::str::from_utf8(headers.get(name)?.as_bytes()).ok());
    let Some(target) = named else { return ("", own_query) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    (path, query.split_once('#').map_or(query, |(query, _)| query))
}

/// TCP_INFO as a web server relays it: nginx `$tcpinfo_rtt` and `$tcpinfo_rttvar`, µs.
fn relayed_link(headers: &HeaderMap) -> Option<Link> {
    let micros = |name: &HeaderName| headers.get(name)?.to_str().ok()?.parse::<u32>().ok().map(u64::from);
    let rtt = micros(&RTT)?;
    Some(Link {
        rtt: Some(Duration::from_micros(rtt)),
        jitter: micros(&RTT_VARIATION).map(Duration::from_micros),
        ..Link::default()
    })
}

/// The steering manifest, for HLS and DASH alike. It needs no token: playback depends on it.
#[utoipa::path(
    get,
    path = "/v1/steering",
    operation_id = "steering",
    tag = "answers",
    params(("session" = Option<String>, Query, description = "For whom; without it CMCD says.")),
    responses(
        (status = 200, description = "Content Steering manifest (ETSI TS 103 998).", body = Object,
            content_type = "application/vnd.apple.steering-list"),
        Problem
    )
)]
pub(super) fn steering(
    public: &Public,
    connection: Connection,
    request: &Request<Incoming>,
) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Steering);
    let query = request.uri().query().unwrap_or_default();
    let context = RequestContext { headers: request.headers(), query, peer: connection.peer.ip(), client: None };
    let grant = public.admit(request.headers(), query).ok();
    let session = match parameter(query, "session").map(decisions::session_name).transpose()? {
        Some(name) if grant.as_ref().is_some_and(|grant| grant.covers_session(Some(&name))) => {
            public.ingest.identifier.reported_session(&name)
        }
        _ => public.ingest.handle_request(context, grant.as_ref(), false).session,
    };
    if grant.is_some() {
        observe_named_throughput(public, session, query);
    }
    let manifest = if public.ingest.engines.reach(session).by(Actuator::Steering) {
        public.pathways.manifest(session)
    } else {
        public.pathways.default_manifest()
    };
    let manifest = manifest.ok_or_else(|| Problem::not_found("no pathways are configured"))?;
    let mut response = Json(manifest).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(steering::MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Players name the throughput of the pathways they used with every steering request.
fn observe_named_throughput(public: &Public, session: SessionId, query: &str) {
    let Some(report) = Report::parse(query) else { return };
    // The pathway left last is named last.
    if let Some(bits_per_second) = report.pathways.iter().rev().find_map(|pathway| pathway.throughput_bps) {
        public.ingest.handle_named_throughput(session, bits_per_second);
    }
}

/// What to fetch next, for players that ask before every segment; CMCD in query or headers says who asks.
#[utoipa::path(
    get,
    path = "/v1/advice",
    operation_id = "advice",
    tag = "answers",
    params(
        ("CMCD" = Option<String>, Query, description = "CTA-5004, best the event `rr` of the transfer that has ended."),
        ("client" = Option<String>, Query, description = "Whose player asks: `dash.js`, `hls.js` or `shaka`. Any other counts as dash.js.", example = "shaka")
    ),
    responses(
        (status = 200, description = "The largest bit rate to fetch.", body = Advice),
        (status = 204, description = "The player knows better."),
        Problem
    )
)]
pub(super) fn advice(
    public: &Public,
    connection: Connection,
    request: &Request<Incoming>,
) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Advice);
    let query = request.uri().query().unwrap_or_default();
    let grant = public.admit(request.headers(), query)?;
    let client = parameter(query, "client").and_then(Client::named);
    advice::next(
        public,
        RequestContext { headers: request.headers(), query, peer: connection.peer.ip(), client },
        &grant,
    )
}

/// The decision in force.
#[utoipa::path(
    get,
    path = "/v1/decisions/{session}",
    operation_id = "decision",
    tag = "answers",
    params(("session" = String, Path, description = "As the player names itself (CMCD `sid`).", example = "demo")),
    responses((status = 200, description = "The decision.", body = DecisionView<'static>), Problem)
)]
pub(super) fn decision(public: &Public, request: &Request<Incoming>) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Decisions);
    let name = named(request)?;
    public.admit(request.headers(), request.uri().query().unwrap_or_default())?.covers(Some(&name), None)?;
    decisions::current(public, &name)
}

/// Every decision from now on, as server-sent events; the stream ends when its token does.
#[utoipa::path(
    get,
    path = "/v1/decisions/{session}/events",
    operation_id = "decisions",
    tag = "answers",
    params(("session" = String, Path, description = "As the player names itself (CMCD `sid`).", example = "demo")),
    responses(
        (status = 200, description = "Events `decision` without end; data is a `Told`.", body = String,
            content_type = "text/event-stream"),
        Problem
    )
)]
pub(super) fn decisions(public: &Public, request: &Request<Incoming>) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Decisions);
    let name = named(request)?;
    let grant = public.admit(request.headers(), request.uri().query().unwrap_or_default())?;
    grant.covers(Some(&name), None)?;
    let lasts = grant.expires_s().map(|expires_s| expires_s.saturating_sub(public.ingest.now_s()));
    decisions::events(public, &name, lasts.map(std::time::Duration::from_secs))
}

/// The session that the path names.
fn named(request: &Request<Incoming>) -> Result<Cow<'_, str>, Problem> {
    decisions::session_name(Endpoint::of(request.uri().path()).map_or("", |(_, session)| session))
}

/// Whether requests are taken.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readiness",
    tag = "health",
    responses(
        (status = 200, description = "They are.", body = String, content_type = "text/plain; charset=utf-8"),
        Problem
    )
)]
pub(super) fn readiness(public: &Public) -> Result<Response, Problem> {
    health::readiness(&public.ready, public.edge.trouble(), None)
}
