//! BOLA: Lyapunov optimisation on the buffer level alone.
//!
//! Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", INFOCOM 2016 (BOLA-BASIC).
//! Utilities are ln(bit rate / lowest) + 1; V and γp are placed as dash.js places them: the lowest rung holds up to
//! `minimum_buffer` and the top rung is reached at the buffer capacity. With buffers of a few segments plain BOLA is
//! of little use (it jumps between the ends); `dynamic` is what players use there.

use super::{Memory, Policy, Proposal, View};
use crate::{
    decision::Reason,
    ladder::{Ladder, RungIndex},
};

/// BOLA with utilities ln + 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bola {
    /// Buffer in seconds below which the lowest rung is kept (dash.js `MINIMUM_BUFFER_S` = 10), and at most
    /// this share of the capacity, so that short live buffers leave room for the other rungs.
    pub minimum_buffer_s: f64,
    /// Share of the capacity that the minimum may take.
    pub minimum_buffer_share: f64,
}

impl Default for Bola {
    fn default() -> Self {
        Self { minimum_buffer_s: 10.0, minimum_buffer_share: 0.4 }
    }
}

impl Bola {
    /// The rung of the highest BOLA score at `buffer_s`.
    pub(super) fn rung(&self, ladder: &Ladder, buffer_s: f64, capacity_s: f64) -> RungIndex {
        let minimum = self.minimum_buffer_s.min(capacity_s * self.minimum_buffer_share);
        let lowest = ladder.bitrate(0).as_bps() as f64;
        let utility = |rung: RungIndex| (ladder.bitrate(rung).as_bps() as f64 / lowest).ln() + 1.0;
        let top = utility(ladder.top());
        // dash.js BolaRule.calculateBolaParameters: gp = (u_top − 1) / (capacity / minimum − 1), Vp = minimum / gp.
        let gp = ((top - 1.0) / (capacity_s / minimum - 1.0)).max(f64::EPSILON);
        let vp = minimum / gp;
        let score =
            |rung: RungIndex| (vp * (utility(rung) + gp - 1.0) - buffer_s) / ladder.bitrate(rung).as_bps() as f64;
        (0..=ladder.top()).max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(0)
    }
}

impl Policy for Bola {
    fn name(&self) -> &'static str {
        "bola"
    }

    fn uses_forecast(&self) -> bool {
        false
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let rung = self.rung(view.ladder, view.buffer_length.as_secs_f64(), view.buffer_capacity.as_secs_f64());
        Proposal { rung, reason: Reason::Buffer }
    }
}
