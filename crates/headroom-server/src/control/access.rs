//! Access to the control listener: tokens, client certificates and the roles they carry.

use super::{
    attempts::Attempts,
    role::Role,
    settings::Settings,
    tokens::{Tokens, carried},
};
use crate::identity::ForwardedFrom;
use http::HeaderMap;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The credentials that are accepted. Without any, everyone who reaches the listener has access; it then is a loopback one.
pub(crate) struct Access {
    tokens: Arc<Tokens>,
    attempts: Attempts,
    /// What a client certificate allows; `None` where none is asked for.
    pub(super) certificates: Option<Role>,
    /// Whose word on the address of a client counts.
    pub(super) forwarded_from: ForwardedFrom,
}

impl Access {
    pub(crate) fn new(settings: &Settings, tokens: Arc<Tokens>) -> Self {
        let certificates = settings.tls.asks_for_certificates().then_some(settings.certificate_role);
        Self {
            tokens,
            attempts: Attempts::new(settings.token_attempts_per_min),
            certificates,
            forwarded_from: settings.forwarded_from,
        }
    }

    /// Whether no credentials are configured, so that everyone has access.
    pub(super) fn is_open(&self) -> bool {
        self.tokens.is_empty() && self.certificates.is_none()
    }

    /// The name and role of the token a request carries, or how long its client has to wait before the next attempt.
    pub(super) fn find(&self, headers: &HeaderMap, client: IpAddr) -> Result<Option<(String, Role)>, Duration> {
        let Some(sent) = carried(headers).filter(|_| !self.tokens.is_empty()) else { return Ok(None) };
        let now = Instant::now();
        if let Some(wait) = self.attempts.wait(client, now) {
            return Err(wait);
        }
        let found = self.tokens.find(sent);
        if found.is_none() {
            self.attempts.failed(client, sent, now);
        }
        Ok(found)
    }
}
