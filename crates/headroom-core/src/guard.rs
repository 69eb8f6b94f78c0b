//! The guard: whatever a policy proposes, learned or not, these rules hold.
//!
//! Inside the ladder, below every cap, down at once, up slowly, never above what a starving buffer can carry.

use crate::{
    decision::Reason,
    ladder::RungIndex,
    policy::{Proposal, View},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde::{Deserialize, Serialize};

/// Settings of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Time that must pass after a change before the next step up: two ticks, so one segment at the new
    /// rung has been seen.
    #[serde(rename = "dwell_ms")]
    pub dwell: Duration,
    /// Rungs a single step may climb.
    pub steps_up: u8,
    /// A buffer below this share of one segment is starving.
    pub starving_segments: f32,
    /// How much a starving session may use, as a multiple of the rate of its newest transfer. Only what is out of reach is cut: the
    /// cap acts a segment late, on a player that mends itself.
    pub starving_share: f64,
    /// Whether the pessimistic forecast (its 10 % quantile) counts in place of the newest transfer where it is less. Logs of before
    /// say yes.
    pub starving_pessimism: bool,
    /// Whether the cap of a starving buffer ends as soon as the buffer is filled, without dwell or steps. Logs of before say no.
    pub release_at_once: bool,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            dwell: Duration::from_secs(4),
            steps_up: 2,
            starving_segments: 0.75,
            starving_share: 1.5,
            starving_pessimism: false,
            release_at_once: true,
        }
    }
}

/// What the guard needs beside the view.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The cap in force; `None` before the first decision.
    pub previous: Option<RungIndex>,
    /// When the cap last changed.
    pub changed_at: Timestamp,
    /// The session has not played yet: its empty buffer is no emergency.
    pub starting: bool,
    /// The player reported that its buffer ran dry.
    pub starved: bool,
    /// Largest bit rate an operator, the viewer or the allocation allows, and the reason that goes with it.
    pub ceiling: Option<(Bitrate, Reason)>,
}

impl Guard {
    /// Turns a proposal into what may be decided.
    #[must_use]
    pub fn apply(&self, view: &View<'_>, proposal: Proposal, limits: &Limits) -> Proposal {
        let mut allowed = Proposal { rung: proposal.rung.min(view.ladder.top()), ..proposal };
        self.climb_slowly(view, &mut allowed, limits);
        if !limits.starting && self.is_starving(view, limits.starved) {
            let lowest =
                if self.starving_pessimism { f64::from(view.forecast.quantiles_kbps[0][0]) } else { f64::INFINITY };
            let kbps = newest_kbps(view).min(lowest);
            lower(&mut allowed, carried(view, kbps * self.starving_share), Reason::Starvation);
        }
        if let Some((ceiling, reason)) = limits.ceiling {
            lower(&mut allowed, view.ladder.highest_within(ceiling).unwrap_or(0), reason);
        }
        allowed
    }

    /// Whether the next transfer races against an empty buffer. Never on a link of which nothing is known: segments at a low cap
    /// would be too small to measure the link, and the cap would stay for good.
    #[must_use]
    pub fn is_starving(&self, view: &View<'_>, starved: bool) -> bool {
        let line = view.segment_duration.as_secs_f64() * f64::from(self.starving_segments);
        let known = view.current.is_some() && !view.forecast.is_unknown();
        known && (starved || view.buffer_length.as_secs_f64() < line)
    }

    fn climb_slowly(&self, view: &View<'_>, allowed: &mut Proposal, limits: &Limits) {
        let Some(previous) = limits.previous else {
            return;
        };
        if allowed.rung <= previous {
            return;
        }
        if view.now.since(limits.changed_at) < self.dwell {
            *allowed = Proposal { rung: previous, reason: Reason::Dwell };
        } else {
            allowed.rung = allowed.rung.min(previous.saturating_add(self.steps_up));
        }
    }
}

/// Rate of the newest transfer: what an emergency can count on.
fn newest_kbps(view: &View<'_>) -> f64 {
    view.history.newest().map_or(0.0, |transfer| f64::from(transfer.throughput_kbps))
}

/// The largest rung that `kbps` carries.
fn carried(view: &View<'_>, kbps: f64) -> RungIndex {
    view.ladder.highest_within(Bitrate::from_kbps_f64(kbps)).unwrap_or(0)
}

/// Lowers `proposal` to `rung` with `reason`, if it is above.
fn lower(proposal: &mut Proposal, rung: RungIndex, reason: Reason) {
    if proposal.rung > rung {
        *proposal = Proposal { rung, reason };
    }
}
