//! The control listener: state, overrides, pathways, metrics, health.

use crate::{
    clock::Clock,
    edge::Connection,
    identity::Identifier,
    ingest::Ingest,
    listener::Handler,
    metrics::Metrics,
    problem::Problem,
    public::{no_content, plain},
    steering::Pathways,
    stream::Streams,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, Request, State, rejection::JsonRejection, rejection::QueryRejection},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use headroom_core::{
    engine::Scope,
    session::Snapshot,
    telemetry::SessionId,
    time::{Duration, Timestamp},
    units::Bitrate,
};
use headroom_wire::cmcd::StreamingFormat;
use http::{StatusCode, header};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering},
};
use tower::ServiceExt;

/// Most items on a page of a list.
const MAX_PAGE: usize = 1_000;
const DEFAULT_PAGE: usize = 100;

/// Overrides that may be in force at a time.
const MAX_OVERRIDES: usize = 10_000;

/// Longest override: a year.
const LONGEST_S: u64 = 366 * 24 * 3_600;

/// Longest body of a request to the API.
const MAX_BODY: usize = 64 * 1024;

/// Everything the control listener needs.
pub(crate) struct Control {
    router: Router,
}

/// What the handlers share.
pub(crate) struct Resources {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) pathways: Arc<Pathways>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    pub(crate) ready: Arc<AtomicBool>,
    /// Bearer token; empty: none needed.
    pub(crate) token: String,
    pub(crate) overrides: Mutex<BTreeMap<String, InForce>>,
}

type Shared = State<Arc<Resources>>;

impl Control {
    pub(crate) fn new(resources: Resources) -> Self {
        let resources = Arc::new(resources);
        let api = Router::new()
            .route("/v1/sessions", get(list_sessions))
            .route("/v1/sessions/{session}", get(show_session))
            .route("/v1/streams", get(list_streams))
            .route("/v1/overrides", put(put_override).delete(delete_override).get(list_overrides))
            .route("/v1/pathways", put(put_pathways).get(show_pathways))
            .route("/metrics", get(show_metrics))
            .layer(middleware::from_fn_with_state(Arc::clone(&resources), check_token));
        let router = Router::new()
            .route("/healthz", get(|| async { plain(StatusCode::OK, "ok\n") }))
            .route("/readyz", get(show_readiness))
            .merge(api)
            .fallback(|| async { Problem::not_found("no such path") })
            .method_not_allowed_fallback(|| async { Problem::method_not_allowed("the path does not take this method") })
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
            .with_state(resources);
        Self { router }
    }
}

impl Handler for Control {
    async fn handle(&self, _: Connection, request: http::Request<Incoming>) -> Response {
        let Ok(response) = self.router.clone().oneshot(request.map(Body::new)).await;
        response
    }
}

async fn check_token(State(resources): Shared, request: Request, next: Next) -> Response {
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

async fn show_readiness(State(resources): Shared) -> Response {
    if resources.ready.load(Ordering::Relaxed) {
        plain(StatusCode::OK, "ready\n")
    } else {
        Problem::not_ready("starting or shutting down").into_response()
    }
}

async fn show_metrics(State(resources): Shared) -> Result<Response, Problem> {
    let text = resources.metrics.encode().map_err(|_| Problem::not_ready("metrics cannot be written"))?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

/// Which part of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

impl Window {
    fn of(query: Result<Query<Self>, QueryRejection>) -> Result<(usize, usize), Problem> {
        let Query(window) = query.map_err(|error| Problem::malformed(error.to_string()))?;
        let limit = window.limit.unwrap_or(DEFAULT_PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::out_of_range(format!("limit {limit} is outside 1..={MAX_PAGE}")));
        }
        Ok((window.offset, limit))
    }
}

/// Part of a list.
#[derive(Serialize)]
struct Page<T> {
    total: usize,
    offset: usize,
    items: Vec<T>,
}

async fn list_sessions(
    State(resources): Shared,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    let (snapshots, total) = resources.ingest.shards.snapshots(offset, limit);
    let items: Vec<_> = snapshots.iter().map(session_json).collect();
    Ok(Json(Page { total, offset, items }).into_response())
}

/// A session by the name its player gives, or by `id:` and the identifier of the list.
async fn show_session(State(resources): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    let session = match name.strip_prefix("id:") {
        Some(id) => parse_id(id)?,
        None => resources.ingest.identifier.reported_session(&name),
    };
    let snapshot = resources.ingest.shards.snapshot(session);
    let snapshot = snapshot.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(session_json(&snapshot)).into_response())
}

/// Identifiers as hexadecimal text: JavaScript cannot hold 64 bits.
fn session_json(snapshot: &Snapshot) -> serde_json::Value {
    let mut value = serde_json::to_value(snapshot).unwrap_or_default();
    value["session"] = format!("{:016x}", snapshot.session.0).into();
    value["stream"] = format!("{:016x}", snapshot.stream.0).into();
    value["explanation"] = snapshot.reason.to_string().into();
    value
}

fn parse_id(text: &str) -> Result<SessionId, Problem> {
    let id = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    id.map(SessionId).ok_or_else(|| Problem::malformed("a session identifier has 16 hexadecimal digits"))
}

