//! Exact search over rung plans a few segments deep, shared by the model-predictive policies.
//!
//! Depth first, and exact: a branch is cut only when it provably cannot beat the best plan found. Two bounds do that.
//! Without stalls the best that is left is to climb to the top rung at once. With stalls priced in advance at λ a second
//! (Lagrange: stall ≥ Σ transfer − buffer − media gained) the rest splits by segment and is a small table.
//! Steady plans are tried first, so the bounds have something to cut against. See docs/algorithms/policies.md.

use super::View;
use crate::ladder::{Ladder, RungIndex};

/// Linear QoE of a plan: Σ bit rate − stall penalty × stall − switch penalty × |change|, in Mbit/s (Yin 2015 §3.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearQoe {
    /// Mbit/s that one second of stall costs.
    pub stall_penalty: f64,
    /// Mbit/s that one Mbit/s of change costs.
    pub switch_penalty: f64,
}

impl Default for LinearQoe {
    /// As published for a ladder up to 4.3 Mbit/s (Yin 2015 §6, Pensieve).
    fn default() -> Self {
        Self { stall_penalty: 4.3, switch_penalty: 1.0 }
    }
}

/// Longest horizon searched; a longer one is cut to it.
pub(super) const MAX_HORIZON: usize = 8;

/// First rung of the best plan of `horizon` segments when every transfer runs at `kbps`. Of equal plans the one that
/// starts higher wins, as in the reference implementation of MPC in Pensieve.
pub(super) fn best_first_rung(view: &View<'_>, objective: LinearQoe, horizon: usize, kbps: f64) -> RungIndex {
    let depth = view.segments_left(horizon.min(MAX_HORIZON));
    let current = view.current.unwrap_or(0);
    if depth == 0 {
        return current;
    }
    let seconds_per_bit = 1.0 / (kbps * 1_000.0).max(1.0);
    let rungs = view.ladder.rungs().len();
    let mut plan = Plan {
        rungs,
        depth,
        segment_s: view.segment_duration.as_secs_f64(),
        capacity_s: view.buffer_capacity.as_secs_f64(),
        objective,
        mbps: [0.0; Ladder::MAX_RUNGS],
        transfer_s: [[0.0; Ladder::MAX_RUNGS]; MAX_HORIZON],
        priced: [[0.0; MAX_HORIZON + 1]; PRICES],
        price: [0.0; PRICES],
        best: f64::NEG_INFINITY,
        first: current,
    };
    for (rung, encoding) in view.ladder.rungs().iter().enumerate() {
        plan.mbps[rung] = encoding.bitrate.as_mbps();
        for ahead in 0..depth {
            plan.transfer_s[ahead][rung] = view.segment_bits(ahead, rung as RungIndex) * seconds_per_bit;
        }
    }
    plan.price_stalls();
    let buffer_s = view.buffer_length.as_secs_f64();
    let previous = view.current.map(usize::from);
    for rung in 0..rungs {
        plan.try_steady(rung, buffer_s, previous);
    }
    plan.extend_first(buffer_s, previous);
    plan.first
}

/// How many stall prices bound the rest of a plan.
const PRICES: usize = 4;

struct Plan {
    rungs: usize,
    depth: usize,
    segment_s: f64,
    capacity_s: f64,
    objective: LinearQoe,
    mbps: [f64; Ladder::MAX_RUNGS],
    transfer_s: [[f64; Ladder::MAX_RUNGS]; MAX_HORIZON],
    /// `priced[price][ahead]`: most that segments `ahead..` earn when every second of transfer costs `price`.
    priced: [[f64; MAX_HORIZON + 1]; PRICES],
    price: [f64; PRICES],
    best: f64,
    first: RungIndex,
}

impl Plan {
    /// Tables of the bound for a few prices between nothing and the full stall penalty.
    fn price_stalls(&mut self) {
        let full = self.objective.stall_penalty;
        for (index, share) in [0.125, 0.25, 0.5, 1.0].into_iter().enumerate() {
            let price = full * share;
            self.price[index] = price;
            for ahead in (0..self.depth).rev() {
                let transfers = &self.transfer_s[ahead];
                let earned = (0..self.rungs)
                    .map(|rung| self.mbps[rung] - price * transfers[rung])
                    .fold(f64::NEG_INFINITY, f64::max);
                self.priced[index][ahead] = self.priced[index][ahead + 1] + earned;
            }
        }
    }

    /// Most that segments `ahead..` can add when `buffer_s` is left and `previous` was fetched last.
    fn most_left(&self, ahead: usize, buffer_s: f64, previous: usize) -> f64 {
        let left = (self.depth - ahead) as f64;
        let top = self.mbps[self.rungs - 1];
        let climb = top - self.mbps[previous];
        let without_stall = (left * top - self.objective.switch_penalty * climb).max(left * self.mbps[previous]);
        // Media that plays before the last of these transfers must be through.
        let slack_s = buffer_s + (left - 1.0) * self.segment_s;
        self.price
            .iter()
            .zip(&self.priced)
            .map(|(price, earned)| earned[ahead] + price * slack_s)
            .fold(without_stall, f64::min)
    }

