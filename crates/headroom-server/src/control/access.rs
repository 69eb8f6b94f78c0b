//! Who may use the control listener, and for what.

use super::{
    attempts::Attempts,
    role::Role,
    settings::Settings,
    tokens::{Tokens, carried},
};
use http::HeaderMap;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Those who may come in; nobody named: everyone who reaches the listener, which then is a loopback one.
pub(crate) struct Access {
    tokens: Arc<Tokens>,
    attempts: Attempts,
    /// What a client certificate allows; `None` where none is asked for.
    pub(super) certificates: Option<Role>,
}

impl Access {
    pub(crate) fn new(settings: &Settings, tokens: Arc<Tokens>) -> Self {
        let certificates = settings.tls.asks_for_certificates().then_some(settings.certificate_role);
        Self { tokens, attempts: Attempts::new(settings.token_attempts_per_min), certificates }
    }

    /// Whether nobody is named, so that everybody may come in.
    pub(super) fn is_open(&self) -> bool {
        self.tokens.is_empty() && self.certificates.is_none()
    }

    /// Whose token a request of a client carries, or for how long it may not try.
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
