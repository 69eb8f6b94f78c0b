//! Our policy: one rule for each objective, over the same forecast.
//!
//! [`Recourse`] is the rule of `smooth` and `balanced`, [`Hold`] that of `sharp`. What follows from the rule is bounded by the
//! session's [`Guidance`](super::Guidance). See docs/algorithms/headroom.md.

use super::bounds::bounded;
use super::session_memory::SessionMemory;
use super::{Abandonment, Delivery, Hold, Memory, Policy, Progress, Proposal, Recourse, View};
use crate::{
    decision::Reason,
    forecast::History,
    ladder::RungIndex,
    objective::Objective,
    telemetry::{Client, Report},
    time::Timestamp,
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
        let best = match (view.guidance.objective, view.guidance.client) {
            // Shaka's own rule gives no transfer up: one that does has more than two thirds of its stalls to spend on picture.
            (Objective::Smooth, Client::Shaka) | (Objective::Balanced, _) => self.balanced.best(view),
            (Objective::Smooth, _) => self.smooth.best(view),
            (Objective::Sharp, _) => self.sharp.best(view),
        };
        let young = if view.guidance.objective == Objective::Sharp { FEW_TRANSFERS } else { FIRST_TRANSFERS };
        bounded(view, &kept, proposal(view, best, young))
    }

    /// The rule of `sharp`: a tenth of the work of the others, and a cap is no more than a limit to what the player chooses.
    fn propose_cap(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        if view.forecast.is_unknown() {
            return Proposal::hold(view);
        }
        proposal(view, self.sharp.best(view), FEW_TRANSFERS)
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

/// `best`, or what a session is trusted with that has fewer transfers than `young`, and why.
fn proposal(view: &View<'_>, best: RungIndex, young: usize) -> Proposal {
    let rung = if view.history.len() < young { best.max(trusted_at_start(view)) } else { best };
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
/// The same for the objectives that fear outages more: they wait longer before they take a forecast for narrow.
const FIRST_TRANSFERS: usize = 5;
/// Share of the throughput taken at its word (dash.js `bandwidthSafetyFactor`).
const TRUSTED_SHARE: f64 = 0.9;

/// The rung that a young session may play by its last few measurements alone.
fn trusted_at_start(view: &View<'_>) -> RungIndex {
    let kbps = view.history.harmonic_mean(FEW_TRANSFERS).unwrap_or(0.0) * TRUSTED_SHARE;
    view.ladder.highest_within(Bitrate::from_kbps_f64(kbps)).unwrap_or(0)
}
