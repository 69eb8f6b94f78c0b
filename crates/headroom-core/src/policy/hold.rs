//! The rule behind `sharp`: the best expected linear score over five equally likely futures.
//!
//! For each rung, hold it for the next segments in each throughput scenario of the forecast and score quality, stalls
//! and the switch with the audience's weights; choose the best mean. Holding one rung keeps the search to
//! rungs × scenarios, about 40 evaluations, so one core decides for a million sessions in a tick.
//! Three things this does not see are put in by hand: the way back from a rung that only the buffer can pay for, outages too short
//! for the forecast to tell, and that a link of which one or two transfers are known may well be a steady one ([`super::Headroom`]).
//! See docs/algorithms/headroom.md.

use super::{SHORT_BUFFER_S, Segments, View};
use crate::{ladder::RungIndex, time::Duration};

/// Expected-value choice over forecast scenarios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hold {
    /// Segments a choice is held for in the scenarios.
    pub horizon: usize,
    /// Cost of one second of stall, in bit rates of the top rung: a stall costs what the ladder can give.
    pub stall_penalty: f64,
    /// Cost of changing the bit rate, per Mbit/s.
    pub switch_penalty: f64,
    /// What is added for a player of a short buffer.
    pub short: ShortBuffer,
}

impl Default for Hold {
    fn default() -> Self {
        Self { horizon: 5, stall_penalty: 1.0, switch_penalty: 1.0, short: ShortBuffer::default() }
    }
}

/// What a player that holds no more than [`SHORT_BUFFER_S`] meets and others do not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShortBuffer {
    /// A stall costs it so many times as much …
    pub stalls: f64,
    /// … and each segment meets an outage with this probability …
    pub outage_share: f64,
    /// … of so many seconds: as long as drive tests on 5G show them (a second or two, see
    /// `headroom-sim/src/train/synthetic.rs`).
    pub outage_s: f64,
}

impl Default for ShortBuffer {
    fn default() -> Self {
        // Chosen on the UCC drives, see docs/algorithms/headroom.md.
        Self { stalls: 1.5, outage_share: 0.15, outage_s: 1.25 }
    }
}

impl Hold {
    /// The best rung.
    #[must_use]
    pub fn best(&self, view: &View<'_>) -> RungIndex {
        let scenarios = Scenarios::new(self, view);
        match view.segments {
            Segments::Nominal => scenarios.summit(view),
            Segments::Known(_) => scenarios.highest(view),
        }
    }
}

/// A player that holds more than the horizon pays a climb from its buffer and must come back beyond the horizon: its changes count
/// this many times. With 3 no steady link scores more than 1 % below DYNAMIC, with 2 one does; on HSDPA 2 and 3 are alike.
const LONG_BUFFER_SWITCHES: f64 = 3.0;

/// What all rungs are judged against: prepared once, so that a rung costs a handful of multiplications.
struct Scenarios {
    count: usize,
    segment_s: f64,
    buffer_s: f64,
    capacity_s: f64,
    /// Seconds one bit takes in each scenario.
    seconds_per_bit: [f64; 5],
    short: Option<ShortBuffer>,
    current_mbps: Option<f64>,
    /// Mbit/s per second of stall, over the whole horizon and all scenarios.
    stall_cost: f64,
    quality_weight: f64,
    switch_cost: f64,
}

