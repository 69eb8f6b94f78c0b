//! Clients that differ from a policy of the engine in what they leave out.

use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Memory, Policy, Progress, Proposal, View},
    time::Duration,
};

/// A player that runs a policy and never gives a transfer up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithoutAbandonment<P>(pub P);

impl<P: Policy> Policy for WithoutAbandonment<P> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn evidence(&self) -> Evidence {
        self.0.evidence()
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        self.0.decide(view, memory)
    }

    fn pause(&self, memory: &Memory) -> Duration {
        self.0.pause(memory)
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut Memory) {
        self.0.delivered(view, delivery, memory);
    }

    fn abandon(&self, _: &View<'_>, _: &Progress, _: &mut Memory) -> Option<RungIndex> {
        None
    }
}
