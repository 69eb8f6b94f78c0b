//! When to give a running transfer up and fetch its segment at a lower rung.
//!
//! A transfer caught by an outage holds the player hostage: its bits must arrive before the next rung can be chosen. Judged is
//! what the rest of the segment is worth at the rate at which it arrives so far, against the same segment fetched anew.

use super::{Progress, View};
use crate::ladder::RungIndex;

/// The rule and its prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abandonment {
    /// Cost of one second of stall, in bit rates of the top rung.
    pub stall_penalty: f64,
    /// Cost of changing the bit rate, per Mbit/s.
    pub switch_penalty: f64,
    /// A transfer is judged after this many seconds: outages end by themselves.
    pub patience_s: f64,
    /// A stall shorter than this, in seconds, is no reason to throw bits away.
    pub tolerated_s: f64,
    /// Transfers of one segment that are given up at most.
    pub most: u8,
}

impl Abandonment {
    /// Gives up what costs more than it brings by the score itself. On the UCC drives at low latency a patience of 0.5 s costs
    /// three times the score that 1.5 s costs, for no fewer stalls.
    pub const PATIENT: Self =
        Self { stall_penalty: 1.0, switch_penalty: 1.0, patience_s: 1.5, tolerated_s: 0.5, most: 1 };

    /// Rather one poor segment than silence: the bits of a high rung are still owed when an outage ends. Chosen on synthetic
    /// links and Lumos5G 4G for the fewest stalls at the same score (docs/algorithms/headroom.md).
    pub const CAREFUL: Self =
        Self { stall_penalty: 8.0, switch_penalty: 1.0, patience_s: 1.2, tolerated_s: 0.3, most: 2 };

    /// The rule of the objectives `smooth` and `balanced`, and of a client that follows advice: as [`CAREFUL`](Self::CAREFUL), of any stall.
    /// The rungs it is advised are higher than its own, so more depends on giving up in time than
    /// on any choice of rungs. A second attempt is worth having; less patience buys few stalls with much picture
    /// (docs/algorithms/headroom.md).
    pub const ADVISED: Self = Self { tolerated_s: 0.0, ..Self::CAREFUL };
}

/// A transfer that brought nothing is taken to have brought this, so that its rate is a number.
const LEAST_BITS: f64 = 1_000.0;

impl Abandonment {
    /// The rung to fetch in place of the running transfer, if that is worth more; `view` is as of now, `given_up` how many
    /// transfers of this segment were given up before.
    #[must_use]
    pub fn lower(&self, view: &View<'_>, progress: &Progress, given_up: u8) -> Option<RungIndex> {
        let body_s = progress.elapsed_s - progress.first_byte_s;
        if given_up >= self.most || progress.elapsed_s < self.patience_s || body_s <= 0.0 {
            return None;
        }
        let bits_per_second = progress.received_bits.max(LEAST_BITS) / body_s;
        let buffer_s = view.buffer_length.as_secs_f64();
        let late_s = |bits: f64, first_byte_s: f64| (first_byte_s + bits / bits_per_second - buffer_s).max(0.0);
        let keep_late_s = late_s(progress.bits - progress.received_bits, 0.0);
        if keep_late_s <= 0.0 || keep_late_s < self.tolerated_s {
            return None;
        }
        let mbps = |rung: RungIndex| view.ladder.bitrate(rung).as_mbps();
        let segment_s = view.segment_duration.as_secs_f64();
        let stall_cost = self.stall_penalty * mbps(view.ladder.top());
        let own = mbps(progress.rung);
        let mut best = (own * segment_s - stall_cost * keep_late_s, None);
        for rung in 0..progress.rung {
            let late_s = late_s(progress.bits * mbps(rung) / own, progress.first_byte_s);
            let value = mbps(rung) * segment_s - self.switch_penalty * (own - mbps(rung)) - stall_cost * late_s;
            if value > best.0 {
                best = (value, Some(rung));
            }
        }
        best.1
    }

    /// [`Abandonment::lower`] with the count in `given_up`.
    pub(super) fn lower_once_more(&self, view: &View<'_>, progress: &Progress, given_up: &mut u8) -> Option<RungIndex> {
        let lower = self.lower(view, progress, *given_up);
        *given_up += u8::from(lower.is_some());
        lower
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
    };

    /// What becomes of a transfer of 8 Mbit, one second of the top rung of two (1 and 8 Mbit/s).
    fn judge(elapsed_s: f64, received_bits: f64, buffer_s: f64, given_up: u8) -> Option<RungIndex> {
        let ladder = Ladder::from_bitrates(&[1, 8].map(crate::units::Bitrate::mbps)).unwrap();
        let view = View {
            now: Timestamp::EPOCH,
            ladder: &ladder,
            segment_duration: Duration::from_secs(1),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(buffer_s),
            buffer_capacity: Duration::from_secs(3),
            current: Some(1),
            live_latency: None,
            history: &History::default(),
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: Guidance::default(),
        };
        let progress = Progress { rung: 1, bits: 8e6, received_bits, elapsed_s, first_byte_s: 0.1 };
        Abandonment::CAREFUL.lower(&view, &progress, given_up)
    }

    #[test]
    fn an_outage_is_not_waited_for_at_the_top_rung() {
        assert_eq!(judge(1.5, 1e6, 0.5, 0), Some(0), "ten seconds late as it goes, two on the lower rung");
        assert_eq!(judge(1.5, 7.9e6, 0.5, 0), None, "it ends in time");
        assert_eq!(judge(1.5, 0.0, 0.5, 0), Some(0), "nothing came");
        assert_eq!(judge(0.5, 0.0, 0.5, 0), None, "too early to say");
        assert_eq!(judge(1.5, 0.0, 0.5, 1), Some(0), "once more");
        assert_eq!(judge(1.5, 0.0, 0.5, 2), None, "the third is waited for");
    }
}
