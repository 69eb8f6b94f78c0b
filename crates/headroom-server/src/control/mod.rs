//! The control listener: one file for each resource of the API.

mod access;
mod alerts;
mod audience;
mod bottlenecks;
mod capacity;
mod history;
mod overrides;
mod page;
mod pathways;
mod plan;
mod sessions;
mod streams;

pub(crate) use self::{
    access::Access,
    page::{Page, Window},
    plan::Planner,
    sessions::session_of,
};

use crate::{
    alerts::Alerts,
    bottleneck::Bottlenecks,
    clock::Clock,
    dashboard::{self, Live},
    edge::Connection,
    feedback::Feedback,
    fleet::Round,
    history::History,
    ingest::Ingest,
    listener::Handler,
    metrics::Metrics,
    problem::Problem,
    public::plain,
    steering::Pathways,
    stream::Streams,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{State, rejection::JsonRejection},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use http::{StatusCode, header};
use hyper::body::Incoming;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

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
    pub(crate) access: Access,
    pub(crate) overrides: Mutex<BTreeMap<String, overrides::InForce>>,
    pub(crate) bottlenecks: Arc<Bottlenecks>,
    /// The latest whole round.
    pub(crate) fleet: watch::Receiver<Arc<Round>>,
    pub(crate) alerts: Arc<Alerts>,
    /// Sessions held at most.
    pub(crate) max_sessions: usize,
    pub(crate) history: Option<Arc<History>>,
    /// Who may read the history at a time.
    pub(crate) readers: Semaphore,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) planner: Planner,
}

pub(crate) use access::same;

type Shared = State<Arc<Resources>>;

impl Control {
    pub(crate) fn new(resources: Resources, live: Arc<Live>) -> Self {
        let resources = Arc::new(resources);
        let api = Router::new()
            .route("/v1/sessions", get(sessions::list))
            .route("/v1/sessions/{session}", get(sessions::show))
            .route("/v1/streams", get(streams::list))
            .route("/v1/streams/{stream}/audience", get(audience::show))
            .route("/v1/audiences", get(audience::list))
            .route("/v1/overrides", put(overrides::put).delete(overrides::delete).get(overrides::list))
            .route("/v1/bottlenecks", put(bottlenecks::put).delete(bottlenecks::delete).get(bottlenecks::list))
            .route("/v1/capacity", get(capacity::show))
            .route("/v1/plan", get(plan::show))
            .route("/v1/alerts", get(alerts::list))
            .route("/v1/silences", put(alerts::silence).get(alerts::silences))
            .route("/v1/history", get(history::show))
            .route("/v1/audit", get(history::audit))
            .route("/v1/pathways", put(pathways::put).get(pathways::show))
            .route("/metrics", get(show_metrics))
            .merge(dashboard::api(live))
            .layer(middleware::from_fn_with_state(Arc::clone(&resources), access::check));
        let router = Router::new()
            .route("/healthz", get(|| async { plain(StatusCode::OK, "ok\n") }))
            .route("/readyz", get(show_readiness))
            .merge(api)
            .merge(dashboard::page())
            .fallback(|| async { Problem::not_found("no such path") })
            .method_not_allowed_fallback(|| async { Problem::method_not_allowed("the path does not take this method") })
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::map_response(dashboard::harden))
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

async fn show_readiness(State(resources): Shared) -> Response {
    if !resources.ready.load(Ordering::Relaxed) {
        return Problem::not_ready("starting or shutting down").into_response();
    }
    // Decisions need no history: a disk in trouble is announced, and traffic goes on.
    match resources.history.as_ref().and_then(|history| history.degraded()) {
        None => plain(StatusCode::OK, "ready\n"),
        Some(reason) => {
            (StatusCode::OK, format!("ready, degraded: history cannot be written: {reason}\n")).into_response()
        }
    }
}

async fn show_metrics(State(resources): Shared) -> Result<Response, Problem> {
    let text = resources.metrics.encode().map_err(|_| Problem::not_ready("metrics cannot be written"))?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

impl Resources {
    /// Seconds since the epoch.
    fn now_s(&self) -> u64 {
        self.clock.now().as_micros() / 1_000_000
    }
}

/// A body that is what it should be.
fn parsed<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|error| Problem::malformed(error.body_text()))
}
