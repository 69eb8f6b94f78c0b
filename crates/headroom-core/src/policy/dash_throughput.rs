//! The throughput rule of dash.js: nine tenths of a moving average, held back where the buffer is short.
//!
//! dash.js `ThroughputRule` (`bandwidthSafetyFactor` 0.9) with `InsufficientBufferRule` and `AbandonRequestsRule`, in
//! the form sabre gives them: Spiteri, Sitaraman, Sparacio: "From Theory to Practice: Improving Bitrate Adaptation in
//! the DASH Reference Player", MMSys 2018.

use super::measured::{self, ThroughputEstimate};
use super::states::DashThroughputMemory;
use super::{Evidence, Policy, Progress, Proposal, Tuning, View};
use crate::{decision::Reason, ladder::RungIndex};

/// Highest rung within `safety` × the smaller of two moving averages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DashThroughput {
    /// Share of the estimate that may be used.
    pub safety: f64,
    /// Time to the first byte in seconds, where the history's rates leave it out; 0 where they count it.
    pub first_byte_s: f64,
    /// Share of the server's expectation in the estimate, where there is one (dash.js `etpWeightRatio`: 0, Shaka: 0.5).
    pub etp_weight: f64,
}

impl Default for DashThroughput {
    fn default() -> Self {
        Self { safety: 0.9, first_byte_s: 0.0, etp_weight: 0.0 }
    }
}

/// A transfer is given up when it would take this many segments (sabre `abandon_multiplier`, dash.js the same) …
const ABANDON_SEGMENTS: f64 = 1.8;
/// … but not in its first half second (sabre `abandon_grace_time`).
const ABANDON_GRACE_S: f64 = 0.5;

impl DashThroughput {
    pub(super) fn tuned(tuning: &Tuning) -> Self {
        Self { etp_weight: tuning.etp_weight, ..Self::default() }
    }

    /// The rung at the `nth` decision.
    pub(super) fn rung(&self, view: &View<'_>, measured: ThroughputEstimate, nth: u8) -> RungIndex {
        let measured = measured.with_expected(view, self.etp_weight);
        let rung = measured.rung_within(view, self.safety);
        measured.within_buffer(view, rung, measured::buffer_share(nth))
    }

    /// The lower rung for which the running transfer is given up (dash.js `AbandonRequestsRule`).
    pub(super) fn lower(&self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        let body_s = progress.elapsed_s - progress.first_byte_s;
        if progress.elapsed_s < ABANDON_GRACE_S || body_s <= 0.0 || progress.received_bits <= 0.0 {
            return None;
        }
        let bits_per_second = progress.received_bits / body_s;
        let left = progress.bits - progress.received_bits;
        let takes_s = progress.elapsed_s + left / bits_per_second;
        if takes_s <= ABANDON_SEGMENTS * view.segment_duration.as_secs_f64() {
            return None;
        }
        let now = ThroughputEstimate { kbps: bits_per_second / 1_000.0, first_byte_s: self.first_byte_s };
        let rung = now.rung_within(view, self.safety);
        let bits = progress.bits * view.ladder.bitrate(rung).as_kbps() / view.ladder.bitrate(progress.rung).as_kbps();
        (rung < progress.rung && bits < left).then_some(rung)
    }
}

impl Policy for DashThroughput {
    fn name(&self) -> &'static str {
        "dash_throughput"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        memory.update(|kept: &mut DashThroughputMemory| {
            let Some(measured) = kept.averages.update(view, self.first_byte_s) else {
                return Proposal::hold(view);
            };
            let nth = kept.decisions.min(measured::LAST_SHARE);
            kept.decisions = nth + 1;
            Proposal { rung: self.rung(view, measured, nth), reason: Reason::Throughput }
        })
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, _: &mut super::Memory) -> Option<RungIndex> {
        self.lower(view, progress)
    }
}
