//! One viewer: a virtual player on a link, the engine of `serve` over it, and the models that read what is said.

use super::{
    answer::Answer,
    network::{LiveSession, Network, NetworkArguments},
    response::{Qoe, Remedy, Situation, respond},
};
use headroom_core::{
    audience::{Aspect, Classification, Command},
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
/// Seconds for which the player keeps to the rung of an answer, unless cap or link say less: as long as a complaint counts.
const HOLD_S: u64 = 30;

/// Reads messages and answers for one viewer.
pub(crate) struct Companion {
    classifier: Classifier,
    network: Network,
    engine: Engine,
    config: Config,
    player: VirtualPlayer,
    /// Rung of the last answer that changed it, and the second until which it holds.
    advised: Option<(RungIndex, u64)>,
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
        let mut config = Config::default();
        if let Some(session) = &network.session {
            let stream = &mut config.default_stream;
            if let Some(ladder) = &session.ladder {
                stream.ladder = ladder.clone();
            }
            // Nearer to live than it is now, should the viewer wish so.
            if let Some(latency) = session.live_latency_ms.filter(|latency| *latency >= 500.0) {
                stream.target_latency = Duration::from_secs_f64(latency.min(60_000.0) / 1_000.0);
            }
        }
        let player =
            VirtualPlayer { buffer_s: CAPACITY_S, rung: 0, latency_s: LATENCY_S, stalled_s: 0.0, smooth_kbps: 0.0 };
        let engine = Engine::new(config.clone());
        let mut companion = Self { classifier, network, engine, config, player, advised: None, second: 0 };
        companion.watch(BEFORE_S);
        if let Some(session) = companion.network.session.clone() {
            companion.take_over(&session);
        }
        Ok(companion)
    }

    /// Where the network comes from, in words.
    pub(super) fn source(&self) -> &str {
        &self.network.source
    }

    /// Goes on where a live session stands.
    fn take_over(&mut self, session: &LiveSession) {
        let ladder = &self.config.default_stream.ladder;
        let player = &mut self.player;
        if let Some(kbps) = session.playing_kbps {
            player.rung = ladder.nearest(Bitrate::from_kbps_f64(kbps));
            self.advised = Some((player.rung, self.second + HOLD_S));
        }
        player.buffer_s =
            session.buffer_length_ms.map_or(CAPACITY_S, |length| (length / 1_000.0).clamp(0.0, CAPACITY_S));
        player.latency_s = session.live_latency_ms.map_or(LATENCY_S, |latency| (latency / 1_000.0).clamp(0.0, 60.0));
    }

    /// Reads a message, lets it act, and says what follows.
    pub(crate) fn answer(&mut self, message: &str) -> anyhow::Result<Answer> {
        let prediction = self.classifier.read(&[message])?.swap_remove(0);
        let reading = prediction.for_engine();
        let before = self.player.rung;
        self.hear(&reading);
        self.watch(BETWEEN_S);
        let decision = self.engine.decision(SESSION);
        let view = self.engine.view(SESSION);
        let ladder = &self.config.default_stream.ladder;
        let top = ladder.top();
        let risk = decision.as_ref().map_or(Ratio::ZERO, |decision| decision.stall_risk);
        let mos = view.as_ref().and_then(|view| view.mos);
        let next = ladder.bitrate((before + 1).min(top)).as_kbps();
        let response = respond(
            &reading,
            &Situation {
                ladder,
                playing: before,
                cap: decision.as_ref().and_then(|decision| decision.cap).unwrap_or(top),
                link: self.own_choice(),
                carries_next: view.as_ref().and_then(|view| view.forecast).is_some_and(|forecast| {
                    next <= quantile(forecast.map(Bitrate::as_kbps), self.config.cap_risk.into())
                }),
                risk,
                risk_limit: self.config.cap_risk,
                mos,
                decided: decision.as_ref().map(|decision| decision.reason),
            },
        );
        let (chosen, playing) = (ladder.rung(response.rung), ladder.rung(before));
        let expected = decision.as_ref().and_then(|decision| decision.expected_throughput);
        self.carry_out(&reading, &response.remedies);
        if response.rung != before || response.qoe == Qoe::NeedsAdjustment {
            self.advised = Some((response.rung, self.second + HOLD_S));
            self.player.rung = response.rung;
        }
        let radio = self.network.at(self.second);
        Ok(Answer {
            feedback: message.to_owned(),
            radio: [radio.rsrp_dbm, radio.rsrq_db, radio.sinr_db],
            source: self.network.source.clone(),
            response,
            risk,
            mos,
            prediction,
            playing,
            chosen,
            target_latency: self.engine.decision(SESSION).map_or(Duration::ZERO, |decision| decision.target_latency),
            expected,
        })
    }

    /// Tells the engine what the answer does beside the rung. What the viewer asked for it knows already.
    fn carry_out(&mut self, reading: &Classification, remedies: &[Remedy]) {
        let at = self.now();
        for remedy in remedies {
            let command = match remedy {
                Remedy::LowerLatency => Command::LowerLatency,
                Remedy::MoreBuffer => Command::MoreBuffer,
                Remedy::AlertBroadcaster(_) | Remedy::NoMoreFromLink | Remedy::Report => continue,
            };
            if reading.command != Some(command) {
                self.engine.handle_input(Input::Command { at, session: SESSION, command });
            }
        }
        while self.engine.poll_output().is_some() {}
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
            let own = self.own_choice();
            let chosen = self.advised.filter(|(_, until)| self.second <= *until).map_or(own, |(rung, _)| rung);
            // The answer holds a rung below what the link carries, and one step above the player's own caution.
            let wanted = chosen.min(own + 1).min(cap.unwrap_or(ladder.top())).min(ladder.top());
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

/// Throughput at `level` of a forecast given by its 10 %, 50 % and 90 % quantiles, between the first two.
fn quantile([low, median, _]: [f64; 3], level: f64) -> f64 {
    low + (median - low) * ((level - 0.1) / 0.4).clamp(0.0, 1.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::classifier::ClassifierArguments;

    #[test]
    fn a_complaint_about_buffering_never_raises_on_any_of_sixty_links() {
        let mut classifier = ClassifierArguments::usual().open().expect("the models are in the repository");
        for seed in 0..60 {
            let mut companion = Companion::new(classifier, &NetworkArguments::synthetic(seed)).unwrap();
            for message in ["it keeps buffering", "so blurry", "lag again, it freezes all the time"] {
                let answer = companion.answer(message).unwrap();
                let (playing, chosen) = (answer.playing.bitrate, answer.chosen.bitrate);
                assert_eq!(answer.response.qoe, Qoe::NeedsAdjustment, "seed {seed}: {message}");
                let lowest = companion.config.default_stream.ladder.bitrate(0);
                if message != "so blurry" {
                    assert!(chosen < playing || playing == lowest, "seed {seed}: {message}: {playing:?} {chosen:?}");
                    assert_eq!(companion.player.rung, companion.config.default_stream.ladder.nearest(chosen));
                }
            }
            classifier = companion.classifier;
        }
    }
}
