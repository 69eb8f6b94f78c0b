//! The throughput rule of hls.js: careful upward, less so where it already is.
//!
//! hls.js `AbrController.findBestLevel` with its defaults: the smaller of a fast and a slow moving average; a rung up to the
//! current one must fit 95 % of it (`abrBandWidthFactor`), a higher one 70 % (`abrBandWidthUpFactor`). Deviations: the slow
//! average halves in 8 s of transfer instead of 9. Whether transfers are given up, as hls.js does, is a setting.

use super::measured::{Averages, ThroughputEstimate};
use super::{Evidence, Memory, Policy, Progress, Proposal, View, hls_abandonment};
use crate::{decision::Reason, ladder::RungIndex};

/// The rule; its shares are hls.js' own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HlsThroughput {
    /// Share of the estimate that the current rung and those below it may use.
    pub keep: f64,
    /// Share of the estimate that a higher rung may use.
    pub rise: f64,
    /// Whether a running transfer is given up by the rule of hls.js.
    pub abandons: bool,
}

impl HlsThroughput {
    /// hls.js as it is: it gives transfers up.
    #[must_use]
    pub fn player() -> Self {
        Self { abandons: true, ..Self::default() }
    }
}

impl Default for HlsThroughput {
    fn default() -> Self {
        Self { keep: 0.95, rise: 0.7, abandons: false }
    }
}

impl Policy for HlsThroughput {
    fn name(&self) -> &'static str {
        if self.abandons { "hls" } else { "hls_throughput" }
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let Some(measured) = memory.update(|averages: &mut Averages| averages.update(view, 0.0)) else {
            return Proposal::hold(view);
        };
        Proposal { rung: self.rung(view, measured), reason: Reason::Throughput }
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut Memory) -> Option<RungIndex> {
        if !self.abandons {
            return None;
        }
        let measured = memory.update(|averages: &mut Averages| averages.update(view, 0.0));
        hls_abandonment::lower(view, progress, measured.map(|measured| measured.kbps))
    }
}

impl HlsThroughput {
    /// The rung for `measured`.
    pub(super) fn rung(&self, view: &View<'_>, measured: ThroughputEstimate) -> RungIndex {
        let current = view.current.unwrap_or(0);
        let risen = measured.rung_within(view, self.rise);
        if risen > current { risen } else { measured.rung_within(view, self.keep).min(current) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::{Forecast, History},
        ladder::Ladder,
        policy::{Guidance, Segments, Weights},
        time::{Duration, Timestamp},
        units::Bitrate,
    };

    #[test]
    fn rising_needs_more_room_than_staying() {
        let ladder = Ladder::from_bitrates(&[1_000, 2_000, 4_000].map(Bitrate::kbps)).unwrap();
        // (throughput kbit/s, current rung, rung expected)
        for (kbps, current, expected) in
            [(4_300, 2, 2), (4_200, 2, 1), (5_600, 1, 1), (5_800, 1, 2), (2_200, 1, 1), (2_000, 1, 0), (100, 0, 0)]
        {
            let mut history = History::default();
            history.push(Bitrate::kbps(kbps), Duration::from_secs(2));
            let view = View {
                now: Timestamp::from_millis(10_000),
                ladder: &ladder,
                segment_duration: Duration::from_secs(2),
                segments: Segments::Nominal,
                buffer_length: Duration::from_secs(4),
                buffer_capacity: Duration::from_secs(6),
                current: Some(current),
                live_latency: None,
                history: &history,
                forecast: &Forecast::UNKNOWN,
                weights: Weights::default(),
                guidance: Guidance::default(),
            };
            let proposal = HlsThroughput::default().decide(&view, &mut Memory::default());
            assert_eq!(proposal.rung, expected, "{kbps} kbit/s at rung {current}");
        }
    }
}
