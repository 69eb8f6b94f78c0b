//! What the handlers of the public listener share.

use super::settings::Settings;
use crate::{
    clients::Clients,
    edge::Edge,
    feedback::Feedback,
    http::problem::Problem,
    ingest::Ingest,
    metrics::Metrics,
    steering::Pathways,
    token::{Gate, Grant, TokenError},
};
use axum::body::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::sync::{Arc, atomic::AtomicBool};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Everything the public listener needs.
pub(crate) struct Public {
    pub(crate) edge: Edge,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) pathways: Arc<Pathways>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settings: Settings,
    pub(crate) cmsd_name: String,
    pub(crate) subscribers: Arc<Semaphore>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ready: Arc<AtomicBool>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) clients: Arc<Clients>,
}

impl Public {
    /// What a request may speak about, or why not.
    pub(super) fn admit(&self, headers: &HeaderMap, query: &str) -> Result<Grant, TokenError> {
        self.gate.admit(headers, query, || self.ingest.now_s())
    }

    /// A request's body, if it is short and quick enough.
    pub(super) async fn read(&self, body: Incoming, limit: usize) -> Result<Bytes, Problem> {
        let limited = Limited::new(body, limit).collect();
        match tokio::time::timeout(self.settings.body_timeout(), limited).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(Problem::too_large(format!("the body is longer than {limit} bytes")))
            }
            Ok(Err(error)) => Err(Problem::malformed(format!("the body broke off: {error}"))),
            Err(_) => Err(Problem::too_slow(format!("no whole body within {} ms", self.settings.body_timeout_ms))),
        }
    }
}
