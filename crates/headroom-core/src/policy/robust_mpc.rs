//! RobustMPC: plan five segments ahead on a throughput that past errors have discounted.
//!
//! Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP",
//! SIGCOMM 2015, §5.2: estimate = harmonic mean of 5 / (1 + largest of the last 5 relative errors).

use super::plan::{LinearQoe, best_first_rung};
use super::states::{ERRORS, RobustMpcMemory};
use super::{Evidence, Policy, Proposal, Tuning, View};
use crate::decision::Reason;

/// Model-predictive control on a discounted harmonic mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustMpc {
    /// What a plan is worth.
    pub objective: LinearQoe,
    /// Segments planned ahead.
    pub horizon: usize,
}

impl Default for RobustMpc {
    /// Penalty 4.3 Mbit/s per stall second and horizon 5: the published settings for a 4.3 Mbit/s ladder.
    fn default() -> Self {
        Self { objective: LinearQoe::default(), horizon: 5 }
    }
}

impl RobustMpc {
    pub(super) fn tuned(tuning: &Tuning) -> Self {
        Self { objective: tuning.objective, ..Self::default() }
    }
}

/// Transfers averaged.
const WINDOW: usize = ERRORS;

impl RobustMpcMemory {
    /// Notes how far the last estimate was from what then came, and the next estimate.
    fn note(&mut self, estimate_kbps: f32, newest_kbps: f32) {
        if self.estimate_kbps > 0.0 {
            let next = usize::from(self.next_error);
            self.errors[next] = (self.estimate_kbps - newest_kbps).abs() / newest_kbps;
            self.next_error = ((next + 1) % ERRORS) as u8;
        }
        self.estimate_kbps = estimate_kbps;
    }

    fn worst_error(&self) -> f32 {
        self.errors.into_iter().fold(0.0, f32::max)
    }
}

impl Policy for RobustMpc {
    fn name(&self) -> &'static str {
        "robust_mpc"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        let (Some(estimate), Some(newest)) = (view.history.harmonic_mean(WINDOW), view.history.newest()) else {
            return Proposal::hold(view);
        };
        let worst = memory.update(|kept: &mut RobustMpcMemory| {
            kept.note(estimate as f32, newest.throughput_kbps);
            kept.worst_error()
        });
        let rung = best_first_rung(view, self.objective, self.horizon, estimate / (1.0 + f64::from(worst)));
        Proposal { rung, reason: Reason::Plan }
    }
}
