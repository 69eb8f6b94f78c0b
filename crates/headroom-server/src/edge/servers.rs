//! The HTTP servers of the origin: the first that answers serves, and what one leaves unfinished another finishes.

use super::{
    forward::{Forwarding, request_to},
    health::{Health, Standing},
    metrics::EdgeMetrics,
    origin::Address,
    settings::Settings,
};
use crate::{
    http::problem::Problem,
    tls_client::{self, ClientTlsError},
};
use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often servers are asked whether they live, and how long they may take to say so.
const PROBE: Duration = Duration::from_secs(1);

/// Bodies up to this length are held, so that another server can be asked when one cannot be reached. Licence requests are a
/// few kilobytes.
const HELD: usize = 64 * 1024;

/// Longest wait for a body that is held.
const HELD_WITHIN: Duration = Duration::from_secs(10);

type HttpClient = Client<HttpsConnector<HttpConnector>, Body>;

/// The servers, and how they are asked.
pub(crate) struct Servers {
    pub(super) addresses: Vec<Address>,
    health: Vec<Health>,
    client: HttpClient,
    /// Speaks HTTP/1.1 only: connections that become something else.
    upgrading: HttpClient,
    timeout: Duration,
    /// A server that has not answered after this long is given company.
    failover: Duration,
    health_path: String,
    metrics: Arc<EdgeMetrics>,
}

/// A request that can be repeated.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) parts: request::Parts,
    pub(super) forwarding: Forwarding,
}

/// Why a server did not answer.
struct Failure {
    problem: Problem,
    /// Nothing of the request has reached it.
    untouched: bool,
}