async fn list_streams(
    State(resources): Shared,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Response, Problem> {
    let (offset, limit) = Window::of(query)?;
    let (listed, total) = resources.streams.page(offset, limit);
    let json = |listed| {
        let mut value = serde_json::to_value(listed).unwrap_or_default();
        value["stream"] = value["stream"].as_u64().map_or_else(String::new, |id| format!("{id:016x}")).into();
        value
    };
    Ok(Json(Page { total, offset, items: listed.into_iter().map(json).collect() }).into_response())
}

/// Whom an override concerns, as the API says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    /// Everyone.
    All,
    /// A session by the name its player gives.
    Session(String),
    /// A session by the identifier of the list.
    SessionId(String),
    /// A stream by name, whatever its format.
    Stream(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOverride {
    scope: Target,
    max_bitrate_kbps: f64,
    /// Ends by itself after this many seconds.
    #[serde(default)]
    for_s: Option<u64>,
}

/// An override in force.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InForce {
    scope: Target,
    max_bitrate_kbps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_us: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldOverride {
    scope: Target,
}

async fn put_override(
    State(resources): Shared,
    body: Result<Json<NewOverride>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(order) = body.map_err(|error| Problem::malformed(error.body_text()))?;
    if !(1.0..=Bitrate::MAX.as_kbps()).contains(&order.max_bitrate_kbps) {
        return Err(Problem::out_of_range("max_bitrate_kbps lies in 1..=1e9"));
    }
    if order.for_s.is_some_and(|seconds| !(1..=LONGEST_S).contains(&seconds)) {
        return Err(Problem::out_of_range(format!("for_s lies in 1..={LONGEST_S}")));
    }
    let lasting = order.for_s.map(Duration::from_secs);
    let now = resources.clock.now();
    let key = format!("{:?}", order.scope);
    {
        let mut overrides = resources.overrides.lock().unwrap_or_else(PoisonError::into_inner);
        overrides.retain(|_, entry| entry.until_us.is_none_or(|until| until >= now));
        if overrides.len() >= MAX_OVERRIDES && !overrides.contains_key(&key) {
            return Err(Problem::overloaded(format!("{MAX_OVERRIDES} overrides are in force")));
        }
    }
    resources.restrict(&order.scope, Some(Bitrate::from_kbps_f64(order.max_bitrate_kbps)), lasting)?;
    tracing::info!(scope = ?order.scope, max_bitrate_kbps = order.max_bitrate_kbps, for_s = order.for_s, "override");
    let in_force = InForce {
        scope: order.scope,
        max_bitrate_kbps: order.max_bitrate_kbps,
        until_us: lasting.map(|lasting| now + lasting),
    };
    resources.overrides.lock().unwrap_or_else(PoisonError::into_inner).insert(key, in_force.clone());
    Ok(Json(in_force).into_response())
}

async fn delete_override(
    State(resources): Shared,
    body: Result<Json<OldOverride>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(order) = body.map_err(|error| Problem::malformed(error.body_text()))?;
    let key = format!("{:?}", order.scope);
    resources.overrides.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    tracing::info!(scope = ?order.scope, "override released");
    resources.restrict(&order.scope, None, None)?;
    Ok(no_content())
}

async fn list_overrides(State(resources): Shared) -> Response {
    let now = resources.clock.now();
    let overrides = resources.overrides.lock().unwrap_or_else(PoisonError::into_inner);
    let in_force = overrides.values().filter(|entry| entry.until_us.is_none_or(|until| until >= now));
    Json(Page { total: overrides.len(), offset: 0, items: in_force.take(MAX_PAGE).cloned().collect() }).into_response()
}

impl Resources {
    fn restrict(&self, target: &Target, cap: Option<Bitrate>, lasting: Option<Duration>) -> Result<(), Problem> {
        let shards = &self.ingest.shards;
        let session = match target {
            Target::All => {
                shards.restrict(Scope::All, cap, lasting);
                return Ok(());
            }
            Target::Stream(name) => {
                for stream in streams_called(name, &self.ingest.identifier) {
                    shards.restrict(Scope::Stream(stream), cap, lasting);
                }
                return Ok(());
            }
            Target::Session(name) => self.ingest.identifier.reported_session(name),
            Target::SessionId(id) => parse_id(id)?,
        };
        if shards.snapshot(session).is_none() {
            return Err(Problem::not_found("no live session has this name"));
        }
        shards.restrict(Scope::Session(session), cap, lasting);
        Ok(())
    }
}

/// Every identifier a stream of this name has or may get: one for each format, one for players that name none.
fn streams_called<'a>(
    name: &'a str,
    identifier: &'a Identifier,
) -> impl Iterator<Item = headroom_core::telemetry::StreamId> + 'a {
    let formats = StreamingFormat::ALL.iter().copied().map(Some).chain([None]);
    formats.map(move |format| identifier.stream(name, format))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    /// Best first; empty takes a session's own order back.
    order: Vec<String>,
    /// Only for this session.
    #[serde(default)]
    session: Option<String>,
}

async fn put_pathways(
    State(resources): Shared,
    body: Result<Json<NewOrder>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(order) = body.map_err(|error| Problem::malformed(error.body_text()))?;
    let session = order.session.map(|name| resources.ingest.identifier.reported_session(&name));
    resources.pathways.set(session, order.order).map_err(|error| Problem::out_of_range(error.to_string()))?;
    Ok(no_content())
}

async fn show_pathways(State(resources): Shared) -> Response {
    Json(serde_json::json!({ "order": resources.pathways.order() })).into_response()
}
