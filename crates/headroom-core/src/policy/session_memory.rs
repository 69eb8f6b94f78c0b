//! What a policy of ours remembers of a session.

use super::measured::Averages;
use super::stall_memory::StallMemory;
use super::{Delivery, View};
use crate::{
    forecast::History,
    telemetry::{Player, Report},
    time::Timestamp,
};

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
