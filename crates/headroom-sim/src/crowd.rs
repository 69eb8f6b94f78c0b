//! Many viewers behind one bottleneck: an edge's egress, a cell.
//!
//! The link is shared equally by the transfers under way at each moment, as long TCP flows of like round trips share one
//! (processor sharing). Players follow Pensieve's rules but for the round trip, during which the link runs on, and the wait
//! above the capacity, which is exact. One engine may guide them all, and may be told what the bottleneck carries.

use crate::{
    score::Score,
    session::Step,
    statistics,
    trace::{AtEnd, Cursor, Trace},
    video::Video,
};
use headroom_core::{
    allocation::CapacityEstimate,
    engine::{Config, Engine, Input, StreamSettings},
    forecast::{Forecast, History},
    ladder::RungIndex,
    policy::{Memory, Policy, Segments, View, Weights},
    qoe::Linear,
    telemetry::{NetworkId, Player, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde::Serialize;

/// What the viewers share and how they play.
#[derive(Clone, Debug)]
pub struct Crowd<'a> {
    /// The bottleneck; it repeats as needed.
    pub trace: &'a Trace,
    /// One video for each kind of viewer; viewers take them in turn.
    pub videos: &'a [Video],
    /// How many watch.
    pub viewers: usize,
    /// How long they watch, seconds.
    pub seconds: f64,
    /// Most media each holds, seconds.
    pub capacity_s: f64,
    /// How sessions are scored.
    pub qoe: Linear,
}

/// Who decides.
#[derive(Clone, Debug, PartialEq)]
pub enum Guidance {
    /// Every player for itself.
    None,
    /// An engine that ticks every two seconds caps every player.
    Engine {
        /// Its settings.
        config: Box<Config>,
        /// Whether it is told, at each tick, what the bottleneck carries by what it carried lately.
        capacity_known: bool,
        /// Whether it knows that all come over one network, and pools what they measure.
        cohort: bool,
    },
}

/// How a viewer is treated in an experiment.
#[derive(Clone, Copy)]
pub struct Treatment<'a> {
    /// What the player runs.
    pub client: &'a dyn Policy,
    /// Connections that a transfer is spread over: each gets an equal share of the link.
    pub connections: f64,
}

/// One segment of one viewer of an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Played {
    /// When it was asked for, seconds since the start.
    pub requested_s: f64,
    /// Who watches.
    pub viewer: usize,
    /// Its length, seconds.
    pub media_s: f64,
    /// Seconds stood still for it; none for the start-up.
    pub stall_s: f64,
    /// Megabits of its rung.
    pub megabits: f64,
}

/// How the viewers fared together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Sum of the sessions' QoE, Mbit/s a segment.
    pub qoe_total: f64,
    /// Mean QoE of the worst tenth of the sessions.
    pub qoe_worst_decile: f64,
    /// Jain's index of the mean bit rates: 1 when all are equal (Jain, Chiu, Hawe 1984).
    pub jain: f64,
    /// Stall seconds for each second of media, over all sessions.
    pub stall_ratio: f64,
    /// Mean bit rate, Mbit/s.
    pub bitrate_mbps: f64,
    /// Sessions that played at least two segments; the others count nowhere else.
    pub sessions: usize,
}

const ROUND_TRIP_S: f64 = 0.08;
const PAYLOAD_SHARE: f64 = 0.95;
const TICK_S: f64 = 2.0;
/// Viewers join this long after each other: not at once, and not in step with any segment duration.
const STAGGER_S: f64 = 0.37;
/// Where all come from.
const NETWORK: NetworkId = NetworkId(1);
/// The engine's clock at the start: time zero means "never" in places.
const START_S: f64 = 1_000.0;

