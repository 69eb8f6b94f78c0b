//! What telemetry says of a stream's sessions at a moment, in counts that add up over engines.

use super::Aspect;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Sessions of a stream by what they go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Conditions {
    /// Live sessions.
    pub sessions: u32,
    /// Buffers that ran dry within the last half minute, about.
    pub stalls: u32,
    /// Sessions that play a picture of less than 720 lines though the ladder has more.
    pub low_picture: u32,
    /// Sessions farther behind live than one and a half times the stream's target.
    pub behind: u32,
}

impl Conditions {
    /// Share of the sessions that go through what `aspect` is about; `None` where telemetry cannot see it.
    #[must_use]
    pub fn affected(&self, aspect: Aspect) -> Option<f64> {
        let count = match aspect {
            Aspect::Buffering => self.stalls,
            Aspect::Picture => self.low_picture,
            Aspect::Latency => self.behind,
            Aspect::Audio | Aspect::Availability => return None,
        };
        Some((f64::from(count) / f64::from(self.sessions.max(1))).min(1.0))
    }
}

impl AddAssign for Conditions {
    fn add_assign(&mut self, more: Self) {
        self.sessions = self.sessions.saturating_add(more.sessions);
        self.stalls = self.stalls.saturating_add(more.stalls);
        self.low_picture = self.low_picture.saturating_add(more.low_picture);
        self.behind = self.behind.saturating_add(more.behind);
    }
}
