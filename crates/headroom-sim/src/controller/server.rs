//! A server as the simulator runs it: the whole engine, guard included, with what a server knows.
//!
//! Each request carries the player's report (CMCD): buffer, rung, and the throughput of the transfers that have ended. The engine
//! decides at its ticks, and at once when a report says that the session starves or collapsed.

use headroom_core::{
    decision::Decision,
    engine::{Config, Engine, Input, StreamSettings},
    ladder::RungIndex,
    policy::{Delivery, Policy, View},
    telemetry::{self, Client, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};

/// The engine of one session.
pub(super) struct Server {
    engine: Engine,
    next_tick: Timestamp,
    /// Stalls since the last report.
    stalled: Duration,
    started: bool,
    client: Client,
}

/// Time between two ticks, as the server's default.
const TICK: Duration = Duration::from_secs(2);
/// The session and stream of the one player.
const SESSION: SessionId = SessionId(1);
const STREAM: StreamId = StreamId(1);
/// The engine's clock at the start of a session: time zero means "never" in places.
const START: Timestamp = Timestamp::from_millis(1_000_000);

impl Server {
    /// A server that knows nothing yet, for a player that runs the policy `client`.
    pub(super) fn new(config: &Config, client: &dyn Policy) -> Self {
        let client = match client.name() {
            "hls" | "hls_throughput" => Client::HlsJs,
            "shaka" => Client::Shaka,
            _ => Client::DashJs,
        };
        let engine = Engine::new(config.clone());
        Self { engine, next_tick: START + TICK, stalled: Duration::ZERO, started: false, client }
    }

    /// Lets the engine tick until `clock_s` of the session, and reads the report that comes with the request for a segment at `rung`.
    pub(super) fn receive(&mut self, view: &View<'_>, rung: RungIndex, clock_s: f64) {
        let now = at(clock_s);
        while self.next_tick <= now {
            self.engine.handle_input(Input::Tick { at: self.next_tick });
            self.next_tick = self.next_tick + TICK;
        }
        while self.engine.poll_output().is_some() {}
        self.introduce(view, now);
        let report = Report::Player(self.report(view, rung));
        self.engine.handle_input(Input::Sample(Sample { session: SESSION, stream: STREAM, at: now, report }));
    }

    /// The rung advised at `clock_s`; `None` where the player knows better.
    pub(super) fn advise(&self, clock_s: f64) -> Option<RungIndex> {
        self.engine.advise(SESSION, at(clock_s)).map(|advice| advice.rung)
    }

    /// The decision in force.
    pub(super) fn decision(&self) -> Option<Decision> {
        self.engine.decision(SESSION)
    }

    /// Notes the stall of a transfer for the next report. The start-up is no stall.
    pub(super) fn note_stall(&mut self, view: &View<'_>, delivery: &Delivery) {
        if view.history.len() > 1 {
            self.stalled = self.stalled + Duration::from_secs_f64(delivery.stall_s);
        }
    }

    /// Describes the stream once.
    fn introduce(&mut self, view: &View<'_>, now: Timestamp) {
        if self.started {
            return;
        }
        self.started = true;
        let settings = StreamSettings {
            ladder: view.ladder.clone(),
            segment_duration: view.segment_duration,
            target_buffer: view.buffer_capacity,
            ..StreamSettings::default()
        };
        self.engine.handle_input(Input::Stream { stream: STREAM, at: now, settings });
    }

    /// What a player reports with a request.
    fn report(&mut self, view: &View<'_>, rung: RungIndex) -> telemetry::Player {
        let newest = view.history.newest();
        let stalled = std::mem::take(&mut self.stalled);
        telemetry::Player {
            encoded_bitrate: Some(view.ladder.bitrate(rung)),
            measured_throughput: newest.map(|transfer| Bitrate::from_kbps_f64(f64::from(transfer.throughput_kbps))),
            transfer_time: newest.map(|transfer| Duration::from_secs_f64(f64::from(transfer.seconds))),
            buffer_length: Some(view.buffer_length),
            target_buffer_length: Some(view.buffer_capacity),
            live_latency: view.live_latency,
            object_duration: Some(view.segment_duration),
            state: Some(if newest.is_some() { PlayerState::Playing } else { PlayerState::Starting }),
            buffer_starvation: stalled > Duration::ZERO,
            starvation_duration: (stalled > Duration::ZERO).then_some(stalled),
            startup: newest.is_none(),
            client: Some(self.client),
            ..telemetry::Player::default()
        }
    }
}

fn at(clock_s: f64) -> Timestamp {
    START + Duration::from_secs_f64(clock_s)
}
