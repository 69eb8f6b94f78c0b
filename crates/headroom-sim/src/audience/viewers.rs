//! Viewers of one stream on links of their own, guided by one engine, who complain when their picture stands still.

use super::reading;
use crate::{
    trace::{AtEnd, Cursor, Trace},
    video::Video,
};
use headroom_core::{
    audience::{Aspect, AuthorId},
    engine::{Config, Engine, Input, Output, StreamSettings},
    forecast::{Forecast, History},
    ladder::RungIndex,
    policy::{Guidance, Memory, Policy, Segments, View, Weights},
    telemetry::{Player, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::VecDeque;

/// Who watches what, and how ready they are to complain.
#[derive(Clone, Copy, Debug)]
pub struct Viewers<'a> {
    /// The link of each viewer.
    pub links: &'a [Trace],
    /// What they watch.
    pub video: &'a Video,
    /// Most media each holds, seconds.
    pub capacity_s: f64,
    /// Share of the stalls somebody writes about; zero for a silent audience.
    pub writing: f64,
    /// Messages a second about other things.
    pub small_talk_per_s: f64,
    /// Seed of who writes when.
    pub seed: u64,
}

/// How they outcome together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AudienceOutcome {
    /// Stall seconds for each second of media.
    pub stall_ratio: f64,
    /// Number of stalls.
    pub stalls: u32,
    /// Mean bit rate, Mbit/s.
    pub bitrate_mbps: f64,
    /// Complaints written.
    pub complaints: u32,
    /// Blind spots alerted.
    pub alarms: u32,
    /// Largest weight of a stall.
    pub stall_weight: f32,
}

struct Viewer<'a> {
    link: Cursor<'a>,
    history: History,
    memory: Memory,
    cap: Option<RungIndex>,
    rung: Option<RungIndex>,
    buffer_s: f64,
    stalled_s: f64,
    segment: usize,
    next_s: f64,
}

const STREAM: StreamId = StreamId(1);
const ROUND_TRIP_S: f64 = 0.08;
const TICK_S: f64 = 2.0;
const START_S: f64 = 1_000_000.0;

fn clock(at_s: f64) -> Timestamp {
    Timestamp::from_secs_f64(START_S + at_s)
}

