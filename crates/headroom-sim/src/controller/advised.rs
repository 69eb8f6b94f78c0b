//! A client that asks a server before each segment and takes the advice.
//!
//! It chooses for itself where the server has no advice, and does what only a client can: give transfers up and know when a
//! question would cost more than it brings. With no more than the segment that has just come in the buffer it does not ask; the
//! lower of the last advice and its own choice is fetched at once.

use super::{InPlayer, server::Server};
use crate::session::{Choice, Controller, Player};
use headroom_core::{
    engine::Config,
    ladder::RungIndex,
    policy::{Abandonment, Delivery, Evidence, Policy, Progress, View},
    time::Duration,
};

/// How a client asks and what it does by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdviceSettings {
    /// Round trip of a question.
    pub round_trip: Duration,
    /// When it is asked.
    pub asking: Asking,
    /// When a running transfer is given up; `None` leaves that to the client's own rule.
    pub abandonment: Option<Abandonment>,
}

/// When a client asks for the next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// While it waits for the live edge or the previous segment still loads. Only a round trip that is longer than both costs time.
    Ahead,
    /// When the next request is due: each question costs a round trip.
    InLine,
}

impl Default for AdviceSettings {
    /// As the player agent does it: 80 ms ahead (the round trip of Pensieve's player), no stall tolerated by running transfers.
    fn default() -> Self {
        Self { round_trip: Duration::from_millis(80), asking: Asking::Ahead, abandonment: Some(Abandonment::ADVISED) }
    }
}

/// A client and the server that advises it.
pub struct Advised<'a> {
    client: InPlayer<'a>,
    server: Server,
    settings: AdviceSettings,
    last_advice: Option<RungIndex>,
    /// How long the last segment loaded and the player then waited for the next.
    ahead_s: f64,
    /// Transfers of the segment under way that were given up.
    given_up: u8,
}

impl<'a> Advised<'a> {
    /// A session of `client`, advised by an engine with the settings of `config`.
    #[must_use]
    pub fn new(client: &'a dyn Policy, config: &Config, settings: AdviceSettings) -> Self {
        let server = Server::new(config, client);
        Self { client: InPlayer::new(client), server, settings, last_advice: None, ahead_s: 0.0, given_up: 0 }
    }

    /// What the question for the next segment costs.
    fn question_s(&self) -> f64 {
        let round_trip_s = self.settings.round_trip.as_secs_f64();
        match self.settings.asking {
            Asking::Ahead => (round_trip_s - self.ahead_s).max(0.0),
            Asking::InLine => round_trip_s,
        }
    }
}

impl Controller for Advised<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        self.given_up = 0;
        let mut choice = self.client.choose_with(player, None);
        let question_s = self.question_s();
        let clock_s = player.moment().clock_s + choice.pause_s;
        let view = player.view(Evidence::Transfers);
        if view.current.is_some() && view.buffer_length <= view.segment_duration {
            choice.rung = self.last_advice.map_or(choice.rung, |advice| advice.min(choice.rung));
            self.server.receive(&view, choice.rung, clock_s);
            return choice;
        }
        choice.pause_s += question_s;
        self.server.receive(&view, view.current.unwrap_or(choice.rung), clock_s + question_s);
        let advice = self.server.advise(clock_s + question_s);
        self.last_advice = advice.or(self.last_advice);
        choice.rung = advice.unwrap_or(choice.rung);
        choice
    }

    fn evidence(&self) -> Evidence {
        // The engine keeps a history of its own.
        self.client.evidence()
    }

    fn abandon(&mut self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        let Some(rule) = &self.settings.abandonment else {
            return self.client.abandon(view, progress);
        };
        let lower = rule.lower(view, progress, self.given_up);
        self.given_up += u8::from(lower.is_some());
        lower
    }

    fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        self.ahead_s = delivery.transfer_s + delivery.waited_s;
        self.server.note_stall(view, delivery);
        self.client.delivered(view, delivery);
    }
}
