//! One viewer: a virtual player on a link, the engine of `serve` over it, and the models that read what is said.

use super::{
    answer::{Action, Answer, Qoe},
    network::{Network, NetworkArguments},
};
use headroom_core::{
    audience::{Aspect, Classification},
    engine::{Config, Engine, Input},
    ladder::RungIndex,
    policy::Weights,
    telemetry::{Link, Player, PlayerState, Radio, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use headroom_infer::text::Classifier;

const SESSION: SessionId = SessionId(1);
const STREAM: StreamId = StreamId(1);

/// Seconds played before the first message: the forecast's history.
const BEFORE_S: u64 = 30;
/// Seconds between two messages: two ticks.
const BETWEEN_S: u64 = 4;
/// The engine's usual tick.
const TICK_S: u64 = 2;
/// Media a live player holds at most, and its distance behind live.
const CAPACITY_S: f64 = 6.0;
const LATENCY_S: f64 = 5.0;
/// Share of the measured throughput a player spends by itself: the usual safety margin of throughput rules.
const OWN_SHARE: f64 = 0.9;
/// Opinion scores from here up are good or better (ITU-T P.800: 4 good, 3 fair), between them undecided.
const GOOD_MOS: f32 = 3.0;

/// Reads messages and answers for one viewer.
pub(crate) struct Companion {
    classifier: Classifier,
    network: Network,
    engine: Engine,
    config: Config,
    player: VirtualPlayer,
    second: u64,
}

/// A fluid player: what the link carries becomes media, what is played leaves the buffer.
struct VirtualPlayer {
    buffer_s: f64,
    rung: RungIndex,
    latency_s: f64,
    stalled_s: f64,
    smooth_kbps: f64,
}

impl Companion {
    /// A viewer who has watched for half a minute.
    pub(crate) fn new(classifier: Classifier, network: &NetworkArguments) -> anyhow::Result<Self> {
        let network = network.open()?;
        let config = Config::default();
        let mut player =
            VirtualPlayer { buffer_s: CAPACITY_S, rung: 0, latency_s: LATENCY_S, stalled_s: 0.0, smooth_kbps: 0.0 };
        if let Some(session) = &network.session {
            let ladder = &config.default_stream.ladder;
            player.rung = session.playing_kbps.map_or(0, |kbps| ladder.nearest(Bitrate::from_kbps_f64(kbps)));
            player.buffer_s =
                session.buffer_length_ms.map_or(CAPACITY_S, |length| (length / 1_000.0).clamp(0.0, CAPACITY_S));
            player.latency_s =
                session.live_latency_ms.map_or(LATENCY_S, |latency| (latency / 1_000.0).clamp(0.0, 60.0));
        }
        let engine = Engine::new(config.clone());
        let mut companion = Self { classifier, network, engine, config, player, second: 0 };
        companion.watch(BEFORE_S);
        Ok(companion)
    }

    /// Reads a message, lets it act, and says what follows.
    pub(crate) fn answer(&mut self, message: &str) -> anyhow::Result<Answer> {
        let prediction = self.classifier.read(&[message])?.swap_remove(0);
        let reading = prediction.reading;
        let before = self.player.rung;
        self.hear(&reading);
        self.watch(BETWEEN_S);
        let decision = self.engine.decision(SESSION);
        let view = self.engine.view(SESSION);
        let ladder = &self.config.default_stream.ladder;
        let cap = decision.as_ref().and_then(|decision| decision.cap).unwrap_or(ladder.top());
        let target = cap.min(self.own_choice());
        let risk = decision.as_ref().map_or(Ratio::ZERO, |decision| decision.stall_risk);
        let mos = view.as_ref().and_then(|view| view.mos);
        let needs_adjustment = risk.get() >= self.config.cap_risk
            || mos.is_some_and(|mos| mos.get() < GOOD_MOS)
            || target < before
            || reading.is_complaint();
        let radio = self.network.at(self.second);
        Ok(Answer {
            feedback: message.to_owned(),
            radio: [radio.rsrp_dbm, radio.rsrq_db, radio.sinr_db],
            source: self.network.source.clone(),
            qoe: if needs_adjustment { Qoe::NeedsAdjustment } else { Qoe::HighQuality },
            risk,
            mos,
            prediction,
            action: Action::between(ladder.rung(before), ladder.rung(target)),
            max_bitrate: ladder.bitrate(target),
            playing: ladder.rung(before),
            target_latency: decision.as_ref().map_or(Duration::ZERO, |decision| decision.target_latency),
            expected: decision.as_ref().and_then(|decision| decision.expected_throughput),
            reason: match decision {
                Some(decision) if target == cap => decision.reason.to_string(),
                Some(_) => "what the link carries, below the cap".to_owned(),
                None => "nothing decided yet".to_owned(),
            },
        })
    }

    /// A command acts on this session; a complaint or praise is the voice of the whole audience, which one viewer is.
    fn hear(&mut self, reading: &Classification) {
        let at = self.now();
        if let Some(command) = reading.command {
            self.engine.handle_input(Input::Command { at, session: SESSION, command });
        }
        self.engine.handle_input(Input::Weights { stream: STREAM, at, weights: weights(reading) });
    }

    fn watch(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second += 1;
            let link = *self.network.at(self.second);
            let at = self.now();
            let cap = self.engine.decision(SESSION).and_then(|decision| decision.cap);
            let ladder = &self.config.default_stream.ladder;
            let wanted = self.own_choice().min(cap.unwrap_or(ladder.top()));
            let player = self.player.step(link.throughput_kbps, ladder.bitrate(wanted), wanted);
            let number = |value: Option<f64>| value.map(|value| value as f32);
            let milliseconds = |value: Option<f64>| value.map(|value| Duration::from_secs_f64(value / 1_000.0));
            let reports = [
                Report::Radio(Radio {
                    rsrp_dbm: number(link.rsrp_dbm),
                    rsrq_db: number(link.rsrq_db),
                    sinr_db: number(link.sinr_db),
                    cqi: None,
                }),
                Report::Link(Link {
                    rtt: milliseconds(link.rtt_ms),
                    jitter: milliseconds(link.jitter_ms),
                    loss_ratio: link.loss_ratio.map(|ratio| Ratio::clamped(ratio as f32)),
                    ..Link::default()
                }),
                Report::Player(player),
            ];
            for report in reports {
                self.engine.handle_input(Input::Sample(Sample { session: SESSION, stream: STREAM, at, report }));
            }
            if self.second.is_multiple_of(TICK_S) {
                self.engine.handle_input(Input::Tick { at });
            }
            while self.engine.poll_output().is_some() {}
        }
    }

    /// What the player would choose without a cap.
    fn own_choice(&self) -> RungIndex {
        let rate = Bitrate::from_kbps_f64(self.player.smooth_kbps * OWN_SHARE);
        self.config.default_stream.ladder.highest_within(rate).unwrap_or(0)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000 * (self.second + 1))
    }
}

