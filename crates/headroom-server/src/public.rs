//! The public listener: what players, their agents and web servers may ask.
//!
//! The two paths asked most, `/decide` and the event reports, are answered before the router; all paths that are not
//! ours belong to the edge.

use crate::{
    advice, decisions,
    edge::{CMSD_DYNAMIC, Connection, Edge, allow_cross_origin, preflight},
    feedback::{Feedback, Outcome},
    identity::parameter,
    ingest::{BatchOutcome, Carrier, Ingest, read_samples},
    listener::Handler,
    metrics::{MessageSource, Metrics, Request as Kind},
    problem::Problem,
    steering::Pathways,
};
use axum::{
    Json,
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use headroom_core::{
    telemetry::{self, Link, SessionId},
    time::Duration,
};
use headroom_wire::{
    cmcd,
    steering::{self, Report},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Tells a web server the cap in plain kbit/s, for servers that cannot read structured fields.
const MAX_BITRATE: HeaderName = HeaderName::from_static("x-headroom-max-bitrate-kbps");

/// Everything the public listener needs.
pub(crate) struct Public {
    pub(crate) edge: Edge,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) pathways: Arc<Pathways>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settings: crate::config::Public,
    pub(crate) cmsd_name: String,
    pub(crate) subscribers: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ready: Arc<AtomicBool>,
}

impl Handler for Public {
    async fn handle(&self, connection: Connection, request: Request<Incoming>) -> Response {
        match request.uri().path() {
            "/decide" => self.handle_decide(connection, &request),
            path if path.starts_with("/v1/") => {
                if request.method() == Method::OPTIONS {
                    return preflight(request.headers());
                }
                let mut response = self.route(connection, request).await.unwrap_or_else(IntoResponse::into_response);
                allow_cross_origin(response.headers_mut());
                response
            }
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            "/readyz" => {
                if self.ready.load(Ordering::Relaxed) {
                    plain(StatusCode::OK, "ready\n")
                } else {
                    Problem::not_ready("starting or shutting down").into_response()
                }
            }
            _ => self.edge.handle(connection, request).await,
        }
    }
}

impl Public {
    /// What a web server asks before it serves a request of a player: nginx `auth_request`, forward-auth elsewhere.
    ///
    /// The request carries the player's headers and, in `X-Original-URI` or `X-Forwarded-Uri`, what the player asked
    /// for. The answer is always 204: Headroom never denies media.
    fn handle_decide(&self, connection: Connection, request: &Request<Incoming>) -> Response {
        self.metrics.request(Kind::Decide);
        let headers = request.headers();
        let own_query = request.uri().query().unwrap_or_default();
        let original = ["x-original-uri", "x-forwarded-uri"].iter().find_map(|name| headers.get(*name));
        let original = original.and_then(|value| value.to_str().ok());
        let query = original.map_or(own_query, |uri| uri.split_once('?').map_or("", |(_, query)| query));
        let carrier = Carrier { headers, query, peer: connection.peer.ip() };
        let mut heard = self.ingest.handle_request(carrier, false);
        if let Some(link) = relayed_link(headers) {
            self.ingest.shards.handle_observed(heard.session, None, telemetry::Report::Link(link));
            heard.answer = self.ingest.shards.announce(heard.session);
        }
        let mut response = no_content();
        if let Some(value) = heard.answer.cmsd_dynamic(&self.cmsd_name, []) {
            response.headers_mut().insert(CMSD_DYNAMIC, value);
        }
        if parameter(own_query, "cap") == Some("1")
            && let Some(value) = heard.answer.max_bitrate()
        {
            response.headers_mut().insert(MAX_BITRATE, value);
        }
        response
    }

    async fn route(&self, connection: Connection, request: Request<Incoming>) -> Result<Response, Problem> {
        let path = request.uri().path().to_owned();
        let takes = |method: Method| {
            let fits = request.method() == method || (method == Method::GET && request.method() == Method::HEAD);
            if fits { Ok(()) } else { Err(Problem::method_not_allowed(format!("{path} takes {method}"))) }
        };
        match path.as_str() {
            "/v1/cmcd" => {
                takes(Method::POST)?;
                self.handle_events(connection, request).await
            }
            "/v1/samples" => {
                takes(Method::POST)?;
                self.handle_samples(request).await.map(|outcome| Json(outcome).into_response())
            }
            "/v1/feedback" => {
                if request.method() == Method::GET {
                    self.feedback.admit(request.headers())?;
                    return self.feedback.open_socket(request).await;
                }
                takes(Method::POST)?;
                self.handle_feedback(request).await
            }
            "/v1/feedback/audio" => {
                takes(Method::POST)?;
                self.handle_clip(request).await
            }
            "/v1/steering" => {
                takes(Method::GET)?;
                self.handle_steering(connection, &request)
            }
            "/v1/advice" => {
                takes(Method::GET)?;
                self.metrics.request(Kind::Advice);
                let query = request.uri().query().unwrap_or_default();
                advice::next(self, Carrier { headers: request.headers(), query, peer: connection.peer.ip() })
            }
            _ => {
                let Some(rest) = path.strip_prefix("/v1/decisions/") else {
                    return Err(Problem::not_found(format!("no such path: {path}")));
                };
                takes(Method::GET)?;
                self.metrics.request(Kind::Decisions);
                match rest.strip_suffix("/events") {
                    Some(name) => decisions::events(self, &decisions::session_name(name)?),
                    None => decisions::current(self, &decisions::session_name(rest)?),
                }
            }
        }
    }

    /// CMCD events, as `application/cmcd` (one record a line) or JSON.
    async fn handle_events(&self, connection: Connection, request: Request<Incoming>) -> Result<Response, Problem> {
        self.metrics.request(Kind::Cmcd);
        let (parts, body) = request.into_parts();
        let media_type = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = self.read(body, self.settings.max_beacon_bytes).await?;
        let carrier = Carrier {
            headers: &parts.headers,
            query: parts.uri.query().unwrap_or_default(),
            peer: connection.peer.ip(),
        };
        match media_type.as_str() {
            // Players send plain text to avoid a preflight.
            "" | cmcd::MEDIA_TYPE | "text/plain" | "text/cmcd" | "application/octet-stream" => {
                self.ingest.handle_events(&body, carrier).map_err(Problem::malformed)?;
            }
            "application/json" => self.ingest.handle_json(&body, carrier).map_err(Problem::malformed)?,
            other => {
                let detail = format!("{other} is none of application/cmcd, text/plain, application/json");
                return Err(Problem::unsupported_media_type(detail));
            }
        }
        Ok(no_content())
    }

    /// A batch of samples.
    async fn handle_samples(&self, request: Request<Incoming>) -> Result<BatchOutcome, Problem> {
        self.metrics.request(Kind::Samples);
        let body = self.read(request.into_body(), self.settings.max_batch_bytes).await?;
        let outcome = read_samples(&self.ingest, &body, self.edge.clock.now());
        if outcome.accepted == 0 && outcome.rejected > 0 {
            let first = serde_json::to_string(&outcome.errors).unwrap_or_default();
            return Err(Problem::malformed(format!("no line is a sample: {first}")));
        }
        Ok(outcome)
    }

    /// Messages of viewers: one as JSON, or one a line.
    async fn handle_feedback(&self, request: Request<Incoming>) -> Result<Response, Problem> {
        self.metrics.request(Kind::Feedback);
        self.feedback.admit(request.headers())?;
        let media_type = request.headers().get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        let is_json = media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json");
        let body = self.read(request.into_body(), self.settings.max_batch_bytes).await?;
        let outcome = if is_json {
            self.feedback.hear_json(MessageSource::Post, &body)?;
            Outcome { accepted: 1, ..Outcome::default() }
        } else {
            self.feedback.hear_lines(&body)?
        };
        Ok((StatusCode::ACCEPTED, Json(outcome)).into_response())
    }

    /// A clip of a viewer's voice: WAV, FLAC, Vorbis or Opus.
    async fn handle_clip(&self, request: Request<Incoming>) -> Result<Response, Problem> {
        self.metrics.request(Kind::Feedback);
        self.feedback.admit(request.headers())?;
        let admission = self.feedback.admit_clip(request.uri().query().unwrap_or_default())?;
        let clip = self.read(request.into_body(), self.feedback.max_clip_bytes()).await?;
        let text = self.feedback.hear_clip(admission, clip).await?;
        Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "origin": "voice", "text": text }))).into_response())
    }

    /// The steering manifest.
    fn handle_steering(&self, connection: Connection, request: &Request<Incoming>) -> Result<Response, Problem> {
        self.metrics.request(Kind::Steering);
        let query = request.uri().query().unwrap_or_default();
        let carrier = Carrier { headers: request.headers(), query, peer: connection.peer.ip() };
        let session = match parameter(query, "session") {
            Some(name) => self.ingest.identifier.reported_session(&decisions::session_name(name)?),
            None => self.ingest.handle_request(carrier, false).session,
        };
        self.observe_named_throughput(session, query);
        let manifest = self.pathways.manifest(session);
        let manifest = manifest.ok_or_else(|| Problem::not_found("no pathways are configured"))?;
        let mut response = Json(manifest).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(steering::MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// Players name the throughput of the pathways they used with every steering request.
    fn observe_named_throughput(&self, session: SessionId, query: &str) {
        let Some(report) = Report::parse(query) else { return };
        // The pathway left last is named last.
        if let Some(bits_per_second) = report.pathways.iter().rev().find_map(|pathway| pathway.throughput_bps) {
            self.ingest.handle_named_throughput(session, bits_per_second);
        }
    }

    /// A request's body, if it is short and quick enough.
    async fn read(&self, body: Incoming, limit: usize) -> Result<Bytes, Problem> {
        let limited = Limited::new(body, limit).collect();
        match tokio::time::timeout(self.settings.body_timeout(), limited).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Problem::too_large(format!("the body is longer than {limit} bytes")))
            }
            Ok(Err(error)) => Err(Problem::malformed(format!("the body broke off: {error}"))),
            Err(_) => Err(Problem::too_slow(format!("no whole body within {} ms", self.settings.body_timeout_ms))),
        }
    }
}

/// TCP_INFO as a web server relays it: nginx `$tcpinfo_rtt` and `$tcpinfo_rttvar`, µs.
fn relayed_link(headers: &HeaderMap) -> Option<Link> {
    let micros = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u32>().ok().map(u64::from);
    let rtt = micros("x-tcpinfo-rtt")?;
    Some(Link {
        rtt: Some(Duration::from_micros(rtt)),
        jitter: micros("x-tcpinfo-rttvar").map(Duration::from_micros),
        ..Link::default()
    })
}

pub(crate) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
