//! LoL+: a self-organising map with one neuron a rung; the neuron nearest to the wished state is played.
//!
//! Bentaleb, Akcay, Lim, Begen, Zimmermann: "Catching the Moment With LoL+ in Twitch-Like Low-Latency Live Streaming
//! Platforms", IEEE Transactions on Multimedia 2022; constants as in dash.js (`LoLpRule`, `LearningAbrController`,
//! `LoLpWeightSelector`). Deviations: docs/algorithms/policies.md.

use super::{DashThroughput, Evidence, Memory, Policy, Progress, Proposal, View};
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
/// Coordinates are kept to ten bits: throughput and switching up to 1, latency up to a tenth (10 s).
const SCALES: [f64; 3] = [1_022.0, 10_220.0, 1_022.0];
const BITS: u32 = 10;

type State = [f64; 3];

impl Policy for Lolp {
    fn name(&self) -> &'static str {
        "lolp"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let (Some(mean), Some(current)) = (view.history.mean(WINDOW), view.current) else {
            return Proposal::hold(view);
        };
        let rung = self.rung(view, mean * self.safety, current.min(view.ladder.top()), memory);
        Proposal { rung, reason: Reason::Throughput }
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut Memory) -> Option<RungIndex> {
        // dash.js gives transfers up whichever rule chose them (`AbandonRequestsRule`).
        DashThroughput::default().abandon(view, progress, memory)
    }
}

impl Lolp {
    fn rung(&self, view: &View<'_>, kbps: f64, current: RungIndex, memory: &mut Memory) -> RungIndex {
        let ladder = view.ladder;
        let rate = |rung: RungIndex| ladder.bitrate(rung).as_kbps();
        let (segment_s, buffer_s) = (view.segment_duration.as_secs_f64(), view.buffer_length.as_secs_f64());
        let transfer_s = |rung: RungIndex| rate(rung) * segment_s / kbps;
        if buffer_s - transfer_s(current) < self.least_buffer_s {
            // The rung played would run the buffer dry: the next below that the throughput carries, and nothing is learned.
            return (0..current).rev().find(|&rung| rate(rung) < kbps).unwrap_or(0);
        }
        let mut map = Map::read(ladder, memory);
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
        map.write(view.history.pushed(), memory);
        winner
    }
}

/// Where each rung stands in throughput, latency and switching.
struct Map {
    states: [State; Ladder::MAX_RUNGS],
    rungs: usize,
    /// Rungs below the first that is remembered: a memory holds the eight highest.
    skipped: usize,
    unit_kbps: f64,
}

impl Map {
    /// What the memory holds, and what dash.js starts with for the rest.
    fn read(ladder: &Ladder, memory: &Memory) -> Self {
        let squares: f64 = ladder.rungs().iter().map(|rung| rung.bitrate.as_kbps().powi(2)).sum();
        let unit_kbps = squares.sqrt();
        let rungs = ladder.rungs().len();
        let skipped = rungs.saturating_sub(memory.0.len());
        let mut states = [[0.0; 3]; Ladder::MAX_RUNGS];
        for (index, (state, rung)) in states.iter_mut().zip(ladder.rungs()).enumerate() {
            *state = [rung.bitrate.as_kbps() / unit_kbps, 0.0, 0.0];
            let code = index.checked_sub(skipped).map_or(0, |slot| memory.0[slot].to_bits());
            if code != 0 {
                *state = unpack(code);
            }
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

    fn write(&self, turn: u8, memory: &mut Memory) {
        for (slot, state) in memory.0.iter_mut().zip(&self.states[self.skipped..self.rungs]) {
            *slot = f32::from_bits(pack(state, turn));
        }
    }
}

/// Thirty bits, never zero: as the bits of a float they are finite. A step of learning is often less than a unit; rounding
/// that varies with the turn lets such steps add up.
fn pack(state: &State, turn: u8) -> u32 {
    let mut code = 0;
    for (place, (coordinate, scale)) in state.iter().zip(SCALES).enumerate() {
        // The golden ratio spreads the turns evenly (Weyl).
        let dither = (f64::from(turn) * 0.618_034 + place as f64 * 0.37).fract();
        let steps = ((coordinate.max(0.0) * scale + dither) as u32).min(SCALES[0] as u32);
        code = (code << BITS) | (steps + 1);
    }
    code
}

fn unpack(code: u32) -> State {
    let mut state = [0.0; 3];
    for (place, (coordinate, scale)) in state.iter_mut().zip(SCALES).enumerate() {
        let bits = (code >> (BITS * (2 - place as u32))) & ((1 << BITS) - 1);
        *coordinate = f64::from(bits.saturating_sub(1)) / scale;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_the_memory_to_a_thousandth_and_small_steps_add_up() {
        for state in [[0.0, 0.0, 0.0], [0.5, 0.03, 0.25], [1.0, 0.1, 1.0]] {
            let code = pack(&state, 7);
            assert!(code != 0 && f32::from_bits(code).is_finite());
            for (got, wanted) in unpack(code).iter().zip(state) {
                assert!((got - wanted).abs() < 2e-3, "{state:?}: {:?}", unpack(code));
            }
        }
        let mut state = [0.5, 0.0, 0.0];
        for turn in 0..200 {
            state[0] += 0.000_2;
            state = unpack(pack(&state, turn));
        }
        assert!((state[0] - 0.54).abs() < 0.01, "{state:?}");
    }
}
