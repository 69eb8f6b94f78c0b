//! Buffer-based adaptation: the rung grows linearly with the buffer between a reservoir and a cushion.
//!
//! Huang, Johari, McKeown, Trunnell, Watson: "A Buffer-Based Approach to Rate Adaptation", SIGCOMM 2014 (BBA-0), in the
//! form of Pensieve's `bb.py`: linear in the rung index, reservoir 5 s and cushion 10 s.

use super::{Evidence, Memory, Policy, Proposal, View};
use crate::{decision::Reason, ladder::RungIndex};

/// Lowest rung up to the reservoir, top rung from reservoir + cushion on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BufferBased {
    /// Buffer in seconds below which the lowest rung is kept (Pensieve: 5 s), at most `reservoir_share` of the capacity.
    pub reservoir_s: f64,
    /// Seconds from the reservoir to the top rung (Pensieve: 10 s), at most `cushion_share` of the capacity.
    pub cushion_s: f64,
    /// Share of the capacity that the reservoir may take, so that short live buffers leave room to climb.
    pub reservoir_share: f64,
    /// Share of the capacity that the cushion may take.
    pub cushion_share: f64,
}

impl Default for BufferBased {
    fn default() -> Self {
        Self { reservoir_s: 5.0, cushion_s: 10.0, reservoir_share: 0.25, cushion_share: 0.5 }
    }
}

impl Policy for BufferBased {
    fn name(&self) -> &'static str {
        "buffer_based"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let capacity_s = view.buffer_capacity.as_secs_f64();
        let reservoir_s = self.reservoir_s.min(capacity_s * self.reservoir_share);
        let cushion_s = self.cushion_s.min(capacity_s * self.cushion_share);
        let above_s = view.buffer_length.as_secs_f64() - reservoir_s;
        let top = f64::from(view.ladder.top());
        // `as` truncates and saturates: a part of a rung is no rung, an undefined one (no cushion) is the lowest.
        let rung = (top * (above_s / cushion_s).clamp(0.0, 1.0)) as RungIndex;
        Proposal { rung, reason: Reason::Buffer }
    }
}
