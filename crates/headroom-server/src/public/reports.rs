//! What the public listener takes in: CMCD events, samples, what viewers write and say.

use super::state::Public;
use crate::{
    feedback::{self, Sender},
    http::{batch::BatchOutcome, problem::Problem, respond::no_content},
    ingest::{self, RequestContext, read_samples},
    listener::Connection,
    metrics::{MessageSource, RequestKind},
    token::Grant,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use headroom_wire::cmcd;
use http::{HeaderMap, Request, StatusCode, header};
use hyper::body::Incoming;

/// CMCD events of a player.
#[utoipa::path(
    post,
    path = "/v1/cmcd",
    operation_id = "post_events",
    tag = "reports",
    request_body(description = "CTA-5004-B records: one a line, or as JSON, one or an array.", content(
        (String = "application/cmcd"), (String = "text/plain"), (serde_json::Value = "application/json")
    )),
    responses((status = 204, description = "Taken in; what could not be read of it was counted."), Problem)
)]
pub(super) async fn events(
    public: &Public,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Cmcd);
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let grant = public.admit(&parts.headers, query)?;
    let media_type = media_type(&parts.headers);
    let body = public.read(body, public.settings.max_beacon_bytes).await?;
    let context = RequestContext { headers: &parts.headers, query, peer: connection.peer.ip(), client: None };
    if !public.ingest.is_sampled(&body, context, public.settings.cmcd_share) {
        // CTA-5004-B: the player stops reporting here for the rest of the session.
        return Err(Problem::gone("this session is not in the sample: send no more events"));
    }
    match media_type.as_str() {
        // Players send plain text to avoid a preflight.
        "" | cmcd::MEDIA_TYPE | "text/plain" | "text/cmcd" | "application/octet-stream" => {
            public.ingest.handle_events(&body, context, &grant)?;
        }
        "application/json" => public.ingest.handle_json(&body, context, &grant)?,
        other => {
            let detail = format!("{other} is none of application/cmcd, text/plain, application/json");
            return Err(Problem::unsupported_media_type(detail));
        }
    }
    Ok(no_content())
}

/// A batch of samples: telemetry that programs measured.
#[utoipa::path(
    post,
    path = "/v1/samples",
    operation_id = "post_samples",
    tag = "reports",
    request_body(
        content = ingest::SampleLine<'static>,
        content_type = "application/x-ndjson",
        description = "One sample a line; each holds exactly one of player, link, radio and encoder."
    ),
    responses((status = 200, description = "What became of the lines.", body = BatchOutcome), Problem)
)]
pub(super) async fn samples(public: &Public, request: Request<Incoming>) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Samples);
    let grant = public.admit(request.headers(), request.uri().query().unwrap_or_default())?;
    let body = public.read(request.into_body(), public.settings.max_batch_bytes).await?;
    let outcome = read_samples(&public.ingest, &body, public.edge.clock.now(), &grant);
    Ok(Json(outcome.or_refusal("sample")?).into_response())
}

/// Messages of viewers: one as JSON, or one a line.
#[utoipa::path(
    post,
    path = "/v1/feedback",
    operation_id = "post_feedback",
    tag = "reports",
    request_body(content(
        (feedback::MessageLine = "application/json"), (feedback::MessageLine = "application/x-ndjson")
    )),
    responses((status = 202, description = "What became of them.", body = BatchOutcome), Problem)
)]
pub(super) async fn feedback(
    public: &Public,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Feedback);
    let (grant, sender) = admit_feedback(public, connection, &request)?;
    let is_json = media_type(request.headers()) == "application/json";
    let body = public.read(request.into_body(), public.settings.max_batch_bytes).await?;
    let outcome = if is_json {
        public.feedback.accept_json(MessageSource::Post, &body, &grant, &sender)?;
        BatchOutcome::one()
    } else {
        public.feedback.accept_lines(&body, &grant, &sender)?
    };
    Ok((StatusCode::ACCEPTED, Json(outcome)).into_response())
}

/// A WebSocket: one message a text frame, as `POST` takes it; a refused one is answered with its problem.
#[utoipa::path(
    get,
    path = "/v1/feedback",
    operation_id = "open_feedback_socket",
    tag = "reports",
    responses((status = 101, description = "The socket is open."), Problem)
)]
pub(super) async fn open_socket(
    public: &Public,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response, Problem> {
    let bearer = admit_feedback(public, connection, &request)?;
    let client = public.ingest.identifier.client_address(request.headers(), connection.peer.ip());
    public.feedback.open_socket(request, bearer, client).await
}

/// A clip of a viewer's voice: WAV, FLAC, Vorbis or Opus.
#[utoipa::path(
    post,
    path = "/v1/feedback/audio",
    operation_id = "post_clip",
    tag = "reports",
    params(
        ("stream" = Option<String>, Query, description = "What it is about."),
        ("author" = Option<String>, Query, description = "Who speaks."),
        ("session" = Option<String>, Query, description = "The author's playback.")
    ),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 202, description = "The words.", body = Object), Problem)
)]
pub(super) async fn clip(
    public: &Public,
    connection: Connection,
    request: Request<Incoming>,
) -> Result<Response, Problem> {
    public.metrics.request(RequestKind::Feedback);
    let (grant, sender) = admit_feedback(public, connection, &request)?;
    let admission = public.feedback.admit_clip(request.uri().query().unwrap_or_default(), &grant, sender)?;
    let clip = public.read(request.into_body(), public.feedback.max_clip_bytes()).await?;
    let text = public.feedback.transcribe_clip(admission, clip).await?;
    Ok((StatusCode::ACCEPTED, Json(serde_json::json!({ "origin": "voice", "text": text }))).into_response())
}

/// Admits a program with the token of `[chat]`, a viewer with a token of the listener, or, where neither is asked for, anyone; and
/// says how far the word of each goes.
fn admit_feedback(
    public: &Public,
    connection: Connection,
    request: &Request<Incoming>,
) -> Result<(Grant, Sender), Problem> {
    if public.feedback.knows(request.headers()) {
        return Ok((Grant::Open, Sender::Program));
    }
    let grant = public.admit(request.headers(), request.uri().query().unwrap_or_default())?;
    let sender = match &grant {
        Grant::Open if public.feedback.asks_for_token() => {
            return Err(Problem::unauthorized("feedback needs its bearer token"));
        }
        Grant::Open => {
            let (identifier, peer) = (&public.ingest.identifier, connection.peer.ip());
            match identifier.client_address(request.headers(), peer) {
                client if client.to_canonical().is_loopback() && identifier.believes(peer) => Sender::Local,
                client => Sender::Address(client),
            }
        }
        Grant::To(_) if grant.is_relay() => Sender::Program,
        Grant::To(_) => Sender::Viewer,
    };
    Ok((grant, sender))
}

/// The media type of a body, without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> String {
    let whole = headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
