//! A policy learned by playing: a small network that scores every rung.
//!
//! Trained by `headroom train policy` on the returns of its own choices: in the simulator every rung is tried from every state
//! visited, and the network learns to prefer what then turned out best on average. See docs/algorithms/learned.md; weights and
//! training data in models/policy/CARD.md. Like every policy it only proposes.

mod scorer;

pub use scorer::{RUNG, SECOND_WIDTH, STATE, Scorer, Situation, WIDTH};

use super::bounds::bounded;
use super::session_memory::SessionMemory;
use super::{Abandonment, Delivery, Evidence, Memory, Policy, Progress, Proposal, View};
use crate::{
    decision::Reason, forecast::History, ladder::RungIndex, network::Network, telemetry::Report, time::Timestamp,
};
use std::{ops::RangeInclusive, sync::LazyLock};

/// Aversions to stalls that training of the shipped weights covered; the audience's weights move within them.
pub const AVERSIONS: RangeInclusive<f32> = 0.5..=2.0;
/// The same of weights trained for short buffers.
pub const SHORT_AVERSIONS: RangeInclusive<f32> = 1.0..=16.0;

/// Choice of the highest score.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Who scores.
    pub scorer: Scorer,
    /// Aversion to stalls of a neutral audience; 1 prices a second of stall as a second at the top rung.
    pub aversion: f32,
    /// Aversions that training covered.
    pub covered: RangeInclusive<f32>,
    /// When a running transfer is given up; never where none is set.
    pub abandonment: Option<Abandonment>,
}

/// Aversion that is taken for neutral. The score it was tuned for prices a second of stall as a second at the top rung
/// (aversion 1); a little more costs no score and saves a sixth of the stalls (see docs/algorithms/learned.md).
const NEUTRAL_AVERSION: f32 = 1.4;
/// The same for short buffers: on the development links (synthetic ones that were not trained on, Lumos5G 4G) it stalls less than
/// DYNAMIC and scores more than the throughput rule. Chosen before the UCC drives were played.
const SHORT_NEUTRAL_AVERSION: f32 = 10.0;

impl Learned {
    /// The weights that come with Headroom.
    ///
    /// # Panics
    /// Never: a test reads the file that is compiled in.
    #[must_use]
    pub fn shipped() -> Self {
        static SHIPPED: LazyLock<Scorer> = LazyLock::new(|| {
            Network::from_bytes(include_bytes!("../../../weights/policy.bin"))
                .expect("invariant: the weights compiled in are of this shape")
        });
        let scorer = SHIPPED.clone();
        Self { scorer, aversion: NEUTRAL_AVERSION, covered: AVERSIONS, abandonment: None }
    }

    /// Weights trained for buffers of at most [`SHORT_BUFFER_S`](super::SHORT_BUFFER_S), played as they were trained: transfers
    /// are given up. None are compiled in.
    #[must_use]
    pub fn for_short_buffers(scorer: Scorer) -> Self {
        let abandonment = Some(Abandonment::CAREFUL);
        Self { scorer, aversion: SHORT_NEUTRAL_AVERSION, covered: SHORT_AVERSIONS, abandonment }
    }
}

impl Default for Learned {
    fn default() -> Self {
        Self::shipped()
    }
}

impl Policy for Learned {
    fn name(&self) -> &'static str {
        "learned"
    }

    fn evidence(&self) -> Evidence {
        Evidence::Seconds
    }

    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        let kept = memory.update(|kept: &mut SessionMemory| kept.next_segment(view.history));
        bounded(view, &kept, self.propose_cap(view, memory))
    }

    /// The choice itself, without the bounds of what is advised.
    fn propose_cap(&self, view: &View<'_>, _: &mut Memory) -> Proposal {
        let aversion = self.aversion * view.weights.stall / view.weights.quality;
        let bounded = if aversion.is_nan() { self.aversion } else { aversion };
        let Some(situation) = Situation::of(view, bounded.clamp(*self.covered.start(), *self.covered.end())) else {
            return Proposal::hold(view);
        };
        let rung = self.scorer.best(&situation);
        let reason = match view.current {
            Some(current) if rung < current => Reason::StallRisk,
            Some(current) if rung > current => Reason::RoomAbove,
            _ => Reason::Plan,
        };
        Proposal { rung, reason }
    }

    fn abandon(&self, view: &View<'_>, progress: &Progress, memory: &mut Memory) -> Option<RungIndex> {
        let rule = self.abandonment.as_ref()?;
        memory.update(|kept: &mut SessionMemory| rule.lower_once_more(view, progress, &mut kept.abandonments))
    }

    fn delivered(&self, view: &View<'_>, delivery: &Delivery, memory: &mut Memory) {
        memory.update(|kept: &mut SessionMemory| kept.delivered(view, delivery));
    }

    fn reported(&self, report: &Report, history: &History, at: Timestamp, memory: &mut Memory) {
        memory.update(|kept: &mut SessionMemory| kept.reported(report, history, at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        forecast::Forecast,
        ladder::Ladder,
        policy::{Guidance, Segments, Weights},
        time::Duration,
        units::Bitrate,
    };

    fn decide(kbps: u64, buffer_s: f64, current: u8) -> u8 {
        let mut history = History::default();
        (0..16).for_each(|_| history.push(Bitrate::kbps(kbps), Duration::from_secs(1)));
        let ladder = Ladder::default();
        let view = View {
            now: Timestamp::EPOCH,
            ladder: &ladder,
            segment_duration: Duration::from_secs(2),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(buffer_s),
            buffer_capacity: Duration::from_secs(6),
            current: Some(current),
            live_latency: None,
            history: &history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: Guidance::default(),
        };
        Learned::shipped().decide(&view, &mut Memory::default()).rung
    }

    #[test]
    fn the_shipped_weights_do_the_obvious() {
        assert_eq!(decide(100_000, 5.5, 7), 7, "a fast link and a full buffer: stay on top");
        assert!(decide(100_000, 5.5, 3) > 3, "a fast link: climb");
        assert!(decide(2_000, 2.0, 7) < 4, "a link that cannot carry it: come down");
        assert_eq!(decide(100, 0.5, 3), 0, "nearly nothing: the lowest");
    }

    #[test]
    fn weights_survive_the_file() {
        let shipped = Learned::shipped().scorer;
        assert_eq!(Scorer::from_bytes(&shipped.to_bytes()), Ok(shipped));
    }
}
