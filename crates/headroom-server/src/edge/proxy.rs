//! The proxy: what it does with a request for media.

use super::{
    decode,
    fetch::Fetch,
    forward::{Forwarding, ask_for_all},
    manifest::{self, Manifest, SeenPaths},
    metrics::EdgeMetrics,
    objects::ListedObjects,
    settings::{FilterPlaylists, Settings},
    shared_cache::{self, Sharing},
    tcp_info::Diagnosis,
    transfer::Transfer,
    tunnel,
};
use crate::{
    http::{
        cmsd::{self, CMSD_DYNAMIC},
        cors::{allow_cross_origin, preflight},
        problem::Problem,
    },
    identity,
    ingest::{Ingest, Ingested, RequestContext},
    listener::Connection,
    metrics::RequestKind,
    steering::Pathways,
    stream::Streams,
    token::Gate,
};
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use headroom_cluster::{answer::Answer, clock::Clock};
use headroom_core::{
    engine::StreamSettings,
    mode::Mode,
    telemetry::{Player, Report, StreamId},
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use std::sync::Arc;

/// The proxy.
pub(crate) struct Edge {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) clock: Clock,
    pub(crate) defaults: StreamSettings,
    gate: Arc<Gate>,
    metrics: Arc<EdgeMetrics>,
    settings: Settings,
    fetch: Arc<Fetch>,
    pathways: Arc<Pathways>,
    diagnosis: Option<Arc<Diagnosis>>,
    /// What was found where the path does not tell.
    seen: SeenPaths,
    objects: ListedObjects,
}

impl Edge {
    #[expect(clippy::too_many_arguments, reason = "each is a part of the server that this one needs")]
    pub(crate) fn new(
        settings: Settings,
        fetch: Arc<Fetch>,
        metrics: Arc<EdgeMetrics>,
        pathways: Arc<Pathways>,
        gate: Arc<Gate>,
        ingest: Arc<Ingest>,
        streams: Arc<Streams>,
        clock: Clock,
        defaults: StreamSettings,
    ) -> Self {
        let diagnosis = if settings.tcp_info { Diagnosis::open().map(Arc::new) } else { None };
        Self {
            ingest,
            streams,
            clock,
            defaults,
            gate,
            metrics,
            settings,
            fetch,
            pathways,
            diagnosis,
            seen: SeenPaths::default(),
            objects: ListedObjects::default(),
        }
    }

