//! What is known of a session when something is decided for it.

use crate::{
    forecast::{Forecast, History},
    ladder::{Ladder, RungIndex},
    objective::{Egress, Objective},
    telemetry::Client,
    time::{Duration, Timestamp},
};
use serde::{Deserialize, Serialize};

/// What a policy may look at, and whoever judges what it proposes.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The time of the decision.
    pub now: Timestamp,
    /// The rungs to choose from.
    pub ladder: &'a Ladder,
    /// Duration of one segment.
    pub segment_duration: Duration,
    /// Sizes of the coming segments.
    pub segments: Segments<'a>,
    /// Media ahead of the playhead.
    pub buffer_length: Duration,
    /// Most media the player will hold: its target or maximum buffer.
    pub buffer_capacity: Duration,
    /// Rung of the segment fetched last; `None` before the first.
    pub current: Option<RungIndex>,
    /// Distance behind the live edge, where the stream is live and the player says it.
    pub live_latency: Option<Duration>,
    /// Past transfers of this session.
    pub history: &'a History,
    /// Throughput of the next seconds.
    pub forecast: &'a Forecast,
    /// How much stalls, quality and latency matter to this audience now.
    pub weights: Weights,
    /// What this session is guided for, and within which bounds.
    pub guidance: Guidance,
}

/// What a policy is to achieve for one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guidance {
    /// What for.
    pub objective: Objective,
    /// For how many bits.
    pub egress: Egress,
    /// Whose player it is.
    pub client: Client,
}

/// Sizes of the segments to come.
#[derive(Clone, Copy, Debug)]
pub enum Segments<'a> {
    /// Unknown (live): bit rate times duration.
    Nominal,
    /// Known (on demand): `bits[ahead][rung]`, shorter than the horizon near the end of the media.
    Known(&'a [Vec<f64>]),
}

/// Relative importance of the three things viewers complain about; 1 each is neutral.
///
/// The audience may move each within `0.5..=2` and no further (see [`Weights::bounded`]).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Weights {
    /// Standing still.
    pub stall: f32,
    /// Picture quality.
    pub quality: f32,
    /// Distance behind live.
    pub latency: f32,
}

impl Weights {
    /// The same weights, each moved into `0.5..=2`.
    #[must_use]
    pub fn bounded(self) -> Self {
        let bound = |weight: f32| {
            if weight.is_nan() { 1.0 } else { weight.clamp(0.5, 2.0) }
        };
        Self { stall: bound(self.stall), quality: bound(self.quality), latency: bound(self.latency) }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { stall: 1.0, quality: 1.0, latency: 1.0 }
    }
}

impl View<'_> {
    /// Bits of the segment `ahead` (0 = the next) at `rung`.
    #[must_use]
    pub fn segment_bits(&self, ahead: usize, rung: RungIndex) -> f64 {
        match self.segments {
            Segments::Known(bits) if ahead < bits.len() => bits[ahead][usize::from(rung)],
            _ => self.ladder.bitrate(rung).as_bps() as f64 * self.segment_duration.as_secs_f64(),
        }
    }

    /// Segments left to plan for, at most `horizon`.
    #[must_use]
    pub fn segments_left(&self, horizon: usize) -> usize {
        match self.segments {
            Segments::Known(bits) => bits.len().min(horizon),
            Segments::Nominal => horizon,
        }
    }
}
