//! Decisions of one session, once or as they change, for the agent inside a player.

use super::state::Public;
use crate::{
    http::problem::Problem,
    metrics::{Metrics, ShedKind},
    openapi::schema,
};
use axum::{
    Json,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use headroom_cluster::{answer::Answer, engines::Engines};
use headroom_core::{decision::Decision, telemetry::SessionId};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::{borrow::Cow, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

/// Longest session name: four times what CMCD allows, for names that are not CMCD's.
const MAX_NAME: usize = 256;

/// A decision that does not change is told again after this time: the agent in a player drops one it has not heard for 10 s.
const REPEAT: Duration = Duration::from_secs(4);

/// What an agent reads.
#[derive(Debug, Serialize)]
pub(crate) struct DecisionView<'a> {
    /// As the player called itself.
    session: &'a str,
    #[serde(flatten)]
    decision: serde_json::Map<String, serde_json::Value>,
    /// The cap with room for audio beside it, as CMSD `mb` says it.
    suggested_bitrate_kbps: Option<f64>,
    /// The reason as a sentence.
    explanation: String,
}

impl<'a> DecisionView<'a> {
    fn new(session: &'a str, decision: &Decision, answer: &Answer) -> Self {
        let mut fields = match serde_json::to_value(decision) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        // The hash means nothing outside, and JavaScript cannot hold 64 bits.
        fields.remove("session");
        Self {
            session,
            decision: fields,
            suggested_bitrate_kbps: answer.suggested.map(|rate| rate.as_kbps()),
            explanation: decision.reason.to_string(),
        }
    }
}

/// A decision that leaves everything to the player: an agent lets go of whatever it does not find here.
#[derive(Serialize)]
struct Release<'a> {
    session: &'a str,
}

/// What an agent reads beside the decision itself.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct DecisionFields {
    /// As the player called itself.
    session: String,
    /// The cap with room for audio beside it, as CMSD `mb` says it.
    suggested_bitrate_kbps: Option<f64>,
    /// The reason as a sentence.
    explanation: String,
}

impl PartialSchema for DecisionView<'_> {
    fn schema() -> RefOr<Schema> {
        schema::merge("A decision, as an agent reads it.", [Decision::schema(), DecisionFields::schema()])
    }
}

impl ToSchema for DecisionView<'_> {
    fn name() -> Cow<'static, str> {
        "Told".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Decision::schemas(schemas);
    }
}

/// The session a path or query names.
pub(crate) fn session_name(encoded: &str) -> Result<Cow<'_, str>, Problem> {
    if encoded.is_empty() || encoded.len() > MAX_NAME || encoded.contains('/') {
        return Err(Problem::malformed(format!("a session name has 1 to {MAX_NAME} characters and no slash")));
    }
    percent_decode_str(encoded).decode_utf8().map_err(|_| Problem::malformed("the session name is not UTF-8"))
}

/// The decision in force.
pub(crate) fn current(public: &Public, name: &str) -> Result<Response, Problem> {
    let session = public.ingest.identifier.reported_session(name);
    let found = public.ingest.engines.decision(session);
    let (decision, answer) = found.ok_or_else(|| Problem::not_found("no live session has this name"))?;
    Ok(Json(DecisionView::new(name, &decision, &answer)).into_response())
}

/// Every decision from now on, for as long as `lasts` says, a steady one every [`REPEAT`]. A session that is not known yet may
/// become known.
pub(crate) fn events(public: &Public, name: &str, lasts: Option<Duration>) -> Result<Response, Problem> {
    let Ok(permit) = Arc::clone(&public.subscribers).try_acquire_owned() else {
        public.metrics.shed(ShedKind::Subscriber);
        return Err(Problem::overloaded("too many streams of decisions"));
    };
    let session = public.ingest.identifier.reported_session(name);
    let subscription = Subscription {
        name: name.to_owned(),
        session,
        engines: public.ingest.engines.clone(),
        decisions: public.ingest.engines.watch(session),
        first: true,
        told: false,
        ends: lasts.map(|lasts| Instant::now() + lasts),
        shutdown: public.shutdown.clone(),
        metrics: Arc::clone(&public.metrics),
        _permit: permit,
    };
    let events = stream::unfold(subscription, Subscription::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Subscription {
    name: String,
    session: SessionId,
    engines: Engines,
    decisions: watch::Receiver<Option<Decision>>,
    first: bool,
    /// Something was said that has not been taken back.
    told: bool,
    /// When the right to listen ends.
    ends: Option<Instant>,
    shutdown: CancellationToken,
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Subscription {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if !std::mem::take(&mut self.first) {
                tokio::select! {
                    changed = self.decisions.changed() => changed.ok()?,
                    () = tokio::time::sleep(REPEAT) => {}
                    () = self.shutdown.cancelled() => return None,
                    () = end(self.ends) => return None,
                }
            }
            self.decisions.mark_unchanged();
            // What is in force, not what was last said: a session may have left since.
            let event = match self.engines.decision(self.session) {
                Some((decision, answer)) => {
                    self.told = true;
                    Event::default().event("decision").json_data(DecisionView::new(&self.name, &decision, &answer))
                }
                // No longer steered: what was said holds no more. Once: after that there is nothing to say.
                None if std::mem::take(&mut self.told) && !self.engines.reach(self.session).any() => {
                    Event::default().event("decision").json_data(Release { session: &self.name })
                }
                None => continue,
            };
            match event {
                Ok(event) => return Some((Ok(event), self)),
                Err(error) => {
                    tracing::error!(%error, "decision cannot be written");
                    self.metrics.shed(ShedKind::Subscriber);
                    return None;
                }
            }
        }
    }
}

/// Waits for a moment, or for ever.
async fn end(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
