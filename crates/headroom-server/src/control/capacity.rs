//! What is carried now, and how much more could be.

use super::{Shared, page::tagged};
use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::json;
use std::sync::Arc;

/// Streams listed one by one, the largest first.
const LARGEST: usize = 100;

pub(super) async fn show(State(resources): Shared, headers: HeaderMap) -> Response {
    let round = Arc::clone(&resources.fleet.borrow());
    let total = round.rollup.total();
    let rate = |played_kbit: f64| (played_kbit / round.span_s.max(1.0)).round();
    let mut streams: Vec<_> = round.rollup.by_stream().into_iter().collect();
    streams.sort_by(|(_, left), (_, right)| right.played_kbit.total_cmp(&left.played_kbit));
    let listed = streams.iter().take(LARGEST).map(|(stream, cell)| {
        json!({
            "stream": format!("{:016x}", stream.0),
            "name": resources.streams.name(*stream),
            "sessions": cell.observations,
            "egress_kbps": rate(cell.played_kbit),
        })
    });
    let capacity = json!({
        "at_us": round.at,
        "sessions": total.observations,
        "max_sessions": resources.max_sessions,
        "silent": total.silent,
        "egress_kbps": rate(total.played_kbit),
        "stall_ratio": total.stall_ratio(),
        "streams": listed.collect::<Vec<_>>(),
        "bottlenecks": resources.bottlenecks.listed(),
    });
    tagged(&capacity, &headers)
}
