//! How much media to hold and how fast to play it: target buffer, target latency, playback rate.
//!
//! A live player trades distance from live against stalls. The playback rate closes a difference to the target without a jump. The
//! target itself stays: moving it back when a stall is likely was worth −0.08 to +0.03 points of stall at equal mean latency
//! (docs/algorithms/headroom.md), for past volatility does not foretell outages well enough.

use crate::{policy::View, time::Duration, units::Ratio};
use serde::{Deserialize, Serialize};

/// Settings of the pacing rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pacing {
    /// How far the target may move back under full stall risk, as a multiple of the stream's own target. 1 keeps it; logs of
    /// before carry 2.
    pub retreat: f32,
    /// Share of the retreat given back per decision once the risk is gone.
    pub advance: f32,
    /// Largest deviation of the playback rate from 1: own choice, far inside what live players themselves allow.
    pub rate_deviation: f32,
    /// Latency error, as a share of the target, below which the playback rate stays 1.
    pub tolerance: f32,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { retreat: 1.0, advance: 0.2, rate_deviation: 0.05, tolerance: 0.1 }
    }
}

/// What pacing asks of the player.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Media to hold ahead of the playhead.
    pub target_buffer: Duration,
    /// Distance to keep behind live.
    pub target_latency: Duration,
    /// Playback rate.
    pub playback_rate: f32,
}

impl Pacing {
    /// The pace of one session: `neutral` is the stream's own target, `previous` the latency target in force.
    #[must_use]
    pub fn pace(&self, view: &View<'_>, neutral: Pace, previous: Option<Duration>, risk: Ratio) -> Pace {
        let base = neutral.target_latency.as_secs_f64();
        let wanted =
            base * (1.0 + f64::from(self.retreat - 1.0) * f64::from(risk.get()) / f64::from(view.weights.latency));
        let target = match previous.map(Duration::as_secs_f64) {
            Some(previous) if wanted < previous => previous + (wanted - previous) * f64::from(self.advance),
            _ => wanted,
        };
        let target_buffer = neutral.target_buffer.as_secs_f64() + (target - base).max(0.0);
        Pace {
            target_buffer: Duration::from_secs_f64(target_buffer),
            target_latency: Duration::from_secs_f64(target),
            playback_rate: self.playback_rate(view, target),
        }
    }

    /// Faster when too far behind and the buffer can pay for it, slower when the buffer runs low.
    fn playback_rate(&self, view: &View<'_>, target_latency_s: f64) -> f32 {
        let Some(latency) = view.live_latency.map(Duration::as_secs_f64) else {
            return 1.0;
        };
        let error = (latency - target_latency_s) / target_latency_s.max(0.1);
        if error.abs() <= f64::from(self.tolerance) {
            return 1.0;
        }
        let one_segment = view.segment_duration.as_secs_f64();
        let may_hurry = view.buffer_length.as_secs_f64() > one_segment;
        match error > 0.0 {
            true if may_hurry => 1.0 + self.rate_deviation * (error as f32).min(1.0),
            true => 1.0,
            false => 1.0 - self.rate_deviation * (-error as f32).min(1.0),
        }
    }
}
