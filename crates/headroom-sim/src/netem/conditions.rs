//! What a link does at a given time: fixed, or read from a trace.

use crate::trace::{AtEnd, BuildError, Sample, Trace};

use super::Loss;

/// One direction of a link at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Rate, kbit/s, counted over whole IP packets.
    pub rate_kbps: f64,
    /// One-way propagation delay, milliseconds.
    pub delay_ms: f64,
    /// Extra delay, drawn uniformly between 0 and this, milliseconds.
    pub jitter_ms: f64,
    /// Loss on the wire.
    pub loss: Loss,
}

/// Which of the rates of a trace a link follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the viewer: the throughput of the trace.
    Down,
    /// From the viewer: the uplink throughput of the trace, where it has one.
    Up,
}

/// The behaviour of a link over time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// The same for ever. A rate of 0 is a link that is down.
    Fixed(Conditions),
    /// A trace.
    Replay(Box<Replay>),
}

/// A trace on the clock of a link.
///
/// The rate is the trace's. Round-trip time, jitter and loss of the trace are split over the two directions:
/// - delay is half of the round-trip time, less the mean of the jitter, so that the mean round trip is the trace's;
/// - jitter is drawn so that the standard deviation of the round trip is the trace's `jitter_ms`;
/// - loss is such that both directions together lose the trace's `loss_ratio`.
///
/// Logs ping rarely: delay and jitter hold from one ping to the next. Loss does not, because one lost ping is no outage
/// of many seconds. What the trace never says comes from the fallback.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    trace: Trace,
    at_end: AtEnd,
    offset_s: f64,
    fallback: Conditions,
}

/// When a trace cannot drive this direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// When the offset is not a number, or past the end.
    #[error("an offset of {offset_s} s is not inside a trace of {duration_s} s")]
    Offset {
        /// Seconds asked for.
        offset_s: f64,
        /// Length of the trace, seconds.
        duration_s: f64,
    },
    /// When the rates of this direction are no trace.
    #[error(transparent)]
    Trace(#[from] BuildError),
}

/// Jitter of one direction for one of the round trip: a uniform draw over J has the variance J²/12, two independent
/// ones J²/6.
const ONE_WAY_JITTER: f64 = 2.449_489_742_783_178; // √6

impl Replay {
    /// Follows `trace` from `offset_s` on; where that is negative, the trace begins that much later than the link. `fallback` fills what the trace does not say; its rate is used for the
    /// uplink of samples without one.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub fn new(
        trace: &Trace,
        direction: Direction,
        at_end: AtEnd,
        offset_s: f64,
        fallback: Conditions,
    ) -> Result<Self, ReplayError> {
        let duration_s = trace.duration_s();
        if !(offset_s.is_finite() && offset_s < duration_s) {
            return Err(ReplayError::Offset { offset_s, duration_s });
        }
        let mut held = Sample::default();
        let samples = trace.samples().iter().map(|sample| {
            held.rtt_ms = sample.rtt_ms.or(held.rtt_ms);
            held.jitter_ms = sample.jitter_ms.or(held.jitter_ms);
            let throughput_kbps = match direction {
                Direction::Down => sample.throughput_kbps,
                Direction::Up => sample.uplink_kbps.unwrap_or(fallback.rate_kbps),
            };
            Sample { throughput_kbps, rtt_ms: held.rtt_ms, jitter_ms: held.jitter_ms, ..*sample }
        });
        let trace = Trace::new(samples.collect(), duration_s)?;
        Ok(Self { trace, at_end, offset_s, fallback })
    }

    /// Position in the trace at a time of the link, seconds.
    pub fn position_s(&self, link_s: f64) -> f64 {
        let position_s = link_s + self.offset_s;
        match self.at_end {
            AtEnd::Loop => position_s % self.trace.duration_s(),
            AtEnd::Hold | AtEnd::Stop => position_s,
        }
    }

    fn conditions(&self, link_s: f64) -> Conditions {
        let Some(sample) = self.trace.at(link_s + self.offset_s, self.at_end) else {
            return Conditions { rate_kbps: 0.0, ..self.fallback };
        };
        let jitter_ms = sample.jitter_ms.map_or(self.fallback.jitter_ms, |ms| ms * ONE_WAY_JITTER);
        Conditions {
            rate_kbps: sample.throughput_kbps,
            delay_ms: sample.rtt_ms.map_or(self.fallback.delay_ms, |ms| ((ms - jitter_ms) / 2.0).max(0.0)),
            jitter_ms,
            loss: match sample.loss_ratio {
                Some(both) => Loss::Random { ratio: 1.0 - (1.0 - both).max(0.0).sqrt() },
                None => self.fallback.loss,
            },
        }
    }
}

impl Profile {
    /// What is in force at `at_s` seconds of the link.
    pub fn conditions(&self, at_s: f64) -> Conditions {
        match self {
            Self::Fixed(conditions) => *conditions,
            Self::Replay(replay) => replay.conditions(at_s),
        }
    }

    /// When `bits` sent from `start_s` are through; `None` if never.
    pub(super) fn finish_of(&self, start_s: f64, bits: f64) -> Option<f64> {
        match self {
            Self::Fixed(conditions) => {
                let bits_per_s = conditions.rate_kbps * 1000.0;
                (bits_per_s > 0.0).then(|| start_s + bits / bits_per_s)
            }
            Self::Replay(replay) => {
                let finish_s = replay.trace.finish_of(start_s + replay.offset_s, bits, replay.at_end)?;
                Some((finish_s - replay.offset_s).max(start_s))
            }
        }
    }
}
