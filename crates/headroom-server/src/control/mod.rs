//! The control listener: one file for each resource of the API.

mod access;
mod alerts;
mod attempts;
mod audience;
mod bottlenecks;
mod capacity;
mod history;
mod orders;
mod overrides;
mod pathways;
mod plan;
mod role;
mod sessions;
mod settings;
mod streams;
mod tokens;

pub(crate) use self::{
    access::Access,
    orders::Book,
    plan::Planner,
    sessions::{Session, session_of},
    tokens::Tokens,
};

pub use self::{role::Role, settings::Settings, tokens::TokensError};

use crate::{
    alerts::Alerts,
    dashboard::{self, Live},
    feedback::Feedback,
    fleet::FleetSnapshot,
    history::History,
    http::{health, problem::Problem, respond::text_response},
    ingest::Ingest,
    listener::{Answering, Connection, Handler, later},
    metrics::Metrics,
    openapi,
    steering::Pathways,
    stream::Streams,
};
use access::Peer;
use axum::{
    Json, Router,
    body::Body,
    extract::{State, rejection::JsonRejection},
    middleware,
    response::Response,
};
use futures_util::FutureExt;
use headroom_cluster::{bottleneck::Bottlenecks, clock::Clock};
use http::StatusCode;
use hyper::body::Incoming;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;
use utoipa_axum::{router::OpenApiRouter, routes};

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
    /// Where orders are written down, if anywhere.
    pub(crate) book: Option<Book>,
    /// The latest whole round.
    pub(crate) fleet: watch::Receiver<Arc<FleetSnapshot>>,
    pub(crate) alerts: Arc<Alerts>,
    /// Sessions held at most.
    pub(crate) max_sessions: usize,
    pub(crate) history: Option<Arc<History>>,
    /// Who may read the history at a time.
    pub(crate) readers: Semaphore,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) planner: Planner,
}

type Shared = State<Arc<Resources>>;

impl Control {
    pub(crate) fn new(resources: Resources, live: Arc<Live>) -> Self {
        resources.reinstate();
        let resources = Arc::new(resources);
        let guarded = Router::from(api())
            .merge(Router::from(dashboard::api()).with_state(live))
            .layer(middleware::from_fn_with_state(Arc::clone(&resources), access::check));
        let router = Router::from(open_to_all())
            .merge(guarded)
            .fallback(|| async { Problem::not_found("no such path") })
            .method_not_allowed_fallback(|| async { Problem::method_not_allowed("the path does not take this method") })
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::map_response(dashboard::harden))
            .with_state(resources);
        Self { router }
    }
}

impl Handler for Control {
    fn handle(self: &Arc<Self>, connection: Connection, mut request: http::Request<Incoming>) -> Answering {
        request.extensions_mut().insert(Peer(connection.peer.ip()));
        if let Some(certificate) = connection.certificate {
            request.extensions_mut().insert(certificate);
        }
        let answer = self.router.clone().oneshot(request.map(Body::new));
        later(answer.map(|Ok(response)| response))
    }
}

/// What needs a token, where there are tokens. Routes are added with `routes!` only, which documents them.
fn api() -> OpenApiRouter<Arc<Resources>> {
    OpenApiRouter::default()
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(streams::list))
        .routes(routes!(audience::show))
        .routes(routes!(audience::list))
        .routes(routes!(overrides::put, overrides::delete, overrides::list))
        .routes(routes!(bottlenecks::put, bottlenecks::delete, bottlenecks::list))
        .routes(routes!(capacity::show))
        .routes(routes!(plan::show))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::silence, alerts::silences))
        .routes(routes!(history::show))
        .routes(routes!(history::audit))
        .routes(routes!(pathways::put, pathways::show))
        .routes(routes!(show_metrics))
}

/// What needs none: it holds no secret.
fn open_to_all() -> OpenApiRouter<Arc<Resources>> {
    OpenApiRouter::default()
        .routes(routes!(health::health))
        .routes(routes!(show_readiness))
        .merge(openapi::pages())
        .merge(dashboard::page())
}

/// Everything this listener answers.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    let mut described = api().into_openapi();
    described.merge(dashboard::api().into_openapi());
    described.merge(open_to_all().into_openapi());
    described
}

/// Whether requests are taken; says so when the history cannot be written.
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
async fn show_readiness(State(resources): Shared) -> Result<Response, Problem> {
    health::readiness(&resources.ready, resources.history.as_ref().and_then(|history| history.degraded()))
}

/// Metrics for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "health",
    responses(
        (status = 200, description = "All of them.", body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        Problem
    )
)]
async fn show_metrics(State(resources): Shared) -> Result<Response, Problem> {
    let metrics = resources.metrics.encode().map_err(|_| Problem::not_ready("metrics cannot be written"))?;
    Ok(text_response("application/openmetrics-text; version=1.0.0; charset=utf-8", metrics))
}

impl Resources {
    /// Seconds since the epoch.
    fn now_s(&self) -> u64 {
        self.clock.now().as_secs()
    }
}

/// A body that is what it should be.
fn parsed<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|error| match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::unsupported_media_type(error.body_text()),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(error.body_text()),
        _ => Problem::malformed(error.body_text()),
    })
}
