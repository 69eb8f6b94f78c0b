//! The routes of the control listener.

use super::{
    alerts, audience, bottlenecks, capacity, experiments,
    guard::{self, PeerAddress},
    history, modes, objectives, overrides, pathways, plan, sessions,
    state::{MAX_BODY, Resources, Shared},
    streams,
};
use crate::{
    dashboard::{self, Live},
    http::{health, problem::Problem, respond::text_response},
    listener::{Connection, Handler, ResponseFuture, at_once, later},
    openapi::{self, Documents},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use std::sync::Arc;
use tower::ServiceExt;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Everything the control listener needs.
pub(crate) struct Control {
    pub(crate) resources: Arc<Resources>,
    router: Router,
}

impl Control {
    pub(crate) fn new(resources: Resources, live: Arc<Live>, documents: Documents) -> Self {
        resources.reinstate();
        let resources = Arc::new(resources);
        let guarded = Router::from(api())
            .merge(Router::from(dashboard::api()).with_state(live))
            .layer(middleware::from_fn_with_state(Arc::clone(&resources), guard::check));
        let router = Router::from(open_to_all())
            .merge(Router::from(openapi::pages()).with_state(Arc::new(documents)))
            .merge(guarded)
            .fallback(|| async { Problem::not_found("no such path") })
            .method_not_allowed_fallback(|| async { Problem::method_not_allowed("the path does not take this method") })
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::map_response(dashboard::harden))
            .with_state(Arc::clone(&resources));
        Self { resources, router }
    }
}

impl Handler for Control {
    fn handle(self: &Arc<Self>, connection: Connection, mut request: http::Request<Incoming>) -> ResponseFuture {
        // Names in paths are text; the router would refuse others in words of its own.
        if percent_decode_str(request.uri().path()).decode_utf8().is_err() {
            return at_once(Problem::malformed("the path is not UTF-8").into_response());
        }
        request.extensions_mut().insert(PeerAddress(connection.peer.ip()));
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
        .routes(routes!(modes::put, modes::show))
        .routes(routes!(objectives::put, objectives::delete, objectives::list))
        .routes(routes!(experiments::put, experiments::delete, experiments::list))
        .routes(routes!(experiments::show))
        .routes(routes!(experiments::observation))
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
    OpenApiRouter::default().routes(routes!(health::health)).routes(routes!(show_readiness)).merge(dashboard::page())
}

/// Everything this listener answers.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    let mut described = api().into_openapi();
    described.merge(dashboard::api().into_openapi());
    described.merge(open_to_all().into_openapi());
    described.merge(openapi::pages().into_openapi());
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
    let degraded = resources.history.as_ref().and_then(|history| history.degraded());
    health::readiness(&resources.ready, resources.origin.trouble(), degraded)
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
    let metrics = resources.exposition.encode().map_err(|_| Problem::not_ready("metrics cannot be written"))?;
    Ok(text_response("application/openmetrics-text; version=1.0.0; charset=utf-8", metrics))
}
