//! A live session as the API shows it.

use super::why::sentence;
use crate::{http::problem::Problem, identity::Identifier, openapi::schema};
use headroom_cluster::engines::Engines;
use headroom_core::{session::Snapshot, telemetry::SessionId};
use serde::Serialize;
use utoipa::ToSchema;

/// The session of this name, or of this `id:` of the list.
pub(crate) fn session_of(name: &str, identifier: &Identifier) -> Result<SessionId, Problem> {
    name.strip_prefix("id:").map_or_else(|| Ok(identifier.reported_session(name)), parse_id)
}

/// A live session as the API shows it: its state, with identifiers as hexadecimal text because JavaScript cannot hold
/// 64 bits, and its decision in words.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct SessionView(serde_json::Value);

impl SessionView {
    pub(crate) fn new(snapshot: &Snapshot, engines: &Engines) -> Self {
        let mut value = serde_json::to_value(snapshot).unwrap_or_default();
        value["session"] = format!("{:016x}", snapshot.session.0).into();
        value["stream"] = format!("{:016x}", snapshot.stream.0).into();
        value["explanation"] = sentence(snapshot, None).into();
        if let Some((arm, account)) = engines.arm(snapshot.session) {
            let (obeyed, ignored) = account.obedience();
            value["arm"] = engines.arms().treatment(arm).label().into();
            value["mode"] = engines.reach(snapshot.session).mode.name().into();
            value["obeyed"] = obeyed.into();
            value["ignored"] = ignored.into();
        }
        Self(value)
    }
}

/// What a session has beside its state.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct SessionFields {
    /// Why the decision is what it is, in a sentence.
    explanation: String,
    /// Its arm, `experiment/arm`; `outside` where it is in none, `holdback` where it is never told anything.
    arm: Option<String>,
    /// What is done with its decisions.
    mode: Option<String>,
    /// Rounds of 10 s in which what it fetched lay within the cap it was told, and above it.
    obeyed: Option<u16>,
    ignored: Option<u16>,
}

schema::merged!(SessionView: "A live session." = Snapshot, SessionFields; name "Session");

/// The session of these 16 hexadecimal digits.
pub(crate) fn parse_id(text: &str) -> Result<SessionId, Problem> {
    let id = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    id.map(SessionId).ok_or_else(|| Problem::malformed("a session identifier has 16 hexadecimal digits"))
}