impl Scenarios {
    fn new(policy: &Hold, view: &View<'_>) -> Self {
        let count = view.segments_left(policy.horizon).max(1);
        let segment_s = view.segment_duration.as_secs_f64();
        let scenarios = view.forecast.scenarios(Duration::from_secs_f64(segment_s * count as f64));
        let top_mbps = view.ladder.bitrate(view.ladder.top()).as_mbps();
        let per_segment = 1.0 / count as f64;
        let capacity_s = view.buffer_capacity.as_secs_f64();
        let stalls = if capacity_s <= SHORT_BUFFER_S { policy.short.stalls } else { 1.0 };
        let switches = if capacity_s > policy.horizon as f64 * segment_s { LONG_BUFFER_SWITCHES } else { 1.0 };
        Self {
            count,
            segment_s,
            buffer_s: view.buffer_length.as_secs_f64(),
            capacity_s,
            seconds_per_bit: scenarios.map(|kbps| 1.0 / (f64::from(kbps) * 1_000.0).max(1.0)),
            short: (capacity_s <= SHORT_BUFFER_S).then_some(policy.short),
            current_mbps: view.current.map(|rung| view.ladder.bitrate(rung).as_mbps()),
            stall_cost: f64::from(view.weights.stall) * policy.stall_penalty * stalls * top_mbps * per_segment / 5.0,
            quality_weight: f64::from(view.weights.quality),
            switch_cost: policy.switch_penalty * switches * per_segment,
        }
    }

    /// The best rung where segments are as large as their bit rate says: stalls and the switch then cost the more the
    /// larger the bit rate, never less, so the values rise to one summit and fall behind it. The way there from the rung
    /// that is played is short.
    fn summit(&self, view: &View<'_>) -> RungIndex {
        let start = view.current.map_or(0, |current| current.min(view.ladder.top()));
        let (mut rung, mut value) = (start, self.expected_value(view, start));
        while let Some(below) = rung.checked_sub(1) {
            let lower = self.expected_value(view, below);
            if lower < value {
                break;
            }
            (rung, value) = (below, lower);
        }
        if rung < start {
            return rung;
        }
        while rung < view.ladder.top() {
            let higher = self.expected_value(view, rung + 1);
            if higher <= value {
                break;
            }
            (rung, value) = (rung + 1, higher);
        }
        rung
    }

    /// The best rung whatever the sizes of single segments are; of equals the lowest.
    fn highest(&self, view: &View<'_>) -> RungIndex {
        let mut best = (f64::NEG_INFINITY, 0);
        for rung in 0..=view.ladder.top() {
            let value = self.expected_value(view, rung);
            if value > best.0 {
                best = (value, rung);
            }
        }
        best.1
    }

    /// Mean value, in Mbit/s per segment, of holding `rung` for the horizon.
    fn expected_value(&self, view: &View<'_>, rung: RungIndex) -> f64 {
        let bits = self.mean_segment_bits(view, rung);
        let later = (self.count - 1) as f64;
        let mut stall = 0.0;
        for seconds_per_bit in self.seconds_per_bit {
            let transfer = bits * seconds_per_bit;
            // The first segment drains the buffer; when transfers outlast segments every later one drains it more.
            stall += positive(transfer + later * positive(transfer - self.segment_s) - self.buffer_s);
        }
        if let Some(short) = self.short {
            // The sum runs over scenarios, of which there are five.
            stall += 5.0 * self.outage_stall(short, bits * self.seconds_per_bit[2]);
        }
        let mbps = view.ladder.bitrate(rung).as_mbps();
        let change = self.current_mbps.map_or(0.0, |current| (mbps - current).abs());
        self.quality_weight * mbps - self.stall_cost * stall - self.switch_cost * change
    }

    /// Expected stall, over the horizon, from outages that lengthen one transfer of otherwise `transfer_s`.
    fn outage_stall(&self, short: ShortBuffer, transfer_s: f64) -> f64 {
        let (mut buffer_s, mut late_s) = (self.buffer_s, 0.0);
        for _ in 0..self.count {
            late_s += positive(short.outage_s + transfer_s - buffer_s);
            buffer_s = (positive(buffer_s - transfer_s) + self.segment_s).min(self.capacity_s);
        }
        short.outage_share * late_s
    }

    fn mean_segment_bits(&self, view: &View<'_>, rung: RungIndex) -> f64 {
        match view.segments {
            Segments::Nominal => view.segment_bits(0, rung),
            Segments::Known(_) => {
                let bits: f64 = (0..self.count).map(|ahead| view.segment_bits(ahead, rung)).sum();
                bits / self.count as f64
            }
        }
    }
}

/// `max(0)` for numbers known to be numbers: one instruction, where `f64::max` must also sort out NaN.
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}
