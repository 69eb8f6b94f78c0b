//! The mode: whether decisions are told, kept to ourselves, or nothing is done; for everybody, or for a stream.

use super::{
    standing_orders::{ModeOrder, StandingModes},
    state::{Resources, Shared, parsed},
};
use crate::http::problem::Problem;
use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use headroom_cluster::lock::locked;
use headroom_core::mode::Mode;
use serde::{Deserialize, Serialize};

/// Streams that may have their own mode at a time.
const MAX_STREAMS: usize = 10_000;

/// Longest name of a stream, as long as CMCD lets a content id be, twice.
const MAX_NAME: usize = 128;

/// Longest reason, characters: it is kept with every restart.
const MAX_REASON: usize = 500;

/// A mode to set.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMode {
    /// Null: a stream follows everybody again, everybody the configuration.
    mode: Option<Mode>,
    /// Only for this stream, whatever its format; absent: for everybody.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    stream: Option<String>,
    /// Why. It is kept with the order and in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// The modes in force.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ModeView {
    /// For everybody.
    mode: Mode,
    /// What the configuration says.
    configured: Mode,
    /// The order in force; absent where the configuration stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<ModeOrder>,
    /// Streams that have their own.
    streams: Vec<StreamModeView>,
    /// Whether orders outlive this process: they are written to the data directory.
    kept: bool,
}

/// The mode of one stream.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct StreamModeView {
    stream: String,
    /// What holds: what is off for everybody is off here, too.
    mode: Mode,
    order: ModeOrder,
    /// Sessions that played it when they were last counted.
    sessions: u64,
}

/// Sets the mode of everybody or of a stream, from the next answer on.
#[utoipa::path(
    put,
    path = "/v1/mode",
    operation_id = "put_mode",
    tag = "orders",
    request_body = NewMode,
    responses((status = 200, description = "The modes in force.", body = ModeView), Problem)
)]
pub(super) async fn put(
    State(resources): Shared,
    body: Result<Json<NewMode>, JsonRejection>,
) -> Result<Response, Problem> {
    let NewMode { mode, stream, reason } = parsed(body)?;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::out_of_range(format!("reason says why, in 1 to {MAX_REASON} characters")));
    }
    if stream.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > MAX_NAME) {
        return Err(Problem::out_of_range(format!("stream has 1 to {MAX_NAME} characters")));
    }
    tracing::warn!(mode = mode.map_or("as configured", Mode::name), stream, reason, "mode");
    let order = mode.map(|mode| ModeOrder { mode, reason: reason.to_owned(), at_us: resources.clock.now() });
    resources.put_mode(stream, order)?;
    Ok(Json(resources.mode_view()).into_response())
}

/// The modes in force.
#[utoipa::path(
    get,
    path = "/v1/mode",
    operation_id = "show_mode",
    tag = "orders",
    responses((status = 200, description = "For everybody, and of streams that have their own.", body = ModeView), Problem)
)]
pub(super) async fn show(State(resources): Shared) -> Response {
    Json(resources.mode_view()).into_response()
}

impl Resources {
    /// Lets an order act, or takes it back. The lock is held until it does, so that the last of two orders wins everywhere.
    fn put_mode(&self, stream: Option<String>, order: Option<ModeOrder>) -> Result<(), Problem> {
        let (engines, mode) = (&self.ingest.engines, order.as_ref().map(|order| order.mode));
        let mut ordered = locked(&self.modes.ordered);
        let Some(name) = stream else {
            ordered.everybody = order;
            engines.set_mode(mode.unwrap_or(self.modes.configured));
            return Ok(());
        };
        if order.is_some() && ordered.streams.len() >= MAX_STREAMS && !ordered.streams.contains_key(&name) {
            return Err(Problem::overloaded(format!("{MAX_STREAMS} streams have a mode of their own")));
        }
        for rendering in self.ingest.identifier.renderings(&name) {
            engines.set_stream_mode(rendering, mode);
        }
        match order {
            Some(order) => drop(ordered.streams.insert(name, order)),
            None => drop(ordered.streams.remove(&name)),
        }
        Ok(())
    }

    /// Puts the modes of the last run in force again.
    pub(super) fn reinstate_modes(&self, modes: StandingModes) {
        let everybody = modes.everybody.map(|order| (None, order));
        let streams = modes.streams.into_iter().map(|(name, order)| (Some(name), order));
        for (stream, order) in everybody.into_iter().chain(streams.take(MAX_STREAMS)) {
            // Within the bound, no order is refused.
            let _ = self.put_mode(stream, Some(order));
        }
    }

    fn mode_view(&self) -> ModeView {
        let StandingModes { everybody, streams } = self.modes.standing();
        let mode = everybody.as_ref().map_or(self.modes.configured, |order| order.mode);
        let round = self.fleet.borrow().rollup.by_stream();
        let of_stream = |(stream, order): (String, ModeOrder)| {
            let cells = self.ingest.identifier.renderings(&stream).filter_map(|stream| round.get(&stream));
            let sessions = cells.map(|cell| cell.observations).sum();
            StreamModeView { mode: mode.of_stream(Some(order.mode)), stream, order, sessions }
        };
        ModeView {
            mode,
            configured: self.modes.configured,
            order: everybody,
            streams: streams.into_iter().map(of_stream).collect(),
            kept: self.order_store.is_some(),
        }
    }
}
