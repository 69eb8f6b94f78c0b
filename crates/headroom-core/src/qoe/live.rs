//! QoE of low-latency live playback.
//!
//! The normalised QoE of the Twitch ACM MMSys 2020 grand challenge, as documented with LoL (Lim et al., NOSSDAV 2020):
//! per segment α·bit rate − β·stall − γ·latency − σ·|1 − playback rate| − μ·|change|, in kbit/s, with
//! α = segment duration, β = top bit rate, γ = 0.05·lowest up to 1.1 s of latency and 0.1·top beyond, σ = lowest, μ = 1;
//! divided by what a perfect segment earns, so 1 is the top rung, live, without interruption.

use crate::{ladder::Ladder, time::Duration, units::Bitrate};

/// Weights of the live model for one ladder and segment duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    segment_s: f64,
    lowest_kbps: f64,
    top_kbps: f64,
}

/// One segment as it was played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveSegment {
    /// Bit rate played.
    pub bitrate: Bitrate,
    /// Bit rate of the segment before; `None` for the first.
    pub previous: Option<Bitrate>,
    /// Time the playhead stood still before or during it.
    pub stall: Duration,
    /// Distance behind live.
    pub latency: Duration,
    /// Playback rate.
    pub playback_rate: f64,
}

/// Latency in seconds up to which the mild latency penalty applies.
const MILD_LATENCY_S: f64 = 1.1;

impl Live {
    /// The model for a ladder and its segment duration.
    #[must_use]
    pub fn new(ladder: &Ladder, segment_duration: Duration) -> Self {
        Self {
            segment_s: segment_duration.as_secs_f64(),
            lowest_kbps: ladder.bitrate(0).as_kbps(),
            top_kbps: ladder.bitrate(ladder.top()).as_kbps(),
        }
    }

    /// Score of one segment; 1 is perfect, below 0 is worse than not watching.
    #[must_use]
    pub fn segment(&self, played: &LiveSegment) -> f64 {
        let kbps = played.bitrate.as_kbps();
        let latency = played.latency.as_secs_f64();
        let latency_weight = if latency <= MILD_LATENCY_S { 0.05 * self.lowest_kbps } else { 0.1 * self.top_kbps };
        let change = played.previous.map_or(0.0, |previous| (kbps - previous.as_kbps()).abs());
        let value = self.segment_s * kbps
            - self.top_kbps * played.stall.as_secs_f64()
            - latency_weight * latency
            - self.lowest_kbps * (1.0 - played.playback_rate).abs()
            - change;
        value / (self.segment_s * self.top_kbps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nuisance_costs() {
        let live = Live::new(&Ladder::default(), Duration::from_secs(2));
        let perfect = LiveSegment {
            bitrate: Bitrate::kbps(20_000),
            previous: Some(Bitrate::kbps(20_000)),
            stall: Duration::ZERO,
            latency: Duration::ZERO,
            playback_rate: 1.0,
        };
        assert!((live.segment(&perfect) - 1.0).abs() < 1e-9);
        let worse = [
            LiveSegment { bitrate: Bitrate::kbps(8_000), ..perfect },
            LiveSegment { previous: Some(Bitrate::kbps(400)), ..perfect },
            LiveSegment { stall: Duration::from_millis(100), ..perfect },
            LiveSegment { latency: Duration::from_secs(3), ..perfect },
            LiveSegment { playback_rate: 1.1, ..perfect },
        ];
        for segment in worse {
            assert!(live.segment(&segment) < 1.0, "{segment:?}");
        }
    }
}
