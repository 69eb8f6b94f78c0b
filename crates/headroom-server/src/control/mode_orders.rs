//! The modes that operators ordered, over that of the configuration.

use super::standing_orders::StandingModes;
use headroom_cluster::lock::locked;
use headroom_core::mode::Mode;
use std::sync::Mutex;

/// Modes that operators ordered, over that of the configuration.
pub(crate) struct ModeOrders {
    pub(super) configured: Mode,
    pub(super) ordered: Mutex<StandingModes>,
}

impl ModeOrders {
    /// No order yet.
    pub(crate) fn of(configured: Mode) -> Self {
        Self { configured, ordered: Mutex::default() }
    }

    /// What holds for everybody.
    pub(super) fn everybody(&self) -> Mode {
        locked(&self.ordered).everybody.as_ref().map_or(self.configured, |order| order.mode)
    }

    /// What is written down.
    pub(super) fn standing(&self) -> StandingModes {
        locked(&self.ordered).clone()
    }
}
