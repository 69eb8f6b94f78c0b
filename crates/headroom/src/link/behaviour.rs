//! One direction as the user describes it: a trace or a fixed rate, and what overrides the trace.

use anyhow::Context as _;
use headroom_sim::netem::{Conditions, Direction, Link, Loss, Profile, Queue, Replay};
use headroom_sim::trace::{AtEnd, Sample, Trace};

use super::control::Change;

/// A trace and its position when the link begins.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) trace: Trace,
    pub(crate) at_end: AtEnd,
    pub(crate) offset_s: f64,
}

/// What the user set. An unset value comes from the trace, and from a default where the trace is silent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides {
    pub(crate) rate_kbps: Option<f64>,
    pub(crate) delay_ms: Option<f64>,
    pub(crate) jitter_ms: Option<f64>,
    pub(crate) loss_ratio: Option<f64>,
    /// Mean packets lost in a row; unset is independent loss.
    pub(crate) loss_burst: Option<f64>,
}

/// The behaviour of one direction. Changing it and building again never moves the clock of the trace.
#[derive(Debug, Clone)]
pub(crate) struct Behaviour {
    direction: Direction,
    source: Option<Source>,
    overrides: Overrides,
    default_rate_kbps: f64,
    queue: Queue,
}

/// One-way delay where neither the user nor the trace gives one, milliseconds: half of the 40 ms round trip at which
/// the prototype of this emulator was measured, a usual distance to an edge over 5G.
const DEFAULT_DELAY_MS: f64 = 20.0;

impl Behaviour {
    /// `default_rate_kbps` counts where neither overrides nor trace give a rate.
    pub(crate) fn new(
        direction: Direction,
        source: Option<Source>,
        overrides: Overrides,
        default_rate_kbps: f64,
        queue: Queue,
    ) -> Self {
        Self { direction, source, overrides, default_rate_kbps, queue }
    }

    /// What waits in front of the link.
    pub(crate) fn queue(&self) -> Queue {
        self.queue
    }

    /// An emulator in its initial state.
    pub(crate) fn link(&self) -> anyhow::Result<Link> {
        Ok(Link::new(self.profile()?, self.queue))
    }

    /// The behaviour over time.
    pub(crate) fn profile(&self) -> anyhow::Result<Profile> {
        let set = self.overrides;
        let ratio = set.loss_ratio.unwrap_or(0.0);
        let fixed = Conditions {
            rate_kbps: set.rate_kbps.unwrap_or(self.default_rate_kbps),
            delay_ms: set.delay_ms.unwrap_or(DEFAULT_DELAY_MS),
            jitter_ms: set.jitter_ms.unwrap_or(0.0),
            loss: match set.loss_burst {
                Some(burst) if ratio > 0.0 => Loss::bursts(ratio, burst)?,
                _ => Loss::random(ratio)?,
            },
        };
        let Some(source) = self.source.as_ref().filter(|_| set.rate_kbps.is_none()) else {
            return Ok(Profile::Fixed(fixed));
        };
        // What the user set replaces the column of the trace.
        let samples = source.trace.samples().iter().map(|sample| Sample {
            rtt_ms: sample.rtt_ms.filter(|_| set.delay_ms.is_none()),
            jitter_ms: sample.jitter_ms.filter(|_| set.jitter_ms.is_none()),
            loss_ratio: sample.loss_ratio.filter(|_| set.loss_ratio.is_none()),
            ..*sample
        });
        let trace = Trace::new(samples.collect(), source.trace.duration_s())?;
        let replay = Replay::new(&trace, self.direction, source.at_end, source.offset_s, fixed)?;
        Ok(Profile::Replay(Box::new(replay)))
    }

    /// Takes over what a change names, `now_s` seconds after the link began.
    pub(super) fn apply(&mut self, change: &Change, now_s: f64) -> anyhow::Result<()> {
        if change.replay == Some(true) {
            anyhow::ensure!(self.source.is_some(), "there is no trace to return to");
            self.overrides = Overrides::default();
        }
        if let Some(position_s) = change.position_s {
            let source = self.source.as_mut().context("there is no trace to move in")?;
            let duration_s = source.trace.duration_s();
            anyhow::ensure!(position_s < duration_s, "`position_s` {position_s} is past a trace of {duration_s} s");
            source.offset_s = position_s - now_s;
        }
        let set = &mut self.overrides;
        set.rate_kbps = change.rate_kbps.or(set.rate_kbps);
        set.delay_ms = change.delay_ms.or(set.delay_ms);
        set.jitter_ms = change.jitter_ms.or(set.jitter_ms);
        set.loss_ratio = change.loss_ratio.or(set.loss_ratio);
        set.loss_burst = change.loss_burst.or(set.loss_burst);
        if let Some(queue) = change.queue() {
            self.queue = queue;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_trace_goes_on_from_a_position() {
        let samples = [(0.0, 8_000.0), (3.0, 2_000.0)];
        let samples = samples.map(|(t_s, throughput_kbps)| Sample { t_s, throughput_kbps, ..Sample::default() });
        let trace = Trace::new(samples.into(), 6.0).unwrap();
        let source = Source { trace, at_end: AtEnd::Hold, offset_s: 1.0 };
        let queue = Queue::Time(Duration::from_millis(200));
        let set = Overrides { delay_ms: Some(35.0), ..Overrides::default() };
        let mut behaviour = Behaviour::new(Direction::Down, Some(source), set, 0.0, queue);
        // (change, when, then when, rate there)
        for (change, now_s, at_s, expected) in [
            (r#"{"position_s":0}"#, 10.0, 10.5, 8_000.0),
            (r#"{"position_s":0}"#, 10.0, 13.5, 2_000.0),
            (r#"{"position_s":4}"#, 1.0, 1.5, 2_000.0),
        ] {
            behaviour.apply(&Change::parse(change).unwrap(), now_s).unwrap();
            let conditions = behaviour.profile().unwrap().conditions(at_s);
            assert_eq!((conditions.rate_kbps, conditions.delay_ms), (expected, 35.0), "{change} at {now_s}");
        }
        let past = Change::parse(r#"{"position_s":6}"#).unwrap();
        assert!(behaviour.apply(&past, 0.0).is_err());
        let mut fixed = Behaviour::new(Direction::Up, None, set, 1_000.0, queue);
        assert!(fixed.apply(&Change::parse(r#"{"position_s":0}"#).unwrap(), 0.0).is_err());
    }
}