impl Crowd<'_> {
    /// Plays all sessions of `client` under `guidance`.
    #[must_use]
    pub fn play(&self, client: &dyn Policy, guidance: &Guidance) -> Outcome {
        let (treatments, arm) = ([Treatment { client, connections: 1.0 }], |_: usize, _: f64| 0);
        let mut run = Run::new(self, Treated { treatments: &treatments, arm: &arm }, guidance);
        run.play_to_end();
        self.outcome(&run.viewers)
    }

    /// Plays all sessions without an engine, each asking as the treatment says that `arm` gives for the viewer and the time.
    ///
    /// # Panics
    /// When `arm` names a treatment that is not there.
    #[must_use]
    pub fn play_treated(&self, treatments: &[Treatment<'_>], arm: &dyn Fn(usize, f64) -> usize) -> Vec<Played> {
        let mut run = Run::new(self, Treated { treatments, arm }, &Guidance::None);
        run.play_to_end();
        let of = |(viewer, state): (usize, &Viewer<'_>)| {
            let media_s = state.video.segment_duration().as_secs_f64();
            let played = |(number, step): (usize, &Step)| Played {
                requested_s: step.requested_s,
                viewer,
                media_s,
                stall_s: if number == 0 { 0.0 } else { step.stall_s },
                megabits: state.video.ladder().bitrate(step.rung).as_kbps() / 1_000.0 * media_s,
            };
            state.steps.iter().enumerate().map(played).collect::<Vec<_>>()
        };
        run.viewers.iter().enumerate().flat_map(of).collect()
    }

    fn outcome(&self, viewers: &[Viewer<'_>]) -> Outcome {
        let score = |viewer: &Viewer<'_>| {
            Score::of(&viewer.steps, viewer.video.ladder(), viewer.video.segment_duration(), &self.qoe)
        };
        let scores: Vec<Score> = viewers.iter().filter_map(score).collect();
        let mut qoe: Vec<f64> = scores.iter().map(|score| score.qoe).collect();
        qoe.sort_by(f64::total_cmp);
        let rates: Vec<f64> = scores.iter().map(|score| score.bitrate_mbps).collect();
        let sum: f64 = rates.iter().sum();
        let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
        let stall: Vec<f64> = scores.iter().map(|score| score.stall_ratio).collect();
        Outcome {
            qoe_total: qoe.iter().sum(),
            qoe_worst_decile: statistics::mean(&qoe[..qoe.len().div_ceil(10)]),
            jain: sum * sum / (rates.len() as f64 * squares),
            stall_ratio: statistics::mean(&stall),
            bitrate_mbps: statistics::mean(&rates),
            sessions: scores.len(),
        }
    }
}

/// What a viewer's player is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Until then nothing.
    Waiting { until_s: f64 },
    /// Asked; the first byte comes then.
    Asked { first_byte_s: f64 },
    /// Bits still to come.
    Receiving { left_bits: f64 },
    /// The video is over.
    Done,
}

struct Viewer<'a> {
    video: &'a Video,
    phase: Phase,
    next: usize,
    rung: RungIndex,
    current: Option<RungIndex>,
    asked_s: f64,
    connections: f64,
    buffer_s: f64,
    stall_s: f64,
    unreported_stall_s: f64,
    history: History,
    memory: Memory,
    received: Option<RungIndex>,
    steps: Vec<Step>,
}

/// The engine, and what it knows.
struct Guide {
    engine: Engine,
    capacity_known: bool,
    capacity: CapacityEstimate,
    cohort: bool,
}

/// Who is treated how, and when.
#[derive(Clone, Copy)]
struct Treated<'a> {
    treatments: &'a [Treatment<'a>],
    arm: &'a dyn Fn(usize, f64) -> usize,
}

struct Run<'a> {
    crowd: &'a Crowd<'a>,
    treated: Treated<'a>,
    engine: Option<Guide>,
    link: Cursor<'a>,
    now_s: f64,
    next_tick_s: f64,
    viewers: Vec<Viewer<'a>>,
}

