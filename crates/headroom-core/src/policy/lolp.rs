//! LoL+: a self-organising map with one neuron a rung; the neuron nearest to the wished state is played.
//!
//! Bentaleb, Akcay, Lim, Begen, Zimmermann: "Catching the Moment With LoL+ in Twitch-Like Low-Latency Live Streaming
//! Platforms", IEEE Transactions on Multimedia 2022; constants as in dash.js (`LoLpRule`, `LearningAbrController`,
//! `LoLpWeightSelector`). Deviations: docs/algorithms/policies.md.

use super::states::{COORDINATE_BITS, Coordinates, LolpMemory, REMEMBERED_RUNGS};
use super::{DashThroughput, Evidence, Policy, Progress, Proposal, View};
use crate::{
    decision::Reason,
    ladder::{Ladder, RungIndex},
};

/// The map of LoL+.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lolp {
    /// Share of the mean throughput that counts (dash.js `bandwidthSafetyFactor`: 0.9).
    pub safety: f64,
    /// Least buffer in seconds that a choice must leave (dash.js `DWS_BUFFER_MIN`: 0.3).
    pub least_buffer_s: f64,
    /// Learning rate of the map (dash.js: 0.01).
    pub rate: f64,
}

impl Default for Lolp {
    fn default() -> Self {
        Self { safety: 0.9, least_buffer_s: 0.3, rate: 0.01 }
    }
}

/// Transfers averaged (dash.js for live streams: 3).
const WINDOW: usize = 3;
/// Width of the neighbourhood that learns with a neuron (dash.js `sigma`).
const NEIGHBOURHOOD: f64 = 0.1;
/// Weights of throughput, latency and switching in the distance. dash.js searches 625 vectors for the best QoE of a next
/// segment; latency and stall weigh least at weight 1, the others have no part in it, so that it always ends at these.
const WEIGHTS: [f64; 3] = [0.2, 1.0, 0.2];
/// Weight of throughput for a rung beyond it: away from there (dash.js).
const BEYOND: f64 = 100.0;
/// Room that a rung must leave below the throughput, kbit/s (dash.js `throughputDelta`: 10 kbit/s).
const ROOM_KBPS: f64 = 10.0;
/// Seconds of latency that are 1 on the map (dash.js `latencyNormalizationFactor`).
const LATENCY_UNIT_S: f64 = 100.0;
const STEPS: u16 = (1 << COORDINATE_BITS) - 2;
/// Steps of one unit of throughput, latency and switching: up to 1, up to a tenth (10 s), up to 1.
const SCALES: [f64; 3] = [STEPS as f64, 10.0 * STEPS as f64, STEPS as f64];

type State = [f64; 3];

impl Policy for Lolp {
    fn name(&self) -> &'static str {
        "lolp"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        let (Some(mean), Some(current)) = (view.history.mean(WINDOW), view.current) else {
            return Proposal::hold(view);
        };
        let current = current.min(view.ladder.top());
        let rung = memory.update(|kept| self.rung(view, mean * self.safety, current, kept));
        Proposal { rung, reason: Reason::Throughput }
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, _: &mut super::Memory) -> Option<RungIndex> {
        // dash.js gives transfers up whichever rule chose them (`AbandonRequestsRule`).
        DashThroughput::default().lower(view, progress)
    }
}

impl Lolp {
    fn rung(&self, view: &View<'_>, kbps: f64, current: RungIndex, kept: &mut LolpMemory) -> RungIndex {
        let ladder = view.ladder;
        let rate = |rung: RungIndex| ladder.bitrate(rung).as_kbps();
        let (segment_s, buffer_s) = (view.segment_duration.as_secs_f64(), view.buffer_length.as_secs_f64());
        let transfer_s = |rung: RungIndex| rate(rung) * segment_s / kbps;
        if buffer_s - transfer_s(current) < self.least_buffer_s {
            // The rung played would run the buffer dry: the next below that the throughput carries, and nothing is learned.
            return (0..current).rev().find(|&rung| rate(rung) < kbps).unwrap_or(0);
        }
        let mut map = Map::read(ladder, kept);
        let mut wished = kbps / map.unit_kbps;
        if wished > 1.0 {
            wished = map.states[..=usize::from(ladder.top())].iter().map(|state| state[0]).fold(0.0, f64::max);
        }
        let after_s = |rung: RungIndex| match transfer_s(rung) {
            longer if longer > segment_s => buffer_s - segment_s,
            transfer_s => buffer_s + segment_s - transfer_s,
        };
        let distance = |rung: &RungIndex| {
            let [throughput, latency, switching] = map.states[usize::from(*rung)];
            let beyond = rate(*rung) > kbps - ROOM_KBPS || after_s(*rung) < self.least_buffer_s;
            let weight = if beyond && *rung > 0 { BEYOND } else { WEIGHTS[0] };
            weight * (throughput - wished).powi(2) + WEIGHTS[1] * latency.powi(2) + WEIGHTS[2] * switching.powi(2)
        };
        let winner = (0..=ladder.top()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
        let switched = (rate(current) - rate(winner)).abs() / map.unit_kbps;
        let latency = view.live_latency.map_or(0.0, |latency| latency.as_secs_f64() / LATENCY_UNIT_S);
        map.learn(current, [wished, latency, switched], self.rate);
        map.learn(winner, [wished, 0.0, switched], self.rate);
        map.write(view.history.pushed(), kept);
        winner
    }
}

/// Where each rung stands in throughput, latency and switching.
struct Map {
    states: [State; Ladder::MAX_RUNGS],
    rungs: usize,
    /// Rungs below the first that is remembered.
    skipped: usize,
    unit_kbps: f64,
}

impl Map {
    /// What the memory holds, and what dash.js starts with for the rest.
    fn read(ladder: &Ladder, kept: &LolpMemory) -> Self {
        let squares: f64 = ladder.rungs().iter().map(|rung| rung.bitrate.as_kbps().powi(2)).sum();
        let unit_kbps = squares.sqrt();
        let rungs = ladder.rungs().len();
        let skipped = rungs.saturating_sub(REMEMBERED_RUNGS);
        let mut states = [[0.0; 3]; Ladder::MAX_RUNGS];
        for (index, (state, rung)) in states.iter_mut().zip(ladder.rungs()).enumerate() {
            let learned = index.checked_sub(skipped).and_then(|slot| kept.state(slot));
            *state = learned.unwrap_or([rung.bitrate.as_kbps() / unit_kbps, 0.0, 0.0]);
        }
        Self { states, rungs, skipped, unit_kbps }
    }