impl Servers {
    pub(super) fn new(
        addresses: Vec<Address>,
        settings: &Settings,
        metrics: Arc<EdgeMetrics>,
    ) -> Result<Self, ClientTlsError> {
        let tls = if addresses.iter().any(|server| server.encrypted) {
            tls_client::client(&settings.origin_ca_file)?
        } else {
            tls_client::without_roots()?
        };
        let connector = |second: bool| {
            let mut tcp = HttpConnector::new();
            tcp.set_connect_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)));
            tcp.set_nodelay(true);
            tcp.enforce_http(false);
            let builder = HttpsConnectorBuilder::new().with_tls_config((*tls).clone()).https_or_http().enable_http1();
            if second { builder.enable_http2().wrap_connector(tcp) } else { builder.wrap_connector(tcp) }
        };
        let client = |connector| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .http2_adaptive_window(true)
                .http2_keep_alive_interval(Some(Duration::from_secs(5)))
                .http2_keep_alive_timeout(Duration::from_secs(2))
                .build(connector)
        };
        Ok(Self {
            health: addresses.iter().map(|_| Health::default()).collect(),
            addresses,
            client: client(connector(true)),
            upgrading: client(connector(false)),
            timeout: Duration::from_millis(settings.response_timeout_ms),
            failover: Duration::from_millis(settings.failover_ms),
            health_path: settings.health_path.clone(),
            metrics,
        })
    }

    /// Asks every server whether it lives, until `shutdown`.
    pub(super) async fn watch(&self, shutdown: CancellationToken) {
        if self.health_path.is_empty() {
            return;
        }
        let mut round = tokio::time::interval(PROBE);
        round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = round.tick() => {}
            }
            futures_util::future::join_all((0..self.addresses.len()).map(|index| self.probe(index))).await;
        }
    }

    /// Asks one server whether it lives: any answer says so.
    async fn probe(&self, index: usize) {
        let server = &self.addresses[index];
        let path = if self.health_path.is_empty() { "/" } else { &self.health_path };
        let request = Request::head(format!("{server}{path}"))
            .header(header::USER_AGENT, concat!("headroom/", env!("CARGO_PKG_VERSION")))
            .body(Body::empty());
        let Ok(request) = request else { return };
        match timeout(PROBE, self.client.request(request)).await {
            Ok(Ok(_)) => self.health[index].answered(server),
            Ok(Err(error)) => self.health[index].failed(server, &told(&error)),
            Err(_) => self.health[index].failed(server, "no answer within 1 s"),
        }
    }

    /// Why no server can be used; `None` when one can, or nobody asks them.
    pub(super) fn trouble(&self) -> Option<String> {
        let asks = !self.health_path.is_empty();
        if self.health.iter().any(|health| match health.standing() {
            Standing::Up => true,
            Standing::Unknown => !asks,
            Standing::Down => false,
        }) {
            return None;
        }
        let each = self.addresses.iter().zip(&self.health);
        let each = each.map(|(server, health)| format!("{server}: {}", health.trouble().unwrap_or_default()));
        Some(each.collect::<Vec<_>>().join("; "))
    }

    /// Asks all of them once; why none can be used.
    pub(super) async fn check(&self) -> Option<String> {
        futures_util::future::join_all((0..self.addresses.len()).map(|index| self.probe(index))).await;
        let each = self.addresses.iter().zip(&self.health);
        let dead = each.filter_map(|(server, health)| Some(format!("{server}: {}", health.trouble()?)));
        let dead: Vec<_> = dead.collect();
        (!dead.is_empty()).then(|| dead.join("; "))
    }

    /// Their indices in the order in which they are asked: those that answer first, then as configured.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.addresses.len()).collect();
        order.sort_by_key(|&index| self.health[index].standing() == Standing::Down);
        order
    }

    /// The answer of the first server that has one, to a request without a body.
    pub(super) async fn ask(self: &Arc<Self>, asked: &Asked) -> Result<Response<Incoming>, Problem> {
        let mut order = self.order().into_iter().peekable();
        let preferred = order.peek().copied();
        // A playlist that waits for its next part (LL-HLS) is slow on purpose.
        let waits = asked.parts.uri.query().is_some_and(|query| query.contains("_HLS_msn="));
        let mut running = FuturesUnordered::new();
        let (mut refused, mut problem) = (None, None);
        let mut start = true;
        loop {
            if start && let Some(index) = order.next() {
                running.push(async move { (index, self.ask_one(index, asked, Body::empty()).await) });
            }
            start = false;
            let hurry = order.peek().is_some() && !waits;
            tokio::select! {
                Some((index, outcome)) = running.next() => match outcome {
                    Ok(response) if !is_broken(response.status()) => {
                        if Some(index) != preferred {
                            self.metrics.origin_failovers.inc();
                            if let Some(late) = preferred.filter(|late| self.health[*late].standing() == Standing::Up) {
                                self.health[late].failed(&self.addresses[late], "another server answered before it");
                            }
                        }
                        return Ok(response);
                    }
                    Ok(response) => {
                        refused.get_or_insert(response);
                        start = true;
                    }
                    Err(failure) => {
                        problem.get_or_insert(failure.problem);
                        start = true;
                    }
                },
                () = sleep(self.failover), if hurry => start = true,
                else => {}
            }
            if running.is_empty() && order.peek().is_none() {
                let nobody = || Problem::origin_unreachable("the origin has no server");
                return refused.ok_or_else(|| problem.unwrap_or_else(nobody));
            }
        }
    }

    /// The answer to a request with a body: of the first server that can be reached.
    pub(super) async fn send(&self, asked: &Asked, body: Incoming) -> Result<Response<Incoming>, Problem> {
        let announced = asked.parts.headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let order = self.order();
        if announced.is_none_or(|length| length > HELD) {
            let index = order.first().copied().unwrap_or_default();
            return self.ask_one(index, asked, Body::new(body)).await.map_err(|failure| failure.problem);
        }
        let body = match timeout(HELD_WITHIN, Limited::new(body, HELD).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(Problem::malformed(format!("the body broke off: {error}"))),
            Err(_) => return Err(Problem::too_slow("no whole body within 10 s")),
        };
        let mut problem = None;
        for index in order {
            match self.ask_one(index, asked, Body::from(body.clone())).await {
                Ok(response) => return Ok(response),
                Err(failure) if failure.untouched => problem = Some(failure.problem),
                Err(failure) => return Err(failure.problem),
            }
        }
        Err(problem.unwrap_or_else(|| Problem::origin_unreachable("the origin has no server")))
    }

    /// Asks for a connection that becomes something else, such as a WebSocket.
    pub(super) async fn upgrade(&self, asked: &Asked, protocol: HeaderValue) -> Result<Response<Incoming>, Problem> {
        let index = self.order().first().copied().unwrap_or_default();
        let mut request = request_to(&self.addresses[index], &asked.parts, &asked.forwarding, Body::empty())?;
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        request.headers_mut().insert(header::UPGRADE, protocol);
        let answer = timeout(self.timeout, self.upgrading.request(request)).await;
        self.judged(index, answer).map_err(|failure| failure.problem)
    }

    async fn ask_one(&self, index: usize, asked: &Asked, body: Body) -> Result<Response<Incoming>, Failure> {
        let request = request_to(&self.addresses[index], &asked.parts, &asked.forwarding, body);
        let request = request.map_err(|problem| Failure { problem, untouched: false })?;
        let response = self.judged(index, timeout(self.timeout, self.client.request(request)).await)?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let problem =
                Problem::origin_unreachable("the origin switches to another protocol, which nobody asked for");
            self.metrics.origin_failures.inc();
            return Err(Failure { problem, untouched: false });
        }
        Ok(response)
    }

    fn judged(
        &self,
        index: usize,
        answer: Result<Result<Response<Incoming>, hyper_util::client::legacy::Error>, tokio::time::error::Elapsed>,
    ) -> Result<Response<Incoming>, Failure> {
        let (server, health) = (&self.addresses[index], &self.health[index]);
        let (problem, untouched, reason) = match answer {
            Ok(Ok(mut response)) => {
                health.answered(server);
                response.extensions_mut().insert(AnsweredBy(index));
                return Ok(response);
            }
            Ok(Err(error)) => {
                let reason = told(&error);
                (
                    Problem::origin_unreachable(format!("the origin did not answer: {reason}")),
                    error.is_connect(),
                    reason,
                )
            }
            Err(_) => {
                let reason = format!("no answer within {} ms", self.timeout.as_millis());
                (Problem::origin_timeout(reason.clone()), false, reason)
            }
        };
        self.metrics.origin_failures.inc();
        health.failed(server, &reason);
        Err(Failure { problem, untouched })
    }

    /// The rest of an object from `at` on, of any server that has the same object.
    async fn rest(&self, asked: &Asked, whole: &Whole, at: u64) -> Option<Incoming> {
        let mut again = asked.clone();
        again.parts.headers.insert(header::RANGE, format!("bytes={at}-").parse().ok()?);
        again.parts.headers.remove(header::IF_NONE_MATCH);
        again.parts.headers.remove(header::IF_MODIFIED_SINCE);
        for index in self.order().into_iter().filter(|&index| index != whole.server) {
            let Ok(response) = self.ask_one(index, &again, Body::empty()).await else { continue };
            if response.status() == StatusCode::PARTIAL_CONTENT && whole.continues(response.headers(), at) {
                self.metrics.origin_failovers.inc();
                return Some(response.into_body());
            }
        }
        None
    }
}

