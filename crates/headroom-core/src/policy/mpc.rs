//! MPC: plan five segments ahead on the harmonic mean of the last five transfers.
//!
//! Yin, Jindal, Sekar, Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video Streaming over HTTP",
//! SIGCOMM 2015, §4–5. The plan is exact; the paper's FastMPC table is not needed at these sizes.

use super::plan::{LinearQoe, best_first_rung};
use super::{Evidence, Memory, Policy, Proposal, Tuning, View};
use crate::decision::Reason;

/// Model-predictive control on a harmonic mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mpc {
    /// What a plan is worth.
    pub objective: LinearQoe,
    /// Segments planned ahead.
    pub horizon: usize,
    /// Share of the harmonic mean that the plan counts on; 1 in the paper.
    pub safety: f64,
}

impl Default for Mpc {
    /// Penalty 4.3 Mbit/s per stall second and horizon 5: the published settings for a 4.3 Mbit/s ladder.
    fn default() -> Self {
        Self { objective: LinearQoe::default(), horizon: 5, safety: 1.0 }
    }
}

impl Mpc {
    pub(super) fn tuned(tuning: &Tuning) -> Self {
        Self { objective: tuning.objective, safety: tuning.share, ..Self::default() }
    }
}

/// Transfers averaged (Yin 2015 §6).
const WINDOW: usize = 5;

impl Policy for Mpc {
    fn name(&self) -> &'static str {
        "mpc"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let Some(estimate) = view.history.harmonic_mean(WINDOW) else {
            return Proposal::hold(view);
        };
        Proposal {
            rung: best_first_rung(view, self.objective, self.horizon, estimate * self.safety),
            reason: Reason::Plan,
        }
    }
}