impl<'a> Run<'a> {
    fn new(crowd: &'a Crowd<'a>, treated: Treated<'a>, guidance: &Guidance) -> Self {
        let engine = match guidance {
            Guidance::None => None,
            Guidance::Engine { config, capacity_known, cohort } => {
                let mut engine = Engine::new((**config).clone());
                for (index, video) in crowd.videos.iter().enumerate() {
                    let settings = StreamSettings {
                        ladder: video.ladder().clone(),
                        segment_duration: video.segment_duration(),
                        target_buffer: Duration::from_secs_f64(crowd.capacity_s),
                        ..StreamSettings::default()
                    };
                    engine.handle_input(Input::Stream { stream: StreamId(index as u64), at: clock(0.0), settings });
                }
                let capacity = CapacityEstimate::default();
                Some(Guide { engine, capacity_known: *capacity_known, capacity, cohort: *cohort })
            }
        };
        let viewer = |(index, video): (usize, &'a Video)| Viewer {
            video,
            phase: Phase::Waiting { until_s: index as f64 * STAGGER_S },
            next: 0,
            rung: 0,
            current: None,
            asked_s: 0.0,
            connections: 1.0,
            buffer_s: 0.0,
            stall_s: 0.0,
            unreported_stall_s: 0.0,
            history: History::default(),
            memory: Memory::default(),
            received: None,
            steps: Vec::new(),
        };
        Self {
            crowd,
            treated,
            engine,
            link: crowd.trace.cursor(AtEnd::Loop),
            now_s: 0.0,
            next_tick_s: TICK_S,
            viewers: crowd.videos.iter().cycle().take(crowd.viewers).enumerate().map(viewer).collect(),
        }
    }

    fn play_to_end(&mut self) {
        while self.now_s < self.crowd.seconds {
            let share = self.share_bps();
            let next_s = self.next_event(share).min(self.crowd.seconds);
            self.pass(next_s - self.now_s, share);
            self.now_s = next_s;
            if self.now_s >= self.next_tick_s {
                self.tick();
            }
            for index in 0..self.viewers.len() {
                self.handle(index);
            }
        }
    }

    /// What each connection under way gets now, bits per second.
    fn share_bps(&mut self) -> f64 {
        let receiving = |viewer: &&Viewer<'_>| matches!(viewer.phase, Phase::Receiving { .. });
        let active: f64 = self.viewers.iter().filter(receiving).map(|viewer| viewer.connections).sum();
        self.link.throughput_kbps_at(self.now_s) * 1_000.0 * PAYLOAD_SHARE / active.max(1.0)
    }

