//! Throughput as dash.js and sabre measure it: two moving averages kept in the session's memory; the smaller one counts.

use super::View;
use crate::{forecast::History, ladder::RungIndex, time::Duration};

/// Half-lives of the two averages, fast and slow, in seconds of transfer.
pub(super) type HalfLives = [f64; 2];
/// Those of sabre and dash.js (`fast` 3, `slow` 8).
const DASH_HALF_LIVES_S: HalfLives = [3.0, 8.0];

/// Moving averages of a session's throughput.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Averages {
    /// The averages in kbit/s, biased towards the zero they start at.
    fast_kbps: f32,
    slow_kbps: f32,
    /// Seconds of transfer averaged so far: how large that bias still is.
    seconds: f32,
    /// [`History::pushed`] when the history was last read.
    pushed: u8,
    /// Transfers read, up to 255.
    transfers: u8,
}

/// What the next transfer is taken to run at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ThroughputEstimate {
    pub(super) kbps: f64,
    /// Time to the first byte, where the history's rates leave it out.
    pub(super) first_byte_s: f64,
}

impl Averages {
    /// Reads what is new in the history. `None` before the first transfer.
    pub(super) fn update(&mut self, view: &View<'_>, first_byte_s: f64) -> Option<ThroughputEstimate> {
        self.update_with(view, first_byte_s, DASH_HALF_LIVES_S)
    }

    /// [`Averages::update`] with other half-lives.
    pub(super) fn update_with(
        &mut self,
        view: &View<'_>,
        first_byte_s: f64,
        half_lives_s: HalfLives,
    ) -> Option<ThroughputEstimate> {
        self.read_with(view.history, half_lives_s);
        self.estimate_with(first_byte_s, half_lives_s)
    }

    /// Reads what is new in `history`.
    pub(super) fn read(&mut self, history: &History) {
        self.read_with(history, DASH_HALF_LIVES_S);
    }

    /// What the next transfer is taken to run at; `None` before the first.
    pub(super) fn estimate(&self, first_byte_s: f64) -> Option<ThroughputEstimate> {
        self.estimate_with(first_byte_s, DASH_HALF_LIVES_S)
    }

    fn read_with(&mut self, history: &History, [fast_s, slow_s]: HalfLives) {
        let new = history.pushed().wrapping_sub(self.pushed);
        self.pushed = history.pushed();
        let known = history.len().min(usize::from(new));
        for age in (0..known).rev() {
            let Some(transfer) = history.newest_first().nth(age) else { continue };
            let (kbps, seconds) = (f64::from(transfer.throughput_kbps), f64::from(transfer.seconds));
            for (average, half_life) in [(&mut self.fast_kbps, fast_s), (&mut self.slow_kbps, slow_s)] {
                let keep = (-seconds / half_life).exp2();
                *average = (keep * f64::from(*average) + (1.0 - keep) * kbps) as f32;
            }
            self.seconds += seconds as f32;
            self.transfers = self.transfers.saturating_add(1);
        }
    }

    /// Transfers read, up to 255.
    pub(super) fn transfers(&self) -> u8 {
        self.transfers
    }

    fn estimate_with(&self, first_byte_s: f64, [fast_s, slow_s]: HalfLives) -> Option<ThroughputEstimate> {
        let seconds = f64::from(self.seconds);
        if seconds <= 0.0 {
            return None;
        }
        let unbiased = |average: f32, half_life: f64| f64::from(average) / (1.0 - (-seconds / half_life).exp2());
        let kbps = unbiased(self.fast_kbps, fast_s).min(unbiased(self.slow_kbps, slow_s));
        (kbps > 0.0).then_some(ThroughputEstimate { kbps, first_byte_s })
    }
}

impl ThroughputEstimate {
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
