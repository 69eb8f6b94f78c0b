//! `POST /v1/feedback`: one message as JSON, or many as NDJSON.

use super::{
    hub::Feedback,
    message::{Message, MessageError, Sender},
};
use crate::{
    http::{
        batch::{BatchOutcome, lines},
        problem::Problem,
    },
    metrics::{DropReason, MessageSource},
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
pub(crate) struct MessageLine {
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
    pub(crate) fn accept_json(
        self: &Arc<Self>,
        source: MessageSource,
        json: &[u8],
        grant: &Grant,
        sender: &Sender,
    ) -> Result<(), Problem> {
        let line: MessageLine = serde_json::from_slice(json).map_err(|error| Problem::malformed(error.to_string()))?;
        self.accept(source, granted(line.into(), grant)?, sender).map_err(Problem::from)
    }

    /// Takes in every line that is a message; the others are named. Fails when none is.
    pub(crate) fn accept_lines(
        self: &Arc<Self>,
        body: &[u8],
        grant: &Grant,
        sender: &Sender,
    ) -> Result<BatchOutcome, Problem> {
        let mut outcome = BatchOutcome::default();
        for (number, line) in lines(body) {
            let heard = serde_json::from_slice::<MessageLine>(line).map_err(|error| error.to_string());
            let accept = |line: MessageLine| self.accept(MessageSource::Post, granted(line.into(), grant)?, sender);
            let heard = match heard.map(accept) {
                Ok(Err(refused @ MessageError::NoReader)) => return Err(refused.into()),
                Ok(heard) => heard.map_err(|refused| refused.to_string()),
                Err(error) => Err(error),
            };
            match heard {
                Ok(()) => outcome.accepted += 1,
                Err(error) => outcome.reject(number, error),
            }
        }
        self.metrics().dropped_many(DropReason::Malformed, outcome.rejected);
        outcome.or_refusal("message")
    }
}

/// The message as its bearer may send it: about what the token is for, which need not be said again.
pub(super) fn granted(mut message: Message, grant: &Grant) -> Result<Message, MessageError> {
    if let Grant::To(claims) = grant {
        let own = |named: &mut String, claimed: &String| {
            if named.is_empty() {
                named.clone_from(claimed);
            }
            claimed.is_empty() || named == claimed
        };
        if !own(&mut message.session, &claims.session) || !own(&mut message.stream, &claims.stream) {
            return Err(MessageError::Foreign);
        }
    }
    Ok(message)
}

impl From<MessageLine> for Message {
    fn from(line: MessageLine) -> Self {
        let MessageLine { stream, author, id, session, text, reading } = line;
        Self { stream, author, id, session, text, reading }
    }
}