    fn learn(&mut self, centre: RungIndex, seen: State, rate: f64) {
        let centre = self.states[usize::from(centre)];
        for state in &mut self.states[..self.rungs] {
            let squares: f64 = state.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum();
            let near = (-squares / (2.0 * NEIGHBOURHOOD * NEIGHBOURHOOD)).exp();
            for (coordinate, seen) in state.iter_mut().zip(seen) {
                *coordinate += rate * near * (seen - *coordinate);
            }
        }
    }

    fn write(&self, turn: u8, kept: &mut LolpMemory) {
        for (slot, state) in self.states[self.skipped..self.rungs].iter().enumerate() {
            kept.keep(slot, state, turn);
        }
    }
}

impl LolpMemory {
    /// Where the rung in `slot` stands; `None` before it was kept.
    fn state(&self, slot: usize) -> Option<State> {
        let codes = [self.throughput, self.latency, self.switching].map(|coordinates| coordinates.get(slot));
        let mut state = [0.0; 3];
        for ((coordinate, code), scale) in state.iter_mut().zip(codes).zip(SCALES) {
            *coordinate = f64::from(code.checked_sub(1)?) / scale;
        }
        Some(state)
    }

    /// Keeps where the rung in `slot` stands. A step of learning is often less than a step of what is kept; rounding that varies
    /// with the turn lets such steps add up.
    fn keep(&mut self, slot: usize, state: &State, turn: u8) {
        let kept = [&mut self.throughput, &mut self.latency, &mut self.switching];
        for (place, ((coordinates, value), scale)) in kept.into_iter().zip(state).zip(SCALES).enumerate() {
            // The golden ratio spreads the turns evenly (Weyl).
            let dither = (f64::from(turn) * 0.618_034 + place as f64 * 0.37).fract();
            let steps = ((value.max(0.0) * scale + dither) as u16).min(STEPS);
            coordinates.set(slot, steps + 1);
        }
    }
}

impl Coordinates {
    fn get(self, slot: usize) -> u16 {
        let (byte, shift) = Self::place(slot);
        let pair = u16::from_le_bytes([self.0[byte], self.0[byte + 1]]);
        (pair >> shift) & Self::MASK
    }

    fn set(&mut self, slot: usize, code: u16) {
        let (byte, shift) = Self::place(slot);
        let pair = u16::from_le_bytes([self.0[byte], self.0[byte + 1]]);
        let pair = (pair & !(Self::MASK << shift)) | ((code & Self::MASK) << shift);
        self.0[byte..byte + 2].copy_from_slice(&pair.to_le_bytes());
    }

    const MASK: u16 = (1 << COORDINATE_BITS) - 1;

    /// The first of the two bytes that hold a slot, and the bits before it there: ten bits begin at an even one, so two bytes do.
    const fn place(slot: usize) -> (usize, usize) {
        (slot * COORDINATE_BITS / 8, slot * COORDINATE_BITS % 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_the_memory_to_a_thousandth_and_small_steps_add_up() {
        let through_memory = |state: &State, slot: usize, turn: u8| {
            let mut kept = LolpMemory::default();
            (0..REMEMBERED_RUNGS).for_each(|other| kept.keep(other, &[1.0, 0.1, 1.0], turn));
            kept.keep(slot, state, turn);
            kept.state(slot).unwrap()
        };
        assert_eq!(LolpMemory::default().state(0), None);
        for slot in 0..REMEMBERED_RUNGS {
            for state in [[0.0, 0.0, 0.0], [0.5, 0.03, 0.25], [1.0, 0.1, 1.0]] {
                for (got, wanted) in through_memory(&state, slot, 7).iter().zip(state) {
                    assert!((got - wanted).abs() < 2e-3, "{state:?} in slot {slot}");
                }
            }
        }
        let mut state = [0.5, 0.0, 0.0];
        for turn in 0..200 {
            state[0] += 0.000_2;
            state = through_memory(&state, 3, turn);
        }
        assert!((state[0] - 0.54).abs() < 0.01, "{state:?}");
    }
}
