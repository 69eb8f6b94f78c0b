//! Controllers: a policy inside the player, a client that a server caps or advises, or an oracle that knows the trace.

mod advised;
mod capped;
mod oracle;
mod server;

pub use advised::{AdviceSettings, Advised, Asking};
pub use capped::Capped;
pub use oracle::Oracle;

use crate::session::{Choice, Controller, Player};
use headroom_core::{
    forecast::Forecast,
    ladder::RungIndex,
    policy::{Delivery, Evidence, Guidance, Memory, Policy, Progress, View},
};

/// A policy that runs inside the player.
pub struct InPlayer<'a> {
    policy: &'a dyn Policy,
    memory: Memory,
    guidance: Guidance,
}

impl<'a> InPlayer<'a> {
    /// A session of this policy.
    #[must_use]
    pub fn new(policy: &'a dyn Policy) -> Self {
        Self::guided(policy, Guidance::default())
    }

    /// A session of this policy under `guidance`.
    #[must_use]
    pub fn guided(policy: &'a dyn Policy, guidance: Guidance) -> Self {
        Self { policy, memory: Memory::default(), guidance }
    }
}

impl InPlayer<'_> {
    /// What to fetch next, given the throughput that a server expects.
    fn choose_with<P: Player>(&mut self, player: &mut P, expected: Option<&Forecast>) -> Choice {
        if player.next_segment() == 0 {
            return Choice::at_once(player.first_rung());
        }
        let view = player.view(self.policy.evidence());
        let view = match expected {
            Some(forecast) if self.policy.evidence() < Evidence::Forecast => View { forecast, ..view },
            _ => view,
        };
        let view = View { guidance: self.guidance, ..view };
        let rung = self.policy.decide(&view, &mut self.memory).rung.min(view.ladder.top());
        Choice { rung, pause_s: self.policy.pause(&self.memory).as_secs_f64() }
    }
}

impl Controller for InPlayer<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        self.choose_with(player, None)
    }

    fn evidence(&self) -> Evidence {
        self.policy.evidence()
    }

    fn abandon(&mut self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        self.policy.abandon(&View { guidance: self.guidance, ..*view }, progress, &mut self.memory)
    }

    fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        self.policy.delivered(view, delivery, &mut self.memory);
    }
}
