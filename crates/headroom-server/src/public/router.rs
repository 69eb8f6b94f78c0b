//! The routes of the public listener.

use super::{answers, endpoint::Endpoint, reports, state::Public};
use crate::{
    http::{
        cors::{allow_cross_origin, preflight},
        health,
        problem::Problem,
    },
    listener::{Connection, Handler, ResponseFuture, at_once, later},
    metrics::ShedKind,
};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use std::{sync::Arc, time::Instant};
use utoipa::OpenApi;

/// Everything this listener answers, but for media.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    #[derive(OpenApi)]
    #[openapi(paths(
        answers::advice,
        answers::decide,
        answers::steering,
        answers::decision,
        answers::decisions,
        crate::http::health::health,
        answers::readiness,
        reports::events,
        reports::samples,
        reports::feedback,
        reports::open_socket,
        reports::clip,
    ))]
    struct Described;
    Described::openapi()
}

impl Handler for Public {
    fn handle(self: &Arc<Self>, connection: Connection, request: Request<Incoming>) -> ResponseFuture {
        // Asked for every object of every viewer.
        if let Some((Endpoint::Decide, _)) = Endpoint::of(request.uri().path())
            && Endpoint::Decide.takes(request.method())
        {
            return at_once(answers::decide(self, connection, &request));
        }
        let public = Arc::clone(self);
        later(async move { public.route(connection, request).await })
    }
}

impl Public {
    async fn route(&self, connection: Connection, request: Request<Incoming>) -> Response {
        let path = request.uri().path();
        let Some((endpoint, _)) = Endpoint::of(path) else {
            if path.starts_with("/v1/") {
                let mut response = Problem::not_found(format!("no such path: {path}")).into_response();
                allow_cross_origin(response.headers_mut());
                return response;
            }
            return self.edge.handle(connection, request).await;
        };
        if request.method() == Method::OPTIONS {
            return preflight(request.headers());
        }
        let client = self.ingest.identifier.client_address(request.headers(), connection.peer.ip());
        let mut response = if !self.clients.admit(client, Instant::now()) {
            self.metrics.shed(ShedKind::Client);
            Problem::too_many_requests("ask again in a second, and less often").into_response()
        } else if endpoint.takes(request.method()) {
            self.answer(endpoint, connection, request).await.unwrap_or_else(IntoResponse::into_response)
        } else {
            let problem = Problem::method_not_allowed(format!("{path} takes {}", endpoint.allow()));
            let mut response = problem.into_response();
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(endpoint.allow()));
            response
        };
        allow_cross_origin(response.headers_mut());
        response
    }

    async fn answer(
        &self,
        endpoint: Endpoint,
        connection: Connection,
        request: Request<Incoming>,
    ) -> Result<Response, Problem> {
        match endpoint {
            Endpoint::Decide => Ok(answers::decide(self, connection, &request)),
            Endpoint::Advice => answers::advice(self, connection, &request),
            Endpoint::Cmcd => reports::events(self, connection, request).await,
            Endpoint::Samples => reports::samples(self, request).await,
            Endpoint::Feedback if request.method() == Method::POST => {
                reports::feedback(self, connection, request).await
            }
            Endpoint::Feedback => reports::open_socket(self, connection, request).await,
            Endpoint::Clip => reports::clip(self, connection, request).await,
            Endpoint::Steering => answers::steering(self, connection, &request),
            Endpoint::Decision => answers::decision(self, &request),
            Endpoint::Decisions => answers::decisions(self, &request),
            Endpoint::Health => Ok(health::health().await),
            Endpoint::Readiness => answers::readiness(self),
        }
    }
}

/// Path templates and methods of our endpoints, as a document names them.
#[cfg(test)]
pub(crate) fn operations() -> std::collections::BTreeSet<(String, String)> {
    let of = |endpoint: Endpoint| {
        endpoint.methods().iter().map(move |method| (endpoint.template().to_owned(), method.as_str().to_lowercase()))
    };
    Endpoint::ALL.into_iter().flat_map(of).collect()
}