    /// When something next happens. Later than now, so that time goes on.
    fn next_event(&mut self, share_bps: f64) -> f64 {
        let now_s = self.now_s;
        let change_s = self.link.next_change_after(now_s).unwrap_or(f64::INFINITY);
        let of = |viewer: &Viewer<'_>| match viewer.phase {
            Phase::Waiting { until_s } => until_s,
            Phase::Asked { first_byte_s } => first_byte_s,
            Phase::Receiving { left_bits } if share_bps > 0.0 => now_s + left_bits / (share_bps * viewer.connections),
            Phase::Receiving { .. } | Phase::Done => f64::INFINITY,
        };
        let first = self.viewers.iter().map(of).fold(change_s.min(self.next_tick_s), f64::min);
        // A microsecond is the resolution of the engine's clock.
        first.max(now_s + 1e-6)
    }

    fn pass(&mut self, seconds: f64, share_bps: f64) {
        for viewer in &mut self.viewers {
            if let Phase::Receiving { left_bits } = &mut viewer.phase {
                *left_bits -= share_bps * viewer.connections * seconds;
            }
            if viewer.phase == Phase::Done {
                continue;
            }
            let played_s = seconds.min(viewer.buffer_s);
            viewer.buffer_s -= played_s;
            viewer.stall_s += seconds - played_s;
        }
    }

    fn tick(&mut self) {
        let before_s = self.next_tick_s - TICK_S;
        let carried = self.link.bits_until(self.next_tick_s) - self.link.bits_until(before_s);
        let at = clock(self.next_tick_s);
        self.next_tick_s += TICK_S;
        let Some(Guide { engine, capacity_known, capacity, .. }) = &mut self.engine else { return };
        if *capacity_known {
            let capacity = capacity.observe(at, Bitrate::bps((carried * PAYLOAD_SHARE / TICK_S) as u64));
            engine.handle_input(Input::Bottleneck { at, stream: None, capacity: Some(capacity) });
        }
        engine.handle_input(Input::Tick { at });
        while engine.poll_output().is_some() {}
    }

    /// Does what is due for one viewer.
    fn handle(&mut self, index: usize) {
        let now_s = self.now_s;
        match self.viewers[index].phase {
            Phase::Waiting { until_s } if until_s <= now_s => self.ask(index),
            Phase::Asked { first_byte_s } if first_byte_s <= now_s => {
                let viewer = &mut self.viewers[index];
                viewer.phase = Phase::Receiving { left_bits: viewer.video.bits(viewer.next, viewer.rung) };
            }
            // A thousandth of a bit is rounding.
            Phase::Receiving { left_bits } if left_bits <= 1e-3 => self.deliver(index),
            _ => {}
        }
    }

    fn ask(&mut self, index: usize) {
        let (now_s, capacity_s) = (self.now_s, self.crowd.capacity_s);
        let viewer = &mut self.viewers[index];
        if viewer.steps.is_empty() {
            // Standing still before the first segment is asked for is no start-up delay.
            viewer.stall_s = 0.0;
        }
        let view = View {
            now: clock(now_s),
            ladder: viewer.video.ladder(),
            segment_duration: viewer.video.segment_duration(),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(viewer.buffer_s),
            buffer_capacity: Duration::from_secs_f64(capacity_s),
            current: viewer.current,
            live_latency: None,
            history: &viewer.history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: headroom_core::policy::Guidance::default(),
        };
        let treatment = self.treated.treatments[(self.treated.arm)(index, now_s)];
        viewer.connections = treatment.connections;
        let own = treatment.client.decide(&view, &mut viewer.memory).rung;
        viewer.rung = viewer.received.map_or(own, |cap| own.min(cap));
        if let Some(Guide { engine, cohort, .. }) = &mut self.engine {
            let kinds = self.crowd.videos.len();
            let (session, stream) = (SessionId(index as u64 + 1), StreamId((index % kinds) as u64));
            let report = Report::Player(report(viewer, capacity_s));
            engine.handle_input(Input::Sample(Sample { session, stream, at: clock(now_s), report }));
            if *cohort && viewer.next == 0 {
                engine.handle_input(Input::Join { at: clock(now_s), session, network: NETWORK });
            }
            viewer.received = engine.decision(session).and_then(|decision| decision.cap);
        }
        viewer.asked_s = now_s;
        viewer.phase = Phase::Asked { first_byte_s: now_s + ROUND_TRIP_S };
    }

    fn deliver(&mut self, index: usize) {
        let (now_s, capacity_s) = (self.now_s, self.crowd.capacity_s);
        let viewer = &mut self.viewers[index];
        let bits = viewer.video.bits(viewer.next, viewer.rung);
        let transfer_s = now_s - viewer.asked_s;
        let throughput = Bitrate::from_kbps_f64(bits / transfer_s / 1_000.0);
        viewer.history.push(throughput, Duration::from_secs_f64(transfer_s));
        viewer.current = Some(viewer.rung);
        viewer.buffer_s += viewer.video.segment_duration().as_secs_f64();
        let wait_s = (viewer.buffer_s - capacity_s).max(0.0);
        let stall_s = std::mem::take(&mut viewer.stall_s);
        if viewer.next > 0 {
            viewer.unreported_stall_s += stall_s;
        }
        viewer.steps.push(Step {
            requested_s: viewer.asked_s,
            rung: viewer.rung,
            bits,
            transfer_s,
            stall_s,
            wait_s,
            buffer_s: viewer.buffer_s - wait_s,
            playback_rate: 1.0,
            ..Step::default()
        });
        viewer.next += 1;
        viewer.phase = if viewer.next < viewer.video.segments() {
            Phase::Waiting { until_s: now_s + wait_s }
        } else {
            Phase::Done
        };
    }
}