    /// Gain of fetching `rung` as segment `ahead`, and the buffer afterwards.
    fn step(&self, ahead: usize, rung: usize, buffer_s: f64, previous: usize) -> (f64, f64) {
        let after_s = buffer_s - self.transfer_s[ahead][rung];
        let stall_s = (-after_s).max(0.0);
        let change = (self.mbps[rung] - self.mbps[previous]).abs();
        let gain = self.mbps[rung] - self.objective.stall_penalty * stall_s - self.objective.switch_penalty * change;
        (gain, (after_s.max(0.0) + self.segment_s).min(self.capacity_s))
    }

    fn try_steady(&mut self, rung: usize, mut buffer_s: f64, previous: Option<usize>) {
        let mut value = 0.0;
        for ahead in 0..self.depth {
            let before = if ahead == 0 { previous.unwrap_or(rung) } else { rung };
            let (gain, after_s) = self.step(ahead, rung, buffer_s, before);
            value += gain;
            buffer_s = after_s;
        }
        self.offer(value, rung as RungIndex);
    }

    fn extend_first(&mut self, buffer_s: f64, previous: Option<usize>) {
        for rung in (0..self.rungs).rev() {
            let (gain, after_s) = self.step(0, rung, buffer_s, previous.unwrap_or(rung));
            self.extend(1, rung, after_s, gain, rung as RungIndex);
        }
    }

    fn extend(&mut self, ahead: usize, previous: usize, buffer_s: f64, value: f64, first: RungIndex) {
        if ahead == self.depth {
            self.offer(value, first);
            return;
        }
        // An equal plan counts only if it starts higher.
        let reachable = value + self.most_left(ahead, buffer_s, previous);
        if reachable < self.best || (reachable <= self.best && first <= self.first) {
            return;
        }
        for rung in (0..self.rungs).rev() {
            let (gain, after_s) = self.step(ahead, rung, buffer_s, previous);
            self.extend(ahead + 1, rung, after_s, value + gain, first);
        }
    }

    fn offer(&mut self, value: f64, first: RungIndex) {
        if value > self.best || (value >= self.best && first > self.first) {
            self.best = value;
            self.first = first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Forecast, History},
        policy::{Guidance, Segments, Weights},
        time::{Duration, Timestamp},
        units::Bitrate,
    };
    use proptest::prelude::*;

    /// The best value of a plan that starts with `first`, over every plan.
    fn best_of_all(view: &View<'_>, objective: LinearQoe, depth: usize, kbps: f64, first: RungIndex) -> f64 {
        let rungs = view.ladder.rungs().len();
        let mut best = f64::NEG_INFINITY;
        for number in 0..rungs.pow(depth as u32 - 1) {
            let (mut rest, mut buffer_s, mut value) = (number, view.buffer_length.as_secs_f64(), 0.0);
            let mut previous = view.current.unwrap_or(first);
            for ahead in 0..depth {
                let rung = if ahead == 0 { first } else { (rest % rungs) as RungIndex };
                rest = if ahead == 0 { rest } else { rest / rungs };
                let transfer_s = view.segment_bits(ahead, rung) / (kbps * 1_000.0);
                let mbps = view.ladder.bitrate(rung).as_mbps();
                value += mbps
                    - objective.stall_penalty * (transfer_s - buffer_s).max(0.0)
                    - objective.switch_penalty * (mbps - view.ladder.bitrate(previous).as_mbps()).abs();
                buffer_s = ((buffer_s - transfer_s).max(0.0) + view.segment_duration.as_secs_f64())
                    .min(view.buffer_capacity.as_secs_f64());
                previous = rung;
            }
            best = best.max(value);
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn cutting_branches_never_loses_the_best_plan(
            sizes in proptest::collection::vec(proptest::collection::vec(0.5_f64..1.6, 4), 4),
            current in proptest::option::of(0_u8..4),
            buffer_ms in 0_u64..12_000,
            kbps in 100.0_f64..15_000.0,
            stall_penalty in 0.5_f64..40.0,
            switch_penalty in 0.0_f64..3.0,
        ) {
            let ladder = Ladder::from_bitrates(&[500, 1_500, 4_000, 9_000].map(Bitrate::kbps)).expect("a ladder");
            let bits: Vec<Vec<f64>> = sizes
                .iter()
                .map(|row| (0..4).map(|r| row[usize::from(r)] * 2.0 * ladder.bitrate(r).as_bps() as f64).collect())
                .collect();
            let (history, forecast) = (History::default(), Forecast::UNKNOWN);
            let view = View {
                now: Timestamp::EPOCH,
                ladder: &ladder,
                segment_duration: Duration::from_secs(2),
                segments: Segments::Known(&bits),
                buffer_length: Duration::from_millis(buffer_ms),
                buffer_capacity: Duration::from_secs(12),
                current,
                live_latency: None,
                history: &history,
                forecast: &forecast,
                weights: Weights::default(),
                guidance: Guidance::default(),
            };
            let objective = LinearQoe { stall_penalty, switch_penalty };
            let found = best_first_rung(&view, objective, 4, kbps);
            let values: Vec<f64> = (0..4).map(|first| best_of_all(&view, objective, 4, kbps, first)).collect();
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(values[usize::from(found)] >= best - 1e-9, "{} chosen of {:?}", found, values);
        }
    }
}
