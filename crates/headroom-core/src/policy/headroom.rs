//! Our policy: one rule for each objective, over the same forecast.
//!
//! [`Recourse`] is the rule of `smooth` and `balanced`, [`Hold`] that of `sharp`. What follows from the rule is bounded by the
//! session's [`Guidance`](super::Guidance). See docs/algorithms/headroom.md.

use super::bounds::bounded;
use super::session_memory::SessionMemory;
use super::{Abandonment, Delivery, Hold, Memory, Policy, Progress, Proposal, Recourse, View};
use crate::{
    decision::Reason, forecast::History, ladder::RungIndex, objective::Objective, telemetry::Report, time::Timestamp,
    units::Bitrate,
};

/// The rules, chosen from by the objective of each session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headroom {
    /// The rule of `smooth`.
    pub smooth: Recourse,
    /// The rule of `balanced`.
    pub balanced: Recourse,
    /// The rule of `sharp`.
    pub sharp: Hold,
}

impl Default for Headroom {
    fn default() -> Self {
        Self { smooth: Recourse::CALM, balanced: Recourse::RICH, sharp: Hold::default() }
    }
}

impl Policy for Headroom {
    fn name(&self) -> &'static str {
        "headroom"
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let kept = memory.update(|kept: &mut SessionMemory| kept.next_segment(view.history));
        if view.forecast.is_unknown() {
            return Proposal::hold(view);
        }
        let best = match view.guidance.objective {
            Objective::Smooth => self.smooth.best(view),
            Objective::Balanced => self.balanced.best(view),
            Objective::Sharp => self.sharp.best(view),
        };
        bounded(view, &kept, proposal(view, best))
    }

    /// The rule of `sharp`: a tenth of the work of the others, and a cap is no more than a limit to what the player chooses.
    fn propose_cap(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        if view.forecast.is_unknown() {
            return Proposal::hold(view);
        }
        proposal(view, self.sharp.best(view))
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut Memory) -> Option<RungIndex> {
        let rule = match view.guidance.objective {
            Objective::Smooth | Objective::Balanced => Abandonment::ADVISED,
            Objective::Sharp => Abandonment::PATIENT,
        };
        memory.update(|kept: &mut SessionMemory| rule.lower_once_more(view, progress, &mut kept.abandonments))
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut Memory) {
        memory.update(|kept: &mut SessionMemory| kept.delivered(view, delivery));
    }

    fn reported(&self, report: &Report, history: &History, at: Timestamp, memory: &mut Memory) {
        memory.update(|kept: &mut SessionMemory| kept.reported(report, history, at));
    }
}

/// `best`, or what a young session is trusted with, and why.
fn proposal(view: &View<'_>, best: RungIndex) -> Proposal {
    let rung = best.max(trusted_at_start(view));
    let reason = match view.current {
        Some(current) if rung < current => Reason::StallRisk,
        Some(current) if rung > current => Reason::RoomAbove,
        _ => Reason::Plan,
    };
    Proposal { rung, reason }
}

/// Transfers known before which the link is also taken at its word: the forecast's spread is then that of all links, jumpy
/// ones among them, and on a steady link caution costs more than 1 % of a session.
const FEW_TRANSFERS: usize = 3;
/// Share of the throughput taken at its word (dash.js `bandwidthSafetyFactor`).
const TRUSTED_SHARE: f64 = 0.9;

/// The rung that a young session may play by its few measurements alone; the lowest for any other.
fn trusted_at_start(view: &View<'_>) -> RungIndex {
    if view.history.len() >= FEW_TRANSFERS {
        return 0;
    }
    let kbps = view.history.harmonic_mean(FEW_TRANSFERS).unwrap_or(0.0) * TRUSTED_SHARE;
    view.ladder.highest_within(Bitrate::from_kbps_f64(kbps)).unwrap_or(0)
}
