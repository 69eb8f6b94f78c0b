//! A controller after SODA: the smoothest plan that keeps the buffer near its target.
//!
//! Chen, Lin, Christianson, Akhtar, Dharmaji, Hajiesmaili, Wierman, Sitaraman: "SODA: An Adaptive Bitrate Controller for
//! Consistent High-Quality Video Streaming", SIGCOMM 2024. From there: distortion, squared distance from a buffer target
//! and squared change of distortion are added up over a short horizon, and only monotone plans are searched. The form of
//! the costs here, their weights, and planning by segments instead of time are ours, hence "SODA-like".

use super::measured::Averages;
use super::{Evidence, Memory, Policy, Proposal, View};
use crate::{decision::Reason, ladder::RungIndex};

/// Costs of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Soda {
    /// Segments planned ahead.
    pub horizon: usize,
    /// Buffer aimed for, as a share of the capacity.
    pub target: f64,
    /// Cost of a buffer one capacity below the target, in distortions of the lowest rung.
    pub buffer_weight: f64,
    /// Share of that cost above the target: media too early is harmless but for the latency.
    pub above: f64,
    /// Cost of the step from the lowest rung to the top.
    pub switch_weight: f64,
}

impl Default for Soda {
    /// Weights chosen on the UCC drives, profile `live`.
    fn default() -> Self {
        Self { horizon: 5, target: 0.7, buffer_weight: 4.0, above: 0.1, switch_weight: 2.0 }
    }
}

/// Cost of a second of stall: no plan with one is better than one without.
const STALL: f64 = 1e3;

impl Policy for Soda {
    fn name(&self) -> &'static str {
        "soda"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let Some(measured) = memory.update(|averages: &mut Averages| averages.update(view, 0.0)) else {
            return Proposal::hold(view);
        };
        let mut plan = Plan {
            costs: self,
            view,
            bits_per_second: measured.kbps * 1_000.0,
            depth: view.segments_left(self.horizon).max(1),
            best: f64::INFINITY,
            first: 0,
        };
        for first in 0..=view.ladder.top() {
            let (cost, buffer_s) = plan.step(0, first, view.current.unwrap_or(first), view.buffer_length.as_secs_f64());
            plan.extend(1, first, first, buffer_s, cost, true);
            plan.extend(1, first, first, buffer_s, cost, false);
        }
        Proposal { rung: plan.first, reason: Reason::Plan }
    }
}

struct Plan<'a> {
    costs: &'a Soda,
    view: &'a View<'a>,
    bits_per_second: f64,
    depth: usize,
    best: f64,
    first: RungIndex,
}

impl Plan<'_> {
    /// Cost of fetching the segment `ahead` at `rung` after `previous`, and the buffer after it.
    fn step(&self, ahead: usize, rung: RungIndex, previous: RungIndex, buffer_s: f64) -> (f64, f64) {
        let (view, costs) = (self.view, self.costs);
        let transfer_s = view.segment_bits(ahead, rung) / self.bits_per_second;
        let stall_s = (transfer_s - buffer_s).max(0.0);
        let capacity_s = view.buffer_capacity.as_secs_f64();
        let after_s = ((buffer_s - transfer_s).max(0.0) + view.segment_duration.as_secs_f64()).min(capacity_s);
        let missing = costs.target - after_s / capacity_s;
        let weight = if missing > 0.0 { costs.buffer_weight } else { costs.buffer_weight * costs.above };
        let change = self.distortion(rung) - self.distortion(previous);
        let cost = self.distortion(rung)
            + weight * missing * missing
            + costs.switch_weight * change * change
            + STALL * stall_s;
        (cost, after_s)
    }

    /// 0 at the top rung, 1 at the lowest, logarithmic between.
    fn distortion(&self, rung: RungIndex) -> f64 {
        let ladder = self.view.ladder;
        let rate = |rung: RungIndex| ladder.bitrate(rung).as_kbps();
        let range = (rate(ladder.top()) / rate(0)).ln();
        if range > 0.0 { (rate(ladder.top()) / rate(rung)).ln() / range } else { 0.0 }
    }

    /// Tries every way to go on in one direction from `previous`; of equal plans the one that starts lower stays.
    fn extend(&mut self, ahead: usize, first: RungIndex, previous: RungIndex, buffer_s: f64, cost: f64, upward: bool) {
        if cost >= self.best {
            return;
        }
        if ahead == self.depth {
            (self.best, self.first) = (cost, first);
            return;
        }
        let (low, high) = if upward { (previous, self.view.ladder.top()) } else { (0, previous) };
        for rung in low..=high {
            let (more, after_s) = self.step(ahead, rung, previous, buffer_s);
            self.extend(ahead + 1, first, rung, after_s, cost + more, upward);
        }
    }
}
