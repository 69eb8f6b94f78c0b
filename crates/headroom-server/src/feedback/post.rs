//! `POST /v1/feedback`: one message as JSON, or many as NDJSON.

use super::{
    hub::Feedback,
    message::{Message, Refused},
};
use crate::{
    http::{
        batch::{Outcome, lines},
        problem::Problem,
    },
    metrics::{Dropped, MessageSource},
    token::Grant,
};
use headroom_core::audience::Classification;
use http::{HeaderMap, header};
use serde::Deserialize;
use std::sync::Arc;

/// A message of a viewer.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Message)]
pub(crate) struct Line {
    #[serde(default)]
    stream: String,
    author: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reading: Option<Classification>,
}

impl Feedback {
    /// Whether messages need a token of their own.
    pub(crate) fn asks_for_token(&self) -> bool {
        !self.settings.token.is_empty()
    }

    /// Whether a request carries that token.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        let sent = sent.strip_prefix(b"Bearer ").unwrap_or_default();
        self.asks_for_token() && crate::constant_time::same(sent, self.settings.token.as_bytes())
    }

    /// Takes in one message.
    pub(crate) fn hear_json(
        self: &Arc<Self>,
        source: MessageSource,
        json: &[u8],
        grant: &Grant,
    ) -> Result<(), Problem> {
        let line: Line = serde_json::from_slice(json).map_err(|error| Problem::malformed(error.to_string()))?;
        self.hear(source, granted(line.into(), grant)?).map_err(Problem::from)
    }

    /// Takes in every line that is a message; the others are named. Fails when none is.
    pub(crate) fn hear_lines(self: &Arc<Self>, body: &[u8], grant: &Grant) -> Result<Outcome, Problem> {
        let mut outcome = Outcome::default();
        for (number, line) in lines(body) {
            let heard = serde_json::from_slice::<Line>(line).map_err(|error| error.to_string());
            let hear = |line: Line| self.hear(MessageSource::Post, granted(line.into(), grant)?);
            let heard = match heard.map(hear) {
                Ok(Err(refused @ Refused::NoReader)) => return Err(refused.into()),
                Ok(heard) => heard.map_err(|refused| refused.to_string()),
                Err(error) => Err(error),
            };
            match heard {
                Ok(()) => outcome.accepted += 1,
                Err(error) => outcome.reject(number, error),
            }
        }
        self.metrics().dropped_many(Dropped::Malformed, outcome.rejected);
        outcome.or_refusal("message")
    }
}

/// The message as its bearer may send it: about what the token is for, which need not be said again.
pub(super) fn granted(mut message: Message, grant: &Grant) -> Result<Message, Refused> {
    if let Grant::To(claims) = grant {
        let own = |named: &mut String, claimed: &String| {
            if named.is_empty() {
                named.clone_from(claimed);
            }
            claimed.is_empty() || named == claimed
        };
        if !own(&mut message.session, &claims.session) || !own(&mut message.stream, &claims.stream) {
            return Err(Refused::Foreign);
        }
    }
    Ok(message)
}

impl From<Line> for Message {
    fn from(line: Line) -> Self {
        let Line { stream, author, id, session, text, reading } = line;
        Self { stream, author, id, session, text, reading }
    }
}
