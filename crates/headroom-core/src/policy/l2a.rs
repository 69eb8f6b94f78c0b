//! L2A-LL: online convex optimisation of a distribution over the rungs, for the least latency.
//!
//! Karagkioules, Mekuria, Griffioen, Wagenaar: "Online Learning for Low-Latency Adaptive Streaming", MMSys 2020; constants,
//! start-up and the cautious ascent as in dash.js `L2ARule` (4.x). Deviations: docs/algorithms/policies.md.

use super::states::L2aMemory;
use super::{DashThroughput, Evidence, Policy, Progress, Proposal, View};
use crate::{
    decision::Reason,
    ladder::{Ladder, RungIndex},
};

/// Learn2Adapt for low latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2a {
    /// Steps until convergence (dash.js `horizon`: 4).
    pub horizon: f64,
    /// Buffer in seconds at which the start-up ends (dash.js `B_target`: 1.5).
    pub target_s: f64,
    /// Factor on the multiplier after a rung the last throughput did not carry (dash.js `react`: 2).
    pub react: f64,
}

impl Default for L2a {
    fn default() -> Self {
        Self { horizon: 4.0, target_s: 1.5, react: 2.0 }
    }
}

/// A weight is kept in a byte.
const STEPS: f64 = 255.0;
/// Transfers averaged and share of the mean that is used in the start-up (dash.js for live: 3 and 0.9).
const START_UP_WINDOW: usize = 3;
const START_UP_SHARE: f64 = 0.9;
/// The cautiousness is the horizon to this power (dash.js `vl`).
const CAUTIOUS_POWER: f64 = 0.99;

impl L2aMemory {
    fn weights(&self) -> [f64; Ladder::MAX_RUNGS] {
        self.weights.map(|steps| f64::from(steps) / STEPS)
    }

    fn keep(&mut self, weights: &[f64; Ladder::MAX_RUNGS]) {
        self.weights = weights.map(|weight| (weight.clamp(0.0, 1.0) * STEPS).round() as u8);
    }
}

impl Policy for L2a {
    fn name(&self) -> &'static str {
        "l2a"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        let Some(newest) = view.history.newest() else {
            return Proposal::hold(view);
        };
        let rung = memory.update(|kept: &mut L2aMemory| match kept.last {
            None => self.start_up(view, kept),
            Some(last) => self.descend(view, f64::from(newest.throughput_kbps).max(1.0), last, kept),
        });
        Proposal { rung, reason: Reason::Throughput }
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, _: &mut super::Memory) -> Option<RungIndex> {
        // dash.js gives transfers up whichever rule chose them (`AbandonRequestsRule`).
        DashThroughput::default().lower(view, progress)
    }
}

impl L2a {
    fn cautiousness(&self) -> f64 {
        self.horizon.powf(CAUTIOUS_POWER)
    }

    /// Highest rung within a share of the mean; once the buffer is there, all weight lies on it and learning begins.
    fn start_up(&self, view: &View<'_>, kept: &mut L2aMemory) -> RungIndex {
        let mean = view.history.mean(START_UP_WINDOW).unwrap_or(0.0) * START_UP_SHARE;
        let fits = |rung: &RungIndex| view.ladder.bitrate(*rung).as_kbps() <= mean;
        let rung = (0..=view.ladder.top()).rev().find(fits).unwrap_or(0);
        if view.buffer_length.as_secs_f64() >= self.target_s {
            let mut weights = [0.0; Ladder::MAX_RUNGS];
            weights[usize::from(rung)] = 1.0;
            kept.keep(&weights);
            kept.multiplier = self.cautiousness() as f32;
            kept.last = Some(rung);
        }
        rung
    }

    /// One step along the gradient of the Lagrangian, back onto the simplex, and the rung nearest to the mean it stands for.
    fn descend(&self, view: &View<'_>, last_kbps: f64, last: RungIndex, kept: &mut L2aMemory) -> RungIndex {
        let (ladder, segment_s) = (view.ladder, view.segment_duration.as_secs_f64());
        let (count, cautiousness) = (ladder.rungs().len(), self.cautiousness());
        let step = self.horizon.max(cautiousness * self.horizon.sqrt());
        let multiplier = f64::from(kept.multiplier);
        let share = |rung: usize| ladder.bitrate(rung as RungIndex).as_kbps() / last_kbps;
        let before = kept.weights();
        let mut weights = before;
        for (rung, weight) in weights.iter_mut().enumerate().take(count) {
            // A rung that the last throughput did not carry loses, one that it did carry gains.
            let sign = if share(rung) > 1.0 { -1.0 } else { 1.0 };
            *weight += sign * segment_s / (2.0 * step) * (multiplier + cautiousness) * share(rung);
        }
        project(&mut weights[..count]);
        // Expected load, extrapolated by the change, against what arrived.
        let load: f64 = (0..count).map(|rung| share(rung) * (2.0 * weights[rung] - before[rung])).sum();
        let mut multiplier = (multiplier + segment_s * (load - 1.0)).max(0.0);
        let mean: f64 = (0..count).map(|rung| share(rung) * weights[rung]).sum();
        let distance = |rung: &RungIndex| (share(usize::from(*rung)) - mean).abs();
        let mut rung = (0..=ladder.top()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
        let next = last.saturating_add(1).min(ladder.top());
        if rung > last && share(usize::from(next)) <= 1.0 {
            rung = next;
        }
        if share(usize::from(rung)) >= 1.0 {
            multiplier = self.react * multiplier.max(cautiousness);
        }
        kept.keep(&weights);
        kept.multiplier = multiplier as f32;
        kept.last = Some(rung);
        rung
    }
}

/// Moves `weights` to the nearest distribution (Chen, Ye: "Projection Onto a Simplex", arXiv 1101.6081).
fn project(weights: &mut [f64]) {
    let mut sorted = [f64::NEG_INFINITY; Ladder::MAX_RUNGS];
    let count = weights.len();
    sorted[..count].copy_from_slice(weights);
    sorted[..count].sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut excess) = (0.0, 0.0);
    for (index, value) in sorted[..count].iter().enumerate() {
        sum += value;
        excess = (sum - 1.0) / (index + 1) as f64;
        if sorted.get(index + 1).is_none_or(|next| excess >= *next) {
            break;
        }
    }
    weights.iter_mut().for_each(|weight| *weight = (*weight - excess).max(0.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projections_are_the_nearest_distributions() {
        for (from, to) in [
            ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
            ([5.0, 0.0, -3.0], [1.0, 0.0, 0.0]),
            ([1.0, 1.0, 1.0], [1.0 / 3.0; 3]),
            ([0.9, 0.5, -0.2], [0.7, 0.3, 0.0]),
        ] {
            let mut weights = from;
            project(&mut weights);
            assert!(weights.iter().zip(to).all(|(got, wanted)| (got - wanted).abs() < 1e-12), "{from:?}: {weights:?}");
        }
    }

    #[test]
    fn sixteen_weights_survive_the_memory() {
        let mut weights = [0.0; Ladder::MAX_RUNGS];
        weights.iter_mut().enumerate().for_each(|(index, weight)| *weight = (index * 17) as f64 / STEPS);
        let mut kept = L2aMemory::default();
        kept.keep(&weights);
        assert_eq!(kept.weights(), weights);
    }
}