impl<'a> Viewers<'a> {
    /// Plays the video to everyone; each viewer's own choice is `client`'s, below the engine's cap.
    #[must_use]
    pub fn play(&self, client: &dyn Policy, config: &Config) -> AudienceOutcome {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed);
        let mut engine = Engine::new(config.clone());
        let settings = StreamSettings {
            ladder: self.video.ladder().clone(),
            segment_duration: self.video.segment_duration(),
            target_buffer: Duration::from_secs_f64(self.capacity_s),
            ..StreamSettings::default()
        };
        engine.handle_input(Input::Stream { stream: STREAM, at: clock(0.0), settings });
        let viewer = |(index, link): (usize, &'a Trace)| Viewer {
            link: link.cursor(AtEnd::Loop),
            history: History::default(),
            memory: Memory::default(),
            cap: None,
            rung: None,
            buffer_s: 0.0,
            stalled_s: 0.0,
            segment: 0,
            next_s: index as f64 * 0.37,
        };
        let mut viewers: Vec<Viewer<'_>> = self.links.iter().enumerate().map(viewer).collect();
        let mut outcome = AudienceOutcome { stall_weight: 1.0, ..AudienceOutcome::default() };
        let (mut stalled_s, mut megabits, mut segments) = (0.0, 0.0, 0_u32);
        let mut complaints: VecDeque<(f64, u64)> = VecDeque::new();
        let (mut tick_s, mut talk_s, mut talkers) = (TICK_S, 0.5, 0_u64);
        loop {
            let next = (0..viewers.len()).min_by(|&a, &b| viewers[a].next_s.total_cmp(&viewers[b].next_s));
            let Some(index) = next.filter(|&index| viewers[index].next_s.is_finite()) else { break };
            let now_s = viewers[index].next_s;
            while talk_s <= now_s.min(tick_s) && self.small_talk_per_s > 0.0 {
                talkers += 1;
                say(&mut engine, talk_s, 10_000 + talkers % 150, None);
                talk_s += 1.0 / self.small_talk_per_s;
            }
            if let Some(&(at_s, author)) = complaints.front()
                && at_s <= now_s.min(tick_s)
            {
                complaints.pop_front();
                outcome.complaints += 1;
                say(&mut engine, at_s, author, Some(Aspect::Buffering));
                continue;
            }
            if tick_s <= now_s {
                engine.handle_input(Input::Tick { at: clock(tick_s) });
                tick_s += TICK_S;
                while let Some(output) = engine.poll_output() {
                    match output {
                        Output::Weights { weights, .. } => {
                            outcome.stall_weight = outcome.stall_weight.max(weights.stall);
                        }
                        Output::BlindSpot(_) => outcome.alarms += 1,
                        _ => {}
                    }
                }
                continue;
            }
            let viewer = &mut viewers[index];
            let stalled_before = viewer.stalled_s;
            let rung = self.fetch(viewer, client, &mut engine, index, now_s);
            megabits += self.video.ladder().bitrate(rung).as_mbps();
            segments += 1;
            let stalled = viewer.stalled_s - stalled_before;
            if stalled > 0.0 {
                stalled_s += stalled;
                outcome.stalls += 1;
                if rng.random_bool(self.writing) {
                    let at_s = viewer.next_s + rng.random_range(1.0..5.0);
                    let position = complaints.partition_point(|&(other, _)| other < at_s);
                    complaints.insert(position, (at_s, index as u64));
                }
            }
        }
        let media_s = f64::from(segments) * self.video.segment_duration().as_secs_f64();
        outcome.stall_ratio = stalled_s / media_s.max(1.0);
        outcome.bitrate_mbps = megabits / f64::from(segments.max(1));
        outcome
    }

    /// Reports, asks for a segment and waits for it; returns the rung.
    fn fetch(
        &self,
        viewer: &mut Viewer<'_>,
        client: &dyn Policy,
        engine: &mut Engine,
        index: usize,
        now_s: f64,
    ) -> RungIndex {
        let ladder = self.video.ladder();
        let view = View {
            now: clock(now_s),
            ladder,
            segment_duration: self.video.segment_duration(),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(viewer.buffer_s),
            buffer_capacity: Duration::from_secs_f64(self.capacity_s),
            current: viewer.rung,
            live_latency: None,
            history: &viewer.history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: Guidance::default(),
        };
        let own = client.decide(&view, &mut viewer.memory).rung;
        let rung = viewer.cap.map_or(own, |cap| own.min(cap));
        let newest = viewer.history.newest();
        let player = Player {
            encoded_bitrate: Some(ladder.bitrate(rung)),
            measured_throughput: newest.map(|transfer| Bitrate::from_kbps_f64(f64::from(transfer.throughput_kbps))),
            transfer_time: newest.map(|transfer| Duration::from_secs_f64(f64::from(transfer.seconds))),
            buffer_length: Some(view.buffer_length),
            target_buffer_length: Some(view.buffer_capacity),
            object_duration: Some(view.segment_duration),
            state: Some(if newest.is_some() { PlayerState::Playing } else { PlayerState::Starting }),
            buffer_starvation: viewer.buffer_s <= view.segment_duration.as_secs_f64() + 1e-9 && viewer.stalled_s > 0.0,
            startup: newest.is_none(),
            ..Player::default()
        };
        let session = SessionId(index as u64 + 1);
        let report = Report::Player(player);
        engine.handle_input(Input::Sample(Sample { session, stream: STREAM, at: clock(now_s), report }));
        let cap = engine.decision(session).and_then(|decision| decision.cap);
        let bits = self.video.bits(viewer.segment, rung);
        let done_s = viewer.link.finish_of(now_s + ROUND_TRIP_S, bits).unwrap_or(f64::INFINITY);
        let took_s = done_s - now_s;
        if viewer.segment > 0 {
            viewer.stalled_s += (took_s - viewer.buffer_s).max(0.0);
        }
        viewer.buffer_s = (viewer.buffer_s - took_s).max(0.0) + self.video.segment_duration().as_secs_f64();
        let wait_s = (viewer.buffer_s - self.capacity_s).max(0.0);
        viewer.buffer_s -= wait_s;
        viewer.history.push(Bitrate::from_kbps_f64(bits / took_s / 1_000.0), Duration::from_secs_f64(took_s));
        (viewer.rung, viewer.cap) = (Some(rung), cap);
        viewer.segment += 1;
        viewer.next_s = if viewer.segment < self.video.segments() { done_s + wait_s } else { f64::INFINITY };
        rung
    }
}

fn say(engine: &mut Engine, at_s: f64, author: u64, about: Option<Aspect>) {
    engine.handle_input(Input::Feedback {
        stream: STREAM,
        author: AuthorId(author),
        at: clock(at_s),
        id: String::new(),
        reading: reading(about),
        session: None,
    });
}