    /// Why media cannot be fetched, as far as is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.fetch.trouble()
    }

    /// Answers a request for media.
    pub(crate) async fn handle(&self, connection: Connection, request: Request<Incoming>) -> Response {
        let mut request = request;
        let forwarding = self.forwarding(connection, &request);
        match *request.method() {
            _ if matches!(*self.fetch, Fetch::Nothing) => {
                return Problem::not_found("no such path, and no origin is configured").into_response();
            }
            Method::GET | Method::HEAD if tunnel::wanted_protocol(&request).is_none() => {}
            Method::OPTIONS => return self.preflight(request, forwarding).await,
            Method::CONNECT | Method::TRACE => {
                return Problem::method_not_allowed("the edge passes neither CONNECT nor TRACE").into_response();
            }
            _ => return self.pass(request, forwarding).await,
        }
        self.ingest.metrics.request(RequestKind::Edge);
        let path = request.uri().path().to_owned();
        let seen = self.seen.get(&path);
        let mut manifest = Manifest::of_path(&path).or_else(|| seen.flatten());
        // Where nothing tells yet what it is, it is asked for as a manifest is: whole and plain.
        let unclear = manifest.is_none() && seen.is_none() && manifest::may_be_manifest(&path);
        let is_head = request.method() == Method::HEAD;
        let asked_by_cache = shared_cache::asks(request.headers());
        let ingested = {
            let query = request.uri().query().unwrap_or_default();
            let context =
                RequestContext { headers: request.headers(), query, peer: connection.peer.ip(), client: None };
            // A player without a valid token is served like one that sends no CMCD.
            let grant = self.gate.admit(request.headers(), query, || self.ingest.now_s());
            self.ingest.handle_request(context, grant.as_ref().ok(), manifest.is_some() || unclear)
        };
        let client = self.ingest.identifier.client_address(request.headers(), connection.peer.ip());
        // Behind a proxy, TCP_INFO describes the path to the proxy, not to the player.
        let is_direct = client == connection.peer.ip();
        let mut transfer = Transfer::begin(
            ingested.session,
            connection,
            Arc::clone(&self.ingest),
            Arc::clone(&self.metrics),
            self.diagnosis.clone().filter(|_| is_direct),
            manifest.is_none() && !is_head,
        );
        transfer.object_duration = self.objects.duration(&path, request.headers().contains_key(header::RANGE));
        if manifest.is_some() || unclear {
            ask_for_all(request.headers_mut());
        }
        let mut response = match self.fetch.fetch(request, forwarding, &self.objects).await {
            Ok(response) => response,
            Err(problem) => return problem.into_response(),
        };
        if unclear && response.status() == StatusCode::OK && !is_head {
            let (parts, body) = response.into_parts();
            let (found, body) = manifest::recognise(&parts.headers, body).await;
            self.seen.insert(&path, found);
            manifest = found;
            transfer.is_media &= found.is_none();
            response = Response::from_parts(parts, body);
        }
        let mut answer = ingested.answer;
        let mut response = match manifest {
            Some(manifest) if response.status() == StatusCode::OK && !is_head => {
                let response = self.handle_manifest(manifest, &path, &ingested, response).await;
                answer = self.ingest.engines.announce(ingested.session);
                response
            }
            _ => response,
        };
        self.decorate(response.headers_mut(), &answer, asked_by_cache);
        if is_head {
            return response;
        }
        let announced = response.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok());
        response.map(|body| transfer.follow(body, announced))
    }

    /// The stream of the manifest at a path, where it is known: for manifests that pass elsewhere.
    pub(crate) fn stream_of_manifest(&self, path: &str) -> Option<StreamId> {
        let format = Manifest::of_path(path)?.format();
        let directory = path.trim_matches('/').rsplit_once('/').map_or("", |(directory, _)| directory);
        self.streams.find([manifest::stream_name(path), directory], format)
    }

    /// What the origin hears about a request.
    fn forwarding(&self, connection: Connection, request: &Request<Incoming>) -> Forwarding {
        let peer = connection.peer.ip();
        let named = request.uri().authority().and_then(|authority| HeaderValue::try_from(authority.as_str()).ok());
        Forwarding {
            client: self.ingest.identifier.client_address(request.headers(), peer),
            scheme: if connection.encrypted { "https" } else { "http" },
            host: request.headers().get(header::HOST).cloned().or(named),
            trusted: self.ingest.identifier.believes(peer),
            with_authorization: self.settings.forward_authorization,
        }
    }

    /// Requests that are not for media: the origin's business, such as licences.
    async fn pass(&self, request: Request<Incoming>, forwarding: Forwarding) -> Response {
        self.ingest.metrics.request(RequestKind::Edge);
        let mut response = match self.fetch.pass(request, forwarding).await {
            Ok(response) => response,
            Err(problem) => return problem.into_response(),
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            allow_cross_origin(response.headers_mut());
        }
        response
    }

    /// What the origin lets scripts of other sites do, by its own answer; where it says nothing, they may read.
    async fn preflight(&self, request: Request<Incoming>, forwarding: Forwarding) -> Response {
        let permissive = preflight(request.headers());
        match self.fetch.pass(request, forwarding).await {
            Ok(response) if response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) => response,
            _ => permissive,
        }
    }

    /// Learns from a manifest and, where wanted, cuts it to the session's cap.
    async fn handle_manifest(
        &self,
        manifest: Manifest,
        path: &str,
        ingested: &Ingested,
        response: Response,
    ) -> Response {
        let (mut parts, body) = response.into_parts();
        let sent = match manifest::collect(body).await {
            Ok(sent) => sent,
            // Too long to be a manifest, or broken off: pass on what came and what still comes.
            Err(rest) => return Response::from_parts(parts, rest),
        };
        let text = decode::plain(&parts.headers, &sent);
        let text = text.as_deref().and_then(|text| std::str::from_utf8(text).ok());
        let changed = text.and_then(|text| {
            let cut = self.read_manifest(manifest, text, path, ingested);
            self.written(cut.as_deref().unwrap_or(text), path, ingested).or(cut)
        });
        let text = match changed {
            Some(changed) => {
                // No longer the origin's representation: its validators do not apply, nor may others share it.
                parts.headers.remove(header::ETAG);
                parts.headers.remove(header::LAST_MODIFIED);
                parts.headers.remove(header::CONTENT_ENCODING);
                parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
                changed.into()
            }
            None => sent,
        };
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        Response::from_parts(parts, Body::from(text))
    }

    /// Learns what a manifest offers; gives the manifest cut to the session's cap, where that is wanted and changes it.
    fn read_manifest(&self, manifest: Manifest, text: &str, path: &str, ingested: &Ingested) -> Option<String> {
        let engines = &self.ingest.engines;
        if manifest == Manifest::Dash {
            self.objects.learn_presentation(path, text);
        }
        let Some(discovered) = manifest.discover(text) else {
            if manifest == Manifest::Hls {
                self.objects.learn_playlist(path, text);
            }
            let duration = manifest.segment_duration(text)?;
            if engines.segment_duration(ingested.session) != duration {
                self.streams.learn_segment_duration(engines.stream_of(ingested.session)?, duration, engines);
            }
            return None;
        };
        let name = ingested.content.as_deref().unwrap_or_else(|| manifest::stream_name(path));
        let now = self.clock.now();
        let stream = self.streams.discover(name, &discovered, now, &self.defaults, &self.ingest.identifier, engines);
        let formatless = || engines.stream_of(ingested.session) == Some(self.ingest.identifier.stream(name, None));
        if ingested.content.is_none() || formatless() {
            // A player that says nothing begins to exist with the manifest it fetches, and one that does not name the content,
            // or not its format, plays what it has fetched last.
            engines.handle_observed(ingested.session, Some(stream), Report::Player(Player::default()));
        }
        let wanted = match self.settings.filter_playlists {
            FilterPlaylists::Never => false,
            FilterPlaylists::Silent => !ingested.reported,
            FilterPlaylists::All => true,
        };
        let cap = engines.announce(ingested.session).cap.filter(|_| wanted)?;
        manifest.cut(text, cap)
    }

    /// The manifest with what the configuration wants in it; `None` when that is nothing.
    fn written(&self, text: &str, path: &str, ingested: &Ingested) -> Option<String> {
        let settings = &self.settings.manifests;
        let content = ingested.content.as_deref().unwrap_or_else(|| manifest::stream_name(path));
        let draw = || identity::random_key().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = ingested.name.as_deref();
        let stands_aside = self.ingest.engines.reach(ingested.session).mode == Mode::Off;
        (settings.is_on() && !stands_aside)
            .then(|| settings.written(text, content, name, self.pathways.configured(), draw))?
    }

    /// Adds CMSD-Dynamic, where nobody else may be given it, and the headers that let scripts of other origins read it.
    fn decorate(&self, headers: &mut HeaderMap, answer: &Answer, asked_by_cache: bool) {
        allow_cross_origin(headers);
        let sharing = Sharing::of(headers);
        let shared = sharing == Sharing::Shared || (sharing == Sharing::Open && asked_by_cache);
        if shared && !self.settings.cmsd_in_shared_caches {
            return;
        }
        // Members of hops before us stay; players that read only one take the last.
        let before = headers.get_all(CMSD_DYNAMIC).into_iter().filter_map(|line| line.to_str().ok());
        if let Some(value) = cmsd::dynamic(answer, &self.settings.cmsd_name, before) {
            headers.insert(CMSD_DYNAMIC, value);
            if sharing == Sharing::Open && !self.settings.cmsd_in_shared_caches {
                shared_cache::make_private(headers);
            }
        }
    }
}
