//! A server that guides: the client chooses for itself, below a cap that the engine sends, or asks the engine for each segment.
//!
//! The whole engine runs here, guard included, and it knows what a server knows. Each request carries the player's report
//! (CMCD): buffer, rung, and the throughput of the transfers that have ended. The engine decides at its ticks, and at once when a
//! report says that the session starves or collapsed. A decision travels in the header of the next response (CMSD `mb`) and so
//! binds the request after that one: one tick and one segment pass between cause and effect. A client that asks pays a round trip
//! before each segment, and chooses for itself where the server has no advice.

use super::InPlayer;
use crate::session::{Choice, Controller, Player};
use headroom_core::{
    engine::{Config, Engine, Input, StreamSettings},
    forecast::Forecast,
    ladder::RungIndex,
    policy::{Delivery, Evidence, Policy, Progress, View},
    telemetry::{self, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
};

/// How the server guides.
#[derive(Clone, Debug, PartialEq)]
pub struct GuidedSettings {
    /// The engine's settings, its policy among them.
    pub engine: Config,
    /// Time between ticks.
    pub tick: Duration,
    /// Whether the client asks before each segment and takes the advice, and what a question costs it.
    pub question: Option<Duration>,
}

impl GuidedSettings {
    /// This engine, ticking every two seconds as the server does.
    #[must_use]
    pub fn new(engine: Config) -> Self {
        Self { engine, tick: Duration::from_secs(2), question: None }
    }
}

/// A client and the server that caps it.
pub struct Guided<'a> {
    client: InPlayer<'a>,
    engine: Engine,
    tick: Duration,
    question: Option<Duration>,
    next_tick: Timestamp,
    /// Cap in the response to the last request: binds the next one.
    received: Option<RungIndex>,
    /// Throughput to expect, in the same response.
    expected: Option<Forecast>,
    /// Stalls since the last report.
    stalled: Duration,
    started: bool,
}

/// The session and stream of the one player.
const SESSION: SessionId = SessionId(1);
const STREAM: StreamId = StreamId(1);
/// The clock of a session starts here: time zero means "never" in places.
const START: Timestamp = Timestamp::from_millis(1_000_000);

impl<'a> Guided<'a> {
    /// A session of `client` under the engine of `settings`.
    #[must_use]
    pub fn new(client: &'a dyn Policy, settings: &GuidedSettings) -> Self {
        Self {
            client: InPlayer::new(client),
            engine: Engine::new(settings.engine.clone()),
            tick: settings.tick,
            question: settings.question,
            next_tick: START + settings.tick,
            received: None,
            expected: None,
            stalled: Duration::ZERO,
            started: false,
        }
    }

    fn tick_until(&mut self, now: Timestamp) {
        while self.next_tick <= now {
            self.engine.handle_input(Input::Tick { at: self.next_tick });
            self.next_tick = self.next_tick + self.tick;
        }
        while self.engine.poll_output().is_some() {}
    }

    /// Tells the stream once, then what the request for the next segment says.
    fn report(&mut self, view: &View<'_>, next: RungIndex, now: Timestamp) {
        if !self.started {
            self.started = true;
            let settings = StreamSettings {
                ladder: view.ladder.clone(),
                segment_duration: view.segment_duration,
                target_buffer: view.buffer_capacity,
                ..StreamSettings::default()
            };
            self.engine.handle_input(Input::Stream { stream: STREAM, at: now, settings });
        }
        let newest = view.history.newest();
        let stalled = std::mem::take(&mut self.stalled);
        let player = telemetry::Player {
            encoded_bitrate: Some(view.ladder.bitrate(next)),
            measured_throughput: newest
                .map(|transfer| headroom_core::units::Bitrate::from_kbps_f64(f64::from(transfer.throughput_kbps))),
            transfer_time: newest.map(|transfer| Duration::from_secs_f64(f64::from(transfer.seconds))),
            buffer_length: Some(view.buffer_length),
            target_buffer_length: Some(view.buffer_capacity),
            live_latency: view.live_latency,
            object_duration: Some(view.segment_duration),
            state: Some(if newest.is_some() { PlayerState::Playing } else { PlayerState::Starting }),
            buffer_starvation: stalled > Duration::ZERO,
            starvation_duration: (stalled > Duration::ZERO).then_some(stalled),
            startup: newest.is_none(),
            ..telemetry::Player::default()
        };
        let report = Report::Player(player);
        self.engine.handle_input(Input::Sample(Sample { session: SESSION, stream: STREAM, at: now, report }));
    }
}

impl Controller for Guided<'_> {
    fn choose<P: Player>(&mut self, player: &mut P) -> Choice {
        let mut choice = self.client.choose_with(player, self.expected.as_ref());
        if let Some(round_trip) = self.question {
            choice.pause_s += round_trip.as_secs_f64();
            let now = START + Duration::from_secs_f64(player.moment().clock_s + choice.pause_s);
            self.tick_until(now);
            let view = player.view(Evidence::Transfers);
            self.report(&view, view.current.unwrap_or(choice.rung), now);
            choice.rung = self.engine.advise(SESSION, now).map_or(choice.rung, |advice| advice.rung);
            return choice;
        }
        if let Some(cap) = self.received {
            choice.rung = choice.rung.min(cap);
        }
        let now = START + Duration::from_secs_f64(player.moment().clock_s + choice.pause_s);
        self.tick_until(now);
        self.report(&player.view(Evidence::Transfers), choice.rung, now);
        let decision = self.engine.decision(SESSION);
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
        // The start-up is no stall.
        if view.history.len() > 1 {
            self.stalled = self.stalled + Duration::from_secs_f64(delivery.stall_s);
        }
        self.client.delivered(view, delivery);
    }
}
