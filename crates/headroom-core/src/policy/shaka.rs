//! The rule of Shaka Player: a moving average, hysteresis, and a decision every eight seconds.
//!
//! Shaka's `SimpleAbrManager` with its defaults: the smaller of two moving averages with half-lives of 2 and 5 s; the current rung
//! and those below it must fit 95 % of it (`bandwidthDowngradeTarget`), a higher one 85 % (`bandwidthUpgradeTarget`); the first
//! choice after 128 kB (`minTotalBytes`), then one every 8 s (`switchInterval`). It never gives a transfer up.

use super::measured::HalfLives;
use super::states::ShakaMemory;
use super::{Evidence, Policy, Proposal, View};
use crate::{decision::Reason, forecast::Transfer, ladder::RungIndex};

/// The rule; its numbers are Shaka's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shaka {
    /// Share of the estimate that the current rung and those below it may use.
    pub keep: f64,
    /// Share of the estimate that a higher rung may use.
    pub rise: f64,
    /// Time between two decisions, seconds.
    pub interval_s: f64,
}

impl Default for Shaka {
    fn default() -> Self {
        Self { keep: 0.95, rise: 0.85, interval_s: 8.0 }
    }
}

/// Shaka's `ewma.fastHalfLife` and `ewma.slowHalfLife`, seconds.
const HALF_LIVES_S: HalfLives = [2.0, 5.0];
/// Bits before the first decision (`minTotalBytes` 128,000 bytes).
const FIRST_DECISION_BITS: f64 = 128_000.0 * 8.0;

impl Shaka {
    fn choose(&self, view: &View<'_>, kept: &mut ShakaMemory) -> Proposal {
        let Some(measured) = kept.averages.update_with(view, 0.0, HALF_LIVES_S) else {
            return Proposal::hold(view);
        };
        let now_s = view.now.as_secs_f64();
        let waits = match kept.decided_s {
            Some(decided_s) => now_s - f64::from(decided_s) < self.interval_s,
            None => {
                let bits = |transfer: Transfer| f64::from(transfer.throughput_kbps * transfer.seconds) * 1_000.0;
                view.history.newest_first().map(bits).sum::<f64>() < FIRST_DECISION_BITS
            }
        };
        if waits {
            return Proposal::hold(view);
        }
        kept.decided_s = Some(now_s as f32);
        let current: RungIndex = view.current.unwrap_or(0);
        let risen = measured.rung_within(view, self.rise);
        let rung = if risen > current { risen } else { measured.rung_within(view, self.keep).min(current) };
        Proposal { rung, reason: Reason::Throughput }
    }
}

impl Policy for Shaka {
    fn name(&self) -> &'static str {
        "shaka"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Transfers
    }

    fn decide(&self, view: &View<'_>, memory: &mut super::Memory) -> Proposal {
        memory.update(|kept| self.choose(view, kept))
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
    fn it_decides_every_eight_seconds_and_gives_nothing_up() {
        let ladder = Ladder::from_bitrates(&[1_000, 2_000, 4_000].map(Bitrate::kbps)).unwrap();
        let (mut history, mut memory, mut current) = (History::default(), crate::policy::Memory::default(), 0);
        // (at s, throughput kbit/s, rung played afterwards)
        for (at_s, kbps, expected) in
            [(2, 5_000, 2), (4, 1_000, 2), (8, 1_000, 2), (10, 1_000, 0), (12, 6_000, 0), (18, 6_000, 1)]
        {
            history.push(Bitrate::kbps(kbps), Duration::from_secs(2));
            let view = View {
                now: Timestamp::from_millis(at_s * 1_000),
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
            current = Shaka::default().decide(&view, &mut memory).rung;
            assert_eq!(current, expected, "after {at_s} s at {kbps} kbit/s");
        }
    }
}
