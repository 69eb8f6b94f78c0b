//! The throughput rule: the highest rung below a safe share of the recent throughput.
//!
//! "RB" of Yin et al., SIGCOMM 2015: harmonic mean of the last five transfers, no margin. A margin is a setting;
//! dash.js' `ThroughputRule` leaves one tenth (`bandwidthSafetyFactor` 0.9).

use super::measured::with_expected;
use super::{Evidence, Memory, Policy, Proposal, Tuning, View};
use crate::{decision::Reason, units::Bitrate};

/// Highest rung within `safety` × the harmonic mean of the last five transfers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// Share of the estimate that may be used.
    pub safety: f64,
    /// Share of the server's expectation in the estimate, where there is one (dash.js `etpWeightRatio`: 0, Shaka: 0.5).
    pub etp_weight: f64,
}

impl Throughput {
    /// Transfers looked at (Yin 2015 §6).
    const WINDOW: usize = 5;

    pub(super) fn tuned(tuning: &Tuning) -> Self {
        Self { safety: tuning.share, etp_weight: tuning.etp_weight }
    }
}

impl Default for Throughput {
    fn default() -> Self {
        Self { safety: 1.0, etp_weight: 0.0 }
    }
}

impl Policy for Throughput {
    fn name(&self) -> &'static str {
        "throughput"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let Some(estimate) = view.history.harmonic_mean(Self::WINDOW) else {
            return Proposal::hold(view);
        };
        let estimate = with_expected(view, estimate, self.etp_weight);
        let limit = Bitrate::from_kbps_f64(estimate * self.safety);
        let rung = view.ladder.highest_within(limit).unwrap_or(0);
        Proposal { rung, reason: Reason::Throughput }
    }
}
