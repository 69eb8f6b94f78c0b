//! Throughput as dash.js and sabre measure it: two moving averages kept in the session's memory, the smaller one counts.

use super::{Memory, View};
use crate::{ladder::RungIndex, time::Duration};

/// Half-lives of the averages in seconds of transfer (sabre and dash.js: `fast` 3, `slow` 8).
const FAST_HALF_LIFE_S: f64 = 3.0;
const SLOW_HALF_LIFE_S: f64 = 8.0;
/// Slots of [`Memory`] that the averages take: the two sums, their weight, and how far the history has been read.
const FAST: usize = 0;
const SLOW: usize = 1;
const WEIGHT: usize = 2;
const READ: usize = 3;
/// First slot left to the policy.
pub(super) const FREE: usize = 4;

/// What the next transfer is taken to run at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) kbps: f64,
    /// Time to the first byte, where the history's rates leave it out.
    pub(super) first_byte_s: f64,
}

impl Measured {
    /// Reads what is new in the history into the averages. `None` before the first transfer.
    pub(super) fn update(view: &View<'_>, memory: &mut Memory, first_byte_s: f64) -> Option<Self> {
        let new = view.history.pushed().wrapping_sub(memory.0[READ] as u8);
        memory.0[READ] = f32::from(view.history.pushed());
        let known = view.history.len().min(usize::from(new));
        for age in (0..known).rev() {
            let Some(transfer) = view.history.newest_first().nth(age) else { continue };
            let (kbps, seconds) = (f64::from(transfer.throughput_kbps), f64::from(transfer.seconds));
            for (slot, half_life) in [(FAST, FAST_HALF_LIFE_S), (SLOW, SLOW_HALF_LIFE_S)] {
                let keep = (-seconds / half_life).exp2();
                memory.0[slot] = (keep * f64::from(memory.0[slot]) + (1.0 - keep) * kbps) as f32;
            }
            memory.0[WEIGHT] += seconds as f32;
        }
        let weight = f64::from(memory.0[WEIGHT]);
        if weight <= 0.0 {
            return None;
        }
        let average = |slot: usize, half_life: f64| f64::from(memory.0[slot]) / (1.0 - (-weight / half_life).exp2());
        let kbps = average(FAST, FAST_HALF_LIFE_S).min(average(SLOW, SLOW_HALF_LIFE_S));
        (kbps > 0.0).then_some(Self { kbps, first_byte_s })
    }

    /// With a share `weight` of what the server expects in it (CMSD `etp`), where a server says so through the view's forecast:
    /// what Shaka (`estimatedThroughputWeightRatio`) and dash.js (`etpWeightRatio`) do.
    pub(super) fn with_expected(self, view: &View<'_>, weight: f64) -> Self {
        Self { kbps: with_expected(view, self.kbps, weight), ..self }
    }

    /// The highest rung whose segments arrive as fast as they play, at `share` of the throughput.
    pub(super) fn rung_within(&self, view: &View<'_>, share: f64) -> RungIndex {
        let segment_s = view.segment_duration.as_secs_f64();
        let arrives = |rung: RungIndex| {
            let kilobits = view.ladder.bitrate(rung).as_kbps() * segment_s;
            self.first_byte_s + kilobits / (self.kbps * share) <= segment_s
        };
        (1..=view.ladder.top()).take_while(|&rung| arrives(rung)).last().unwrap_or(0)
    }

    /// `rung`, or the highest below it whose segment fits `share` of what arrives while the buffer lasts: the rule
    /// against insufficient buffer of dash.js.
    pub(super) fn within_buffer(&self, view: &View<'_>, rung: RungIndex, share: f64) -> RungIndex {
        let segment_s = view.segment_duration.as_secs_f64();
        let lasts_s = view.buffer_length.as_secs_f64() - self.first_byte_s;
        let arrives_kilobits = share * lasts_s * self.kbps;
        let fits = |rung: RungIndex| view.ladder.bitrate(rung).as_kbps() * segment_s <= arrives_kilobits;
        (1..=rung).take_while(|&rung| fits(rung)).last().unwrap_or(0)
    }
}

/// `own_kbps` with a share `weight` of what the server expects.
pub(super) fn with_expected(view: &View<'_>, own_kbps: f64, weight: f64) -> f64 {
    if weight <= 0.0 || view.forecast.is_unknown() {
        return own_kbps;
    }
    let expected_kbps = view.forecast.median(Duration::from_secs(4)).as_kbps();
    own_kbps + weight * (expected_kbps - own_kbps)
}

/// Share of the buffer that may be counted on at the `nth` decision of a session, from 0: it starts at 0.9 and shrinks
/// by a tenth with each until 0.5 (sabre `low_buffer_safety_factor_init` and `low_buffer_safety_factor`).
pub(super) fn buffer_share(nth: u8) -> f64 {
    0.9_f64.powi(i32::from(nth) + 1).max(0.5)
}

/// From this count on [`buffer_share`] stays.
pub(super) const LAST_SHARE: u8 = 6;