/// An object whose length is known.
struct Whole {
    server: usize,
    length: u64,
    tag: Option<Bytes>,
}

impl Whole {
    /// Whether a partial answer holds the bytes from `at` on of the same object.
    fn continues(&self, headers: &HeaderMap, at: u64) -> bool {
        let range = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let expected = format!("bytes {at}-{}/{}", self.length.saturating_sub(1), self.length);
        let same_tag = match (&self.tag, headers.get(header::ETAG)) {
            (Some(ours), Some(theirs)) => ours.as_ref() == theirs.as_bytes(),
            _ => true,
        };
        range == Some(&expected) && same_tag
    }
}

/// The body of an answer. Where it breaks off or stands still, another server goes on, if it has the same object.
pub(super) fn finished_elsewhere(servers: Arc<Servers>, asked: Asked, response: Response<Incoming>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let whole = length
        .filter(|_| servers.addresses.len() > 1 && parts.status == StatusCode::OK && asked.parts.method == Method::GET);
    let Some(length) = whole else { return Response::from_parts(parts, Body::new(body)) };
    let tag = parts.headers.get(header::ETAG).map(|tag| Bytes::copy_from_slice(tag.as_bytes()));
    let server = parts.extensions.get::<AnsweredBy>().map_or(0, |by| by.0);
    let pieces = Pieces { servers, asked, whole: Whole { server, length, tag }, body: Some(body), at: 0, moved: false };
    let stream = futures_util::stream::unfold(pieces, Pieces::next);
    Response::from_parts(parts, Body::from_stream(stream))
}

/// Which server an answer is of.
#[derive(Clone, Copy)]
struct AnsweredBy(usize);

/// A body on the way.
struct Pieces {
    servers: Arc<Servers>,
    asked: Asked,
    whole: Whole,
    body: Option<Incoming>,
    at: u64,
    /// It has been finished elsewhere once: that is enough.
    moved: bool,
}

impl Pieces {
    async fn next(mut self) -> Option<(Result<Bytes, hyper::Error>, Self)> {
        loop {
            let body = self.body.as_mut()?;
            let frame =
                if self.moved { Ok(body.frame().await) } else { timeout(self.servers.failover, body.frame()).await };
            let error = match frame {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => {
                    // Trailers are not passed on.
                    let Ok(data) = frame.into_data() else { continue };
                    self.at += data.len() as u64;
                    return Some((Ok(data), self));
                }
                Ok(Some(Err(error))) => Some(error),
                Err(_) => None,
            };
            let rest = if self.moved { None } else { self.servers.rest(&self.asked, &self.whole, self.at).await };
            self.moved = true;
            match (rest, error) {
                (Some(rest), _) => self.body = Some(rest),
                (None, Some(error)) => {
                    self.body = None;
                    return Some((Err(error), self));
                }
                // It only stood still, and nobody else has it: wait.
                (None, None) => {}
            }
        }
    }
}

/// An answer that another server may do better: the server is in trouble, not the request.
fn is_broken(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// An error with what is behind it: the library's own words stop at "error trying to connect".
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
