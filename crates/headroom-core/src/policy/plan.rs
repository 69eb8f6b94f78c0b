//! Exhaustive search over rung plans a few segments deep, shared by the model-predictive policies.

use super::View;
use crate::ladder::RungIndex;

/// Objective of a plan: Σ bit rate − stall penalty × stall − switch penalty × |change|, in Mbit/s (Yin 2015 §3.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Mbit/s that one second of stall costs.
    pub stall_penalty: f64,
    /// Mbit/s that one Mbit/s of change costs.
    pub switch_penalty: f64,
}

/// First rung of the best plan of `horizon` segments when every transfer runs at `kbps`.
///
/// Depth-first with a bound: a branch whose value cannot reach the best even at the top rung without stalls is cut.
pub(super) fn best_first_rung(
    view: &View<'_>,
    objective: Objective,
    horizon: usize,
    kbps: f64,
) -> RungIndex {
    let mut search = Search {
        view,
        objective,
        depth: view.segments_left(horizon),
        bits_per_second: (kbps * 1_000.0).max(1.0),
        top_mbps: view.ladder.bitrate(view.ladder.top()).as_mbps(),
        best: f64::NEG_INFINITY,
        best_first: view.current.unwrap_or(0),
    };
    let previous = view.current.map(|rung| view.ladder.bitrate(rung).as_mbps());
    search.extend(0, view.buffer_length.as_secs_f64(), previous, 0.0, None);
    search.best_first
}

struct Search<'a, 'b> {
    view: &'a View<'b>,
    objective: Objective,
    depth: usize,
    bits_per_second: f64,
    top_mbps: f64,
    best: f64,
    best_first: RungIndex,
}

impl Search<'_, '_> {
    fn extend(
        &mut self,
        ahead: usize,
        buffer: f64,
        previous: Option<f64>,
        value: f64,
        first: Option<RungIndex>,
    ) {
        if ahead == self.depth {
            if value > self.best {
                self.best = value;
                self.best_first = first.unwrap_or(self.best_first);
            }
            return;
        }
        if value + (self.depth - ahead) as f64 * self.top_mbps <= self.best {
            return;
        }
        for rung in (0..=self.view.ladder.top()).rev() {
            let mbps = self.view.ladder.bitrate(rung).as_mbps();
            let transfer = self.view.segment_bits(ahead, rung) / self.bits_per_second;
            let stall = (transfer - buffer).max(0.0);
            let after = ((buffer - transfer).max(0.0) + self.view.segment_duration.as_secs_f64())
                .min(self.view.buffer_capacity.as_secs_f64());
            let change = previous.map_or(0.0, |previous| (mbps - previous).abs());
            let gain = mbps
                - self.objective.stall_penalty * stall
                - self.objective.switch_penalty * change;
            self.extend(
                ahead + 1,
                after,
                Some(mbps),
                value + gain,
                first.or(Some(rung)),
            );
        }
    }
}
