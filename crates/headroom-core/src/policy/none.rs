//! No steering: every player chooses alone, as if there were no Headroom.
//!
//! For measuring what steering is worth, and for switching it off while telemetry, forecasts and the audience go on. What an
//! operator or a viewer orders still holds, and so does a share of a bottleneck.

use super::{Evidence, Memory, Policy, Proposal, View};
use crate::decision::Reason;

/// Proposes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoPolicy;

impl Policy for NoPolicy {
    fn name(&self) -> &'static str {
        "none"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn steers(&self) -> bool {
        false
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        Proposal { reason: Reason::NoPolicy, ..Proposal::hold(view) }
    }
}
