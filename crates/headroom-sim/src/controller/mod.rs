//! Who chooses the rung: a policy inside the player, a server that caps it, or an oracle that knows the trace.

mod oracle;

pub use oracle::Oracle;

use crate::player::Player;
use headroom_core::{
    ladder::RungIndex,
    policy::{Memory, Policy},
};

/// Chooses the rung of the next segment of one session.
pub trait Controller {
    /// The rung to fetch next.
    fn choose<P: Player>(&mut self, player: &mut P) -> RungIndex;
}

/// A policy that runs in the player itself: it sees everything at once.
pub struct InPlayer<'a> {
    policy: &'a dyn Policy,
    memory: Memory,
}

impl<'a> InPlayer<'a> {
    /// A session of this policy.
    #[must_use]
    pub fn new(policy: &'a dyn Policy) -> Self {
        Self { policy, memory: Memory::default() }
    }
}

impl Controller for InPlayer<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> RungIndex {
        if player.next_segment() == 0 {
            return player.first_rung();
        }
        let view = player.view(self.policy.uses_forecast());
        let rung = self.policy.decide(&view, &mut self.memory).rung;
        rung.min(view.ladder.top())
    }
}