impl VirtualPlayer {
    /// One second at `kbps`, playing `rung` of `bitrate`; what the player reports at its end.
    fn step(&mut self, kbps: f64, bitrate: Bitrate, rung: RungIndex) -> Player {
        self.rung = rung;
        self.smooth_kbps = if self.smooth_kbps > 0.0 { 0.7 * self.smooth_kbps + 0.3 * kbps } else { kbps };
        let room_s = CAPACITY_S - self.buffer_s + 1.0;
        self.buffer_s += (kbps / bitrate.as_kbps().max(1.0)).min(room_s) - 1.0;
        let stalled_s = (-self.buffer_s).max(0.0);
        self.buffer_s = self.buffer_s.clamp(0.0, CAPACITY_S);
        self.stalled_s += stalled_s;
        self.latency_s = (self.latency_s + stalled_s).min(60.0);
        Player {
            encoded_bitrate: Some(bitrate),
            measured_throughput: Some(Bitrate::from_kbps_f64(kbps)),
            transfer_time: Some(Duration::from_secs_f64((bitrate.as_kbps() / kbps.max(1.0)).min(1.0))),
            buffer_length: Some(Duration::from_secs_f64(self.buffer_s)),
            live_latency: Some(Duration::from_secs_f64(self.latency_s)),
            object_duration: Some(Duration::from_secs(2)),
            state: Some(if stalled_s > 0.0 { PlayerState::Rebuffering } else { PlayerState::Playing }),
            buffer_starvation: stalled_s > 0.0,
            starvation_duration: (stalled_s > 0.0).then(|| Duration::from_secs_f64(stalled_s)),
            ..Player::default()
        }
    }
}

/// The objective weights of docs/algorithms/audience.md for an audience of one: the force of the wish is the confidence
/// of the reading beyond chance.
fn weights(reading: &Classification) -> Weights {
    let force = |aspect| {
        let wished = reading.is_complaint() && reading.aspects.contains(aspect);
        if wished { (reading.confidence.get() - 1.0 / 3.0) * 1.5 } else { 0.0 }
    };
    let (stall, picture, latency) = (force(Aspect::Buffering), force(Aspect::Picture), force(Aspect::Latency));
    Weights {
        stall: (stall - picture / 2.0 - latency / 2.0).exp2(),
        quality: (picture - stall / 2.0).exp2(),
        latency: (latency - stall / 2.0).exp2(),
    }
    .bounded()
}
