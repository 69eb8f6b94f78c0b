//! RobustMPC: plan five segments ahead on a throughput that past errors have discounted.
//!
//! Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP",
//! SIGCOMM 2015, §5.2: estimate = harmonic mean of 5 / (1 + largest of the last 5 relative errors).

use super::plan::{Objective, best_first_rung};
use super::{Evidence, Memory, Policy, Proposal, View};
use crate::decision::Reason;

/// Model-predictive control on a discounted harmonic mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustMpc {
    /// What a plan is worth.
    pub objective: Objective,
    /// Segments planned ahead.
    pub horizon: usize,
}

impl Default for RobustMpc {
    /// Penalty 4.3 Mbit/s per stall second and horizon 5: the published settings for a 4.3 Mbit/s ladder.
    fn default() -> Self {
        Self { objective: Objective { stall_penalty: 4.3, switch_penalty: 1.0 }, horizon: 5 }
    }
}

/// Transfers averaged, and errors remembered.
const WINDOW: usize = 5;
/// Slot of [`Memory`]: the last estimate in kbit/s; slots 1..=5 hold the last errors, slot 6 the next to overwrite.
const LAST_ESTIMATE: usize = 0;
const ERRORS: usize = 1;
const NEXT_ERROR: usize = 6;

impl Policy for RobustMpc {
    fn name(&self) -> &'static str {
        "robust_mpc"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let (Some(estimate), Some(newest)) = (view.history.harmonic_mean(WINDOW), view.history.newest()) else {
            return Proposal::hold(view);
        };
        let last = memory.0[LAST_ESTIMATE];
        if last > 0.0 {
            let error = (last - newest.throughput_kbps).abs() / newest.throughput_kbps;
            let slot = memory.0[NEXT_ERROR];
            memory.0[ERRORS + slot as usize] = error;
            memory.0[NEXT_ERROR] = (slot + 1.0) % WINDOW as f32;
        }
        memory.0[LAST_ESTIMATE] = estimate as f32;
        let worst = memory.0[ERRORS..ERRORS + WINDOW].iter().copied().fold(0.0, f32::max);
        let rung = best_first_rung(view, self.objective, self.horizon, estimate / (1.0 + f64::from(worst)));
        Proposal { rung, reason: Reason::Plan }
    }
}
