//! Our policy: the best expected outcome over five equally likely futures.
//!
//! For each rung, hold it for the next segments in each throughput scenario of the forecast and score quality, stalls
//! and the switch with the audience's weights; choose the best mean. Holding one rung keeps the search to
//! rungs × scenarios, about 40 evaluations, so one core decides for a million sessions in a tick.
//! See docs/algorithms/headroom.md.

use super::{Memory, Policy, Proposal, View};
use crate::{decision::Reason, ladder::RungIndex};

/// Expected-value choice over forecast scenarios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headroom {
    /// Segments a choice is held for in the scenarios.
    pub horizon: usize,
    /// Cost of one second of stall, in bit rates of the top rung: a stall costs what the ladder can give.
    pub stall_penalty: f64,
    /// Cost of changing the bit rate, per Mbit/s.
    pub switch_penalty: f64,
}

impl Default for Headroom {
    fn default() -> Self {
        Self { horizon: 4, stall_penalty: 1.0, switch_penalty: 1.0 }
    }
}

impl Policy for Headroom {
    fn name(&self) -> &'static str {
        "headroom"
    }

    fn decide(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        if view.forecast.is_unknown() {
            return Proposal { rung: view.current.unwrap_or(0), reason: Reason::NoEvidence };
        }
        let value = |rung: RungIndex| self.expected_value(view, rung);
        let rung = (0..=view.ladder.top()).max_by(|&a, &b| value(a).total_cmp(&value(b))).unwrap_or(0);
        let reason = match view.current {
            Some(current) if rung < current => Reason::StallRisk,
            Some(current) if rung > current => Reason::RoomAbove,
            _ => Reason::Plan,
        };
        Proposal { rung, reason }
    }
}

impl Headroom {
    /// Mean value, in Mbit/s per segment, of holding `rung` for the horizon.
    fn expected_value(&self, view: &View<'_>, rung: RungIndex) -> f64 {
        let segment = view.segment_duration.as_secs_f64();
        let count = view.segments_left(self.horizon).max(1) as f64;
        let bits = (0..count as usize).map(|ahead| view.segment_bits(ahead, rung)).sum::<f64>() / count;
        let horizon = view.segment_duration.as_secs_f64() * count;
        let scenarios = view.forecast.scenarios(crate::time::Duration::from_secs_f64(horizon));
        let buffer = view.buffer_length.as_secs_f64();
        let stall: f64 = scenarios
            .iter()
            .map(|&kbps| {
                let transfer = bits / (f64::from(kbps) * 1_000.0).max(1.0);
                // The first segment drains the buffer; when transfers outlast segments every later one drains it more.
                let later = (count - 1.0) * (transfer - segment).max(0.0);
                (transfer + later - buffer).max(0.0)
            })
            .sum::<f64>()
            / scenarios.len() as f64;
        let mbps = view.ladder.bitrate(rung).as_mbps();
        let top = view.ladder.bitrate(view.ladder.top()).as_mbps();
        let change = view.current.map_or(0.0, |current| (mbps - view.ladder.bitrate(current).as_mbps()).abs());
        let quality = f64::from(view.weights.quality) * mbps;
        let stalls = f64::from(view.weights.stall) * self.stall_penalty * top * stall / count;
        quality - stalls - self.switch_penalty * change / count
    }
}
