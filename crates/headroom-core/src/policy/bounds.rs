//! The bounds of a session's guidance that hold for every policy of ours.

use super::own_rule::own_rung;
use super::session_memory::SessionMemory;
use super::{Guidance, Proposal, View};
use crate::{
    decision::Reason,
    ladder::RungIndex,
    objective::{Egress, Objective},
    qoe::{RISK_SEGMENTS, stall_risk},
};

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
