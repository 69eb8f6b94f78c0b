//! What a session was worth.

use crate::session::Step;
use headroom_core::{ladder::Ladder, qoe::Linear, time::Duration};
use serde::Serialize;

/// Figures of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Linear QoE for each segment, in Mbit/s. The first segment is not scored: its stall is the start-up.
    pub qoe: f64,
    /// Seconds stood still, without the start-up.
    pub stall_s: f64,
    /// Seconds stood still for each second of media played, without the start-up.
    pub stall_ratio: f64,
    /// Mean bit rate played, Mbit/s.
    pub bitrate_mbps: f64,
    /// Changes of rung in a minute of media.
    pub switches: f64,
    /// Mean distance behind the live edge, seconds; 0 on demand.
    pub latency_s: f64,
    /// Start-up delay, seconds.
    pub startup_s: f64,
}

impl Score {
    /// Scores a session; `None` when it has not two segments, for then nothing is scored.
    #[must_use]
    pub fn of(steps: &[Step], ladder: &Ladder, segment: Duration, qoe: &Linear) -> Option<Self> {
        let (first, scored) = steps.split_first()?;
        if scored.is_empty() {
            return None;
        }
        let segment_s = segment.as_secs_f64();
        let mut total = Self { startup_s: first.stall_s, ..Self::default() };
        let mut previous = first.rung;
        for step in scored {
            let bitrate = ladder.bitrate(step.rung);
            total.qoe += qoe.segment(bitrate, Some(ladder.bitrate(previous)), Duration::from_secs_f64(step.stall_s));
            total.stall_s += step.stall_s;
            total.bitrate_mbps += bitrate.as_mbps();
            total.switches += f64::from(u8::from(step.rung != previous));
            total.latency_s += step.latency_s;
            previous = step.rung;
        }
        let count = scored.len() as f64;
        total.qoe /= count;
        total.bitrate_mbps /= count;
        total.latency_s /= count;
        total.switches *= 60.0 / (count * segment_s);
        total.stall_ratio = total.stall_s / (count * segment_s);
        Some(total)
    }
}
