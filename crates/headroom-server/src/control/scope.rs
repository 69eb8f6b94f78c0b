//! Whom an order concerns, as the API says it.

use crate::{dashboard::session::parse_id, http::problem::Problem, ingest::Ingest};
use headroom_core::engine::Scope;
use serde::{Deserialize, Serialize};

/// Longest name of a session or stream, in bytes.
const MAX_NAME: usize = 256;

/// Whom an order concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Target)]
pub(crate) enum OrderScope {
    /// Everyone.
    All,
    /// A session by the name its player gives.
    Session(String),
    /// A session by the identifier of the list.
    SessionId(String),
    /// A stream by name, whatever its format.
    Stream(String),
}

impl OrderScope {
    /// Whether it means the same after the sessions of now are gone.
    pub(super) const fn is_standing(&self) -> bool {
        matches!(self, Self::All | Self::Stream(_))
    }

    /// Whether somebody may be meant: a stream or everyone always, a session while it lives.
    pub(super) fn is_live(&self, ingest: &Ingest) -> bool {
        self.is_standing() || self.resolved(ingest).is_ok()
    }

    /// The same as the engines know it: a stream by each of its identifiers.
    ///
    /// # Errors
    /// When a session is meant and none of this name lives, or nobody can have this name.
    pub(super) fn resolved(&self, ingest: &Ingest) -> Result<Vec<Scope>, Problem> {
        if let Self::Session(name) | Self::SessionId(name) | Self::Stream(name) = self
            && !(1..=MAX_NAME).contains(&name.len())
        {
            return Err(Problem::out_of_range(format!("a session or stream has a name of 1 to {MAX_NAME} bytes")));
        }
        let session = match self {
            Self::All => return Ok(vec![Scope::All]),
            Self::Stream(name) => return Ok(ingest.identifier.renderings(name).map(Scope::Stream).collect()),
            Self::Session(name) => ingest.identifier.reported_session(name),
            Self::SessionId(id) => parse_id(id)?,
        };
        match ingest.engines.snapshot(session) {
            Some(_) => Ok(vec![Scope::Session(session)]),
            None => Err(Problem::not_found("no live session has this name")),
        }
    }
}
