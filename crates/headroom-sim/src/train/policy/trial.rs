//! A session in progress that can be copied, so that futures can be tried.

use super::conditions::Conditions;
use crate::{
    player::{Live, OnDemand},
    session::{Choice, Controller, Moment, Player, Step},
};
use headroom_core::{
    forecast::{Forecast, History},
    ladder::RungIndex,
    policy::{Abandonment, Evidence, Guidance, Progress, Segments, View, Weights, learned::Situation},
    time::{Duration, Timestamp},
    units::Bitrate,
};

/// What training needs of a session.
pub(super) trait Trial: Clone {
    /// Fetches and plays the next segment; `None` when the link never delivers it.
    fn fetch(&mut self, rung: RungIndex) -> Option<Step>;

    /// What the policy sees now.
    fn situation(&mut self) -> Option<Situation>;

    /// The rung that was fetched last.
    fn current(&self) -> RungIndex;
}

/// A session in Pensieve's environment.
#[derive(Clone, Copy)]
pub(super) struct OnDemandTrial<'a> {
    conditions: &'a Conditions,
    player: &'a OnDemand<'a>,
    moment: Moment,
    next: usize,
    current: RungIndex,
    history: History,
    pause_s: f64,
}

impl<'a> OnDemandTrial<'a> {
    /// A session of `player` from `link_s` of its trace on.
    pub(super) fn new(conditions: &'a Conditions, player: &'a OnDemand<'a>, link_s: f64) -> Self {
        let moment = Moment { link_s, ..Moment::default() };
        Self { conditions, player, moment, next: 0, current: 0, history: History::default(), pause_s: 0.0 }
    }
}

impl Trial for OnDemandTrial<'_> {
    fn fetch(&mut self, rung: RungIndex) -> Option<Step> {
        let (moment, step) = self.player.preview(self.moment, self.next, rung)?;
        let throughput = Bitrate::from_kbps_f64((step.bits / step.transfer_s / 1_000.0).max(1.0));
        let (pause, transfer) = (Duration::from_secs_f64(self.pause_s), Duration::from_secs_f64(step.transfer_s));
        self.history.push_after(pause, throughput, transfer);
        self.pause_s = step.wait_s;
        (self.moment, self.current) = (moment, rung);
        self.next += 1;
        Some(step)
    }

    fn situation(&mut self) -> Option<Situation> {
        let view = View {
            now: Timestamp::from_secs_f64(self.moment.clock_s),
            ladder: self.conditions.video.ladder(),
            segment_duration: self.conditions.video.segment_duration(),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(self.moment.buffer_s),
            buffer_capacity: Duration::from_secs_f64(self.conditions.capacity_s),
            current: Some(self.current),
            live_latency: None,
            history: &self.history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: Guidance::default(),
        };
        Situation::of(&view, self.conditions.aversion)
    }

    fn current(&self) -> RungIndex {
        self.current
    }
}

/// A session at the live edge that gives transfers up as the policy will.
#[derive(Clone)]
pub(super) struct LiveTrial<'a> {
    conditions: &'a Conditions,
    player: Live<'a>,
    current: RungIndex,
}

impl<'a> LiveTrial<'a> {
    /// A session of `player`.
    pub(super) fn new(conditions: &'a Conditions, player: Live<'a>) -> Self {
        Self { conditions, player, current: 0 }
    }
}

impl Trial for LiveTrial<'_> {
    fn fetch(&mut self, rung: RungIndex) -> Option<Step> {
        let mut fetch = Fetch { rung, given_up: 0 };
        let step = self.player.fetch(Choice::at_once(rung), &mut fetch)?;
        self.current = step.rung;
        Some(step)
    }

    fn situation(&mut self) -> Option<Situation> {
        Situation::of(&self.player.view(Evidence::Seconds), self.conditions.aversion)
    }

    fn current(&self) -> RungIndex {
        self.current
    }
}

/// One segment at a given rung.
struct Fetch {
    rung: RungIndex,
    given_up: u8,
}

impl Controller for Fetch {
    fn choose<P: Player>(&mut self, _: &mut P) -> Choice {
        Choice::at_once(self.rung)
    }

    fn evidence(&self) -> Evidence {
        Evidence::Seconds
    }

    fn abandon(&mut self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        let lower = Abandonment::CAREFUL.lower(view, progress, self.given_up);
        self.given_up += u8::from(lower.is_some());
        lower
    }
}
