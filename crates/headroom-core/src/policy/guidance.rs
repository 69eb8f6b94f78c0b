//! What a session is guided for, and the bounds of it that hold for every policy of ours.

use super::measured::Averages;
use super::own_rule::own_rung;
use super::stall_memory::StallMemory;
use super::{Delivery, Proposal, View};
use crate::{
    decision::Reason,
    forecast::History,
    ladder::RungIndex,
    objective::{Egress, Objective},
    qoe::{RISK_SEGMENTS, stall_risk},
    telemetry::{Client, Player, Report},
    time::Timestamp,
};

/// What a policy is to achieve for one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guidance {
    /// What for.
    pub objective: Objective,
    /// For how many bits.
    pub egress: Egress,
    /// Whose player it is.
    pub client: Client,
}

/// What a policy of ours remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct SessionMemory {
    /// What its player would choose by.
    pub(super) averages: Averages,
    pub(super) stalls: StallMemory,
    /// Transfers of the segment under way that were given up.
    pub(super) abandonments: u8,
}

impl SessionMemory {
    /// Another segment is chosen.
    pub(super) fn next_segment(&mut self, history: &History) -> Self {
        self.averages.read(history);
        self.abandonments = 0;
        *self
    }

    /// A transfer ended in the player that the policy is in.
    pub(super) fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        self.averages.read(view.history);
        // The wait for the first segment is the start-up.
        if view.history.len() > 1 {
            self.stalls.observe(view.now, delivery.stall_s);
        }
    }

    /// A session reported to the engine.
    pub(super) fn reported(&mut self, report: &Report, history: &History, at: Timestamp) {
        self.averages.read(history);
        if let Report::Player(Player { starvation_duration: Some(stalled), .. }) = report {
            self.stalls.observe(at, stalled.as_secs_f64());
        }
    }
}

/// What `proposal` becomes within the bounds of the session's guidance: the risk that its objective accepts, the player's own
/// rule while stalls are fresh, and that rule for good where no more bits may be sent than without steering.
pub(super) fn bounded(view: &View<'_>, kept: &SessionMemory, proposal: Proposal) -> Proposal {
    let Guidance { objective, egress, .. } = view.guidance;
    let mut bounded = proposal;
    let ceiling = objective.risk_ceiling();
    while bounded.rung > 0 && stall_risk(view, bounded.rung, RISK_SEGMENTS) > ceiling {
        bounded = Proposal { rung: bounded.rung - 1, reason: Reason::StallRisk };
    }
    let mut lower = |most: Option<RungIndex>, reason: Reason| {
        if let Some(most) = most.filter(|&most| bounded.rung > most) {
            bounded = Proposal { rung: most, reason };
        }
    };
    if objective != Objective::Sharp && kept.stalls.is_fresh(view.now) {
        lower(own_rung(view, &kept.averages), Reason::RecentStalls);
    }
    if egress == Egress::Same {
        lower(own_rung(view, &kept.averages), Reason::Egress);
    }
    bounded
}
