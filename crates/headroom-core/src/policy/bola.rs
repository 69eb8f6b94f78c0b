//! BOLA: Lyapunov optimisation on the buffer level alone.
//!
//! Spiteri, Urgaonkar, Sitaraman: "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", INFOCOM 2016: BOLA-BASIC
//! with utilities ln(bit rate / lowest), γp = 5 s as in sabre, and V as large as the buffer allows, so that the top rung is reached
//! one segment below the capacity. With buffers of a few segments plain BOLA jumps between the ends of the ladder:
//! never quote its figures there; `bola_e` and `dynamic` are what players use.

use super::{Evidence, Memory, Policy, Proposal, View};
use crate::{
    decision::Reason,
    ladder::{Ladder, RungIndex},
};

/// BOLA-BASIC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bola {
    /// γp in seconds: what a second without stall is worth against utility (sabre `--gamma-p`: 5).
    pub gamma_p_s: f64,
}

impl Default for Bola {
    fn default() -> Self {
        Self { gamma_p_s: 5.0 }
    }
}

impl Bola {
    /// The rung of the highest BOLA score at `buffer_s` (INFOCOM 2016, eq. 8).
    pub(super) fn rung(&self, ladder: &Ladder, buffer_s: f64, capacity_s: f64, segment_s: f64) -> RungIndex {
        let lowest = ladder.bitrate(0).as_bps() as f64;
        let utility = |rung: RungIndex| (ladder.bitrate(rung).as_bps() as f64 / lowest).ln();
        let v = (capacity_s - segment_s) / (utility(ladder.top()) + self.gamma_p_s);
        let score =
            |rung: RungIndex| (v * (utility(rung) + self.gamma_p_s) - buffer_s) / ladder.bitrate(rung).as_bps() as f64;
        // Of equal scores the lower rung, as `max_by` from the top down keeps the last.
        (0..=ladder.top()).rev().max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(0)
    }
}

impl Policy for Bola {
    fn name(&self) -> &'static str {
        "bola"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let rung = self.rung(
            view.ladder,
            view.buffer_length.as_secs_f64(),
            view.buffer_capacity.as_secs_f64(),
            view.segment_duration.as_secs_f64(),
        );
        Proposal { rung, reason: Reason::Buffer }
    }
}
