//! One session: a player asks a controller for a rung, fetches the segment and plays it.
//!
//! The two sides know only this contract. [`crate::player`] has the players, [`crate::controller`] the controllers, and
//! [`play`] drives any player with any controller.

use crate::video::Video;
use headroom_core::{
    ladder::RungIndex,
    policy::{Delivery, Evidence, Progress, View},
};
use serde::Serialize;

/// One segment as it was fetched and played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Step {
    /// When it was asked for, seconds since the session began.
    pub requested_s: f64,
    /// The rung that was played.
    pub rung: RungIndex,
    /// Size of what was played, bits.
    pub bits: f64,
    /// Bits received and thrown away: an abandoned transfer.
    pub wasted_bits: f64,
    /// From the request until the last byte, seconds, abandoned transfers included.
    pub transfer_s: f64,
    /// How long the playhead stood still for it, seconds. Of the first segment this is the start-up delay.
    pub stall_s: f64,
    /// How long the player then paused before its next request, seconds.
    pub wait_s: f64,
    /// Media ahead of the playhead at the next request, seconds.
    pub buffer_s: f64,
    /// Distance behind the live edge on arrival, seconds; 0 on demand.
    pub latency_s: f64,
    /// Mean playback rate while it was fetched.
    pub playback_rate: f64,
}

/// The state that the physics of a player moves: nothing else decides what a fetch brings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Seconds since the session began.
    pub clock_s: f64,
    /// Position in the trace, seconds. Differs from the clock where the semantics say so.
    pub link_s: f64,
    /// Media ahead of the playhead, seconds.
    pub buffer_s: f64,
    /// Distance behind the live edge, seconds; 0 on demand.
    pub latency_s: f64,
}

impl Moment {
    /// The state after playing on for `pause_s` without a transfer.
    pub(crate) fn after_pause(self, pause_s: f64) -> Self {
        Self {
            clock_s: self.clock_s + pause_s,
            link_s: self.link_s + pause_s,
            buffer_s: (self.buffer_s - pause_s).max(0.0),
            ..self
        }
    }
}

/// A player of one video over one link.
pub trait Player {
    /// What is played.
    fn video(&self) -> &Video;

    /// Segment asked for next.
    fn next_segment(&self) -> usize;

    /// Rung asked for before anything is known.
    fn first_rung(&self) -> RungIndex;

    /// Where the player stands.
    fn moment(&self) -> Moment;

    /// What fetching `segment` at `rung` from `moment` would bring, by the same physics as [`Player::fetch`]: what an
    /// oracle may ask. `None` when the link never delivers it.
    fn preview(&self, moment: Moment, segment: usize, rung: RungIndex) -> Option<(Moment, Step)>;

    /// What a policy may see now, with a forecast where `evidence` asks for it.
    fn view(&mut self, evidence: Evidence) -> View<'_>;

    /// Fetches and plays the next segment; the controller may give transfers up, where the rules let it, and hears of
    /// their end. `None` when the link never delivers it.
    fn fetch<C: Controller>(&mut self, choice: Choice, controller: &mut C) -> Option<Step>;
}

/// Plays to the end of the video, or until the link is dead for good; appends what happened to `steps`.
pub fn play<P: Player, C: Controller>(player: &mut P, controller: &mut C, steps: &mut Vec<Step>) {
    while player.next_segment() < player.video().segments() {
        let choice = controller.choose(player);
        let Some(step) = player.fetch(choice, controller) else {
            return;
        };
        steps.push(step);
    }
}

/// What to fetch next, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The rung.
    pub rung: RungIndex,
    /// How long to wait before asking, seconds.
    pub pause_s: f64,
}

impl Choice {
    /// Asks for `rung` without waiting.
    #[must_use]
    pub fn at_once(rung: RungIndex) -> Self {
        Self { rung, pause_s: 0.0 }
    }
}

/// Chooses the rung of the next segment of one session.
pub trait Controller {
    /// What to fetch next.
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice;

    /// Whether to give the running transfer up for a lower rung.
    fn abandon(&mut self, _view: &View<'_>, _progress: &Progress) -> Option<RungIndex> {
        None
    }

    /// What it reads of the session's past.
    fn evidence(&self) -> Evidence {
        Evidence::Forecast
    }

    /// Told after each transfer.
    fn delivered(&mut self, _view: &View<'_>, _delivery: &Delivery) {}
}