/// What the request for the next segment says.
fn report(viewer: &mut Viewer<'_>, capacity_s: f64) -> Player {
    let newest = viewer.history.newest();
    let stalled = Duration::from_secs_f64(std::mem::take(&mut viewer.unreported_stall_s));
    Player {
        encoded_bitrate: Some(viewer.video.ladder().bitrate(viewer.rung)),
        measured_throughput: newest.map(|transfer| Bitrate::from_kbps_f64(f64::from(transfer.throughput_kbps))),
        transfer_time: newest.map(|transfer| Duration::from_secs_f64(f64::from(transfer.seconds))),
        buffer_length: Some(Duration::from_secs_f64(viewer.buffer_s)),
        target_buffer_length: Some(Duration::from_secs_f64(capacity_s)),
        object_duration: Some(viewer.video.segment_duration()),
        state: Some(if newest.is_some() { PlayerState::Playing } else { PlayerState::Starting }),
        buffer_starvation: stalled > Duration::ZERO,
        starvation_duration: (stalled > Duration::ZERO).then_some(stalled),
        startup: newest.is_none(),
        ..Player::default()
    }
}

fn clock(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(START_S + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::{ladder::Ladder, policy::Throughput};

    fn crowd<'a>(trace: &'a Trace, videos: &'a [Video], viewers: usize) -> Crowd<'a> {
        let qoe = Linear { stall_penalty: 20.0, switch_penalty: 1.0 };
        Crowd { trace, videos, viewers, seconds: 120.0, capacity_s: 6.0, qoe }
    }

    fn video() -> Video {
        Video::jittered(Ladder::default(), Duration::from_secs(2), 200, 0.0, 7).unwrap()
    }

    #[test]
    fn equals_share_equally_and_no_byte_is_made_up() {
        let (trace, videos) = (Trace::constant(24_000.0).unwrap(), [video()]);
        let policy = Throughput { safety: 0.9, ..Throughput::default() };
        let alone = crowd(&trace, &videos, 1).play(&policy, &Guidance::None);
        let many = crowd(&trace, &videos, 8).play(&policy, &Guidance::None);
        // 0.9 of what arrives, 22.8 Mbit/s less a round trip a segment, lies just below the rung of 20 Mbit/s.
        assert!((11.0..=12.0).contains(&alone.bitrate_mbps), "{alone:?}");
        assert_eq!(many.sessions, 8);
        assert!(many.jain > 0.95, "{many:?}");
        assert!(many.bitrate_mbps * 8.0 < 24.0, "{many:?}");
        assert_eq!(many, crowd(&trace, &videos, 8).play(&policy, &Guidance::None));
    }

    #[test]
    fn an_engine_that_knows_the_bottleneck_keeps_it_from_overload() {
        let (trace, videos) = (Trace::constant(24_000.0).unwrap(), [video()]);
        let policy = Throughput { safety: 1.2, ..Throughput::default() };
        let crowd = crowd(&trace, &videos, 8);
        let alone = crowd.play(&policy, &Guidance::None);
        let guidance = Guidance::Engine { config: Box::default(), capacity_known: true, cohort: false };
        let guided = crowd.play(&policy, &guidance);
        assert!(guided.stall_ratio <= alone.stall_ratio, "{guided:?} {alone:?}");
        assert!(guided.bitrate_mbps * 8.0 < 24.0, "{guided:?}");
    }
}
