//! What the handlers of the control listener share.

use super::{
    access::Access,
    experiment_orders::ExperimentOrders,
    mode_orders::ModeOrders,
    planner::Planner,
    scope::OrderScope,
    standing_orders::{OrderStore, Override},
};
use crate::{
    alerts::Alerts,
    edge::Fetch,
    feedback::Feedback,
    fleet::FleetSnapshot,
    history::History,
    http::problem::Problem,
    ingest::Ingest,
    metrics::{Exposition, Metrics},
    steering::Pathways,
    stream::Streams,
};
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use headroom_cluster::{bottleneck::Bottlenecks, clock::Clock};
use headroom_core::objective::Objective;
use http::StatusCode;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicBool},
};
use tokio::sync::{Semaphore, watch};

/// Longest body of a request to the API.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// What the handlers share.
pub(crate) struct Resources {
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) pathways: Arc<Pathways>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) exposition: Exposition,
    pub(crate) clock: Clock,
    pub(crate) ready: Arc<AtomicBool>,
    /// Where media comes from.
    pub(crate) origin: Arc<Fetch>,
    pub(crate) access: Access,
    pub(crate) overrides: Mutex<BTreeMap<OrderScope, Override>>,
    pub(crate) objectives: Mutex<BTreeMap<OrderScope, Objective>>,
    pub(crate) modes: ModeOrders,
    pub(crate) experiments: ExperimentOrders,
    pub(crate) bottlenecks: Arc<Bottlenecks>,
    /// Where orders are written down, if anywhere.
    pub(crate) order_store: Option<OrderStore>,
    /// The latest whole round.
    pub(crate) fleet: watch::Receiver<Arc<FleetSnapshot>>,
    pub(crate) alerts: Arc<Alerts>,
    /// Sessions held at most.
    pub(crate) max_sessions: usize,
    pub(crate) history: Option<Arc<History>>,
    /// Bounds how many requests read the history at a time.
    pub(crate) readers: Semaphore,
    pub(crate) feedback: Arc<Feedback>,
    pub(crate) planner: Planner,
}

pub(super) type Shared = State<Arc<Resources>>;

impl Resources {
    /// Seconds since the epoch.
    pub(super) fn now_s(&self) -> u64 {
        self.clock.now().as_secs()
    }
}

/// A body that is what it should be.
pub(super) fn parsed<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    body.map(|Json(value)| value).map_err(|error| match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::unsupported_media_type(error.body_text()),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(error.body_text()),
        _ => Problem::malformed(error.body_text()),
    })
}
