//! What is carried now, and how much more could be.

use super::{bottlenecks::BottleneckView, state::Shared};
use crate::http::{page::tagged, problem::Problem};
use axum::{extract::State, http::HeaderMap, response::Response};
use headroom_core::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Streams listed one by one, the largest first.
const LARGEST: usize = 100;

/// What is carried now.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Carried)]
pub(super) struct CapacityView {
    at_us: Timestamp,
    sessions: u64,
    /// Sessions that can be held.
    max_sessions: usize,
    /// Sessions that have not reported for 10 s.
    silent: u64,
    egress_kbps: f64,
    /// Share of the time watched that was stalled.
    stall_ratio: Option<f64>,
    /// The largest hundred.
    streams: Vec<StreamCapacity>,
    bottlenecks: Vec<BottleneckView>,
}

/// What is carried of one stream.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CarriedStream)]
struct StreamCapacity {
    /// 16 hexadecimal digits.
    stream: String,
    name: Option<String>,
    sessions: u64,
    egress_kbps: f64,
}

#[utoipa::path(
    get,
    path = "/v1/capacity",
    operation_id = "show_capacity",
    tag = "capacity",
    responses(
        (status = 200, description = "Sums of the latest round of ticks.", body = CapacityView),
        (status = 304, description = "Not changed since the entity tag asked about."),
        Problem
    )
)]
pub(super) async fn show(State(resources): Shared, headers: HeaderMap) -> Response {
    let round = Arc::clone(&resources.fleet.borrow());
    let total = round.rollup.total();
    let rate = |played_kbit: f64| (played_kbit / round.span_s.max(1.0)).round();
    let mut streams: Vec<_> = round.rollup.by_stream().into_iter().collect();
    streams.sort_by(|(_, left), (_, right)| right.played_kbit.total_cmp(&left.played_kbit));
    let listed = streams.iter().take(LARGEST).map(|(stream, cell)| StreamCapacity {
        stream: format!("{:016x}", stream.0),
        name: resources.streams.name(*stream),
        sessions: cell.observations,
        egress_kbps: rate(cell.played_kbit),
    });
    let capacity = CapacityView {
        at_us: round.at,
        sessions: total.observations,
        max_sessions: resources.max_sessions,
        silent: total.silent,
        egress_kbps: rate(total.played_kbit),
        stall_ratio: total.stall_ratio(),
        streams: listed.collect(),
        bottlenecks: resources.bottlenecks.listed().into_iter().map(BottleneckView::from).collect(),
    };
    tagged(&capacity, &headers)
}
