//! A client that chooses for itself below the cap of a server.
//!
//! A decision travels in the header of the next response (CMSD `mb`) and so binds the request after that one: one tick and one
//! segment pass between cause and effect.

use super::{InPlayer, server::Server};
use crate::session::{Choice, Controller, Player};
use headroom_core::{
    engine::Config,
    forecast::Forecast,
    ladder::RungIndex,
    policy::{Delivery, Evidence, Policy, Progress, View},
};

/// A client and the server that caps it.
pub struct Capped<'a> {
    client: InPlayer<'a>,
    server: Server,
    /// Cap in the response to the last request: binds the next one.
    received: Option<RungIndex>,
    /// Throughput to expect, in the same response.
    expected: Option<Forecast>,
}

impl<'a> Capped<'a> {
    /// A session of `client` under an engine with these settings.
    #[must_use]
    pub fn new(client: &'a dyn Policy, config: &Config) -> Self {
        Self { client: InPlayer::new(client), server: Server::new(config, client), received: None, expected: None }
    }
}

impl Controller for Capped<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        let mut choice = self.client.choose_with(player, self.expected.as_ref());
        if let Some(cap) = self.received {
            choice.rung = choice.rung.min(cap);
        }
        let clock_s = player.moment().clock_s + choice.pause_s;
        self.server.receive(&player.view(Evidence::Transfers), choice.rung, clock_s);
        let decision = self.server.decision();
        self.received = decision.as_ref().and_then(|decision| decision.cap);
        self.expected = decision.and_then(|decision| decision.expected_throughput).map(|rate| Forecast {
            // One number travels (`etp`): the same at every level and horizon.
            quantiles_kbps: [[rate.as_kbps() as f32; 5]; 3],
        });
        choice
    }

    fn evidence(&self) -> Evidence {
        // The engine keeps a history of its own.
        self.client.evidence()
    }

    fn abandon(&mut self, view: &View<'_>, progress: &Progress) -> Option<RungIndex> {
        self.client.abandon(view, progress)
    }

    fn delivered(&mut self, view: &View<'_>, delivery: &Delivery) {
        self.server.note_stall(view, delivery);
        self.client.delivered(view, delivery);
    }
}
