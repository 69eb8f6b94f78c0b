//! All shards, what each remembers of its sessions, and how an input reaches an engine.

use crate::{
    answer::Answer,
    by_id::ById,
    clock::Clock,
    cohort::Cohorts,
    input_log::{Recorder, engine_config},
    lock::locked,
    meters::Meters,
    modes::Modes,
    offer::StreamOffer,
    place::Place,
    publishers::Encoders,
    rollup::{Rollup, SurveyTotals},
    sequence::SequenceWindow,
    tap::Tap,
};
use headroom_core::{
    decision::Decision,
    engine::{CohortPool, Config, Engine, Input, Output},
    mode::Mode,
    telemetry::{NetworkId, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// Sessions looked at under one hold of a shard's lock: well under a millisecond, so no request waits long for a round.
const SURVEYED_AT_ONCE: usize = 256;

/// Silence after which a publisher has ended its stream.
const PUBLISHER_GONE: Duration = Duration::from_secs(300);

/// All shards.
pub struct Shards {
    pub(super) shards: Box<[Mutex<Shard>]>,
    pub(super) clock: Clock,
    pub(super) meters: Arc<dyn Meters>,
    recorder: Option<Recorder>,
    /// The last report of each stream's publisher.
    pub(super) encoders: Mutex<Encoders>,
    /// What audiences brought to light and others must hear of; taken after every tick.
    pub(super) news: Mutex<Vec<Output>>,
    pub(super) cohorts: Cohorts,
    pub(super) modes: Modes,
}

/// One engine and what is remembered of its sessions beside it.
pub(super) struct Shard {
    index: usize,
    pub(super) engine: Engine,
    pub(super) entries: ById<SessionId, SessionEntry>,
    pub(super) offers: ById<StreamId, StreamOffer>,
    pub(super) watchers: ById<SessionId, watch::Sender<Option<Decision>>>,
    /// What sessions went through that ended since the last round.
    ended: Rollup,
    /// Reads along for the archive; `None` without one.
    pub(super) tap: Option<Box<dyn Tap>>,
    pub(super) last_tick: Timestamp,
    /// Between the latest two ticks, and how long the latest took.
    pub(super) tick_interval: Duration,
    pub(super) tick_took: Duration,
}

/// What is kept of a session beside the engine's record.
#[derive(Clone, Copy, Default)]
pub(super) struct SessionEntry {
    pub(super) requests: SequenceWindow,
    pub(super) events: SequenceWindow,
    pub(super) last_seen: Timestamp,
    pub(super) stream: StreamId,
    pub(super) rtt_ms: u16,
    /// Where it is; the engine knows of it.
    pub(super) location: ClientLocation,
    /// How far the sums of the fleet have taken it in.
    surveyed: SurveyTotals,
    /// The player reports for itself, so watching its transfers adds nothing.
    pub(super) reports: bool,
    /// It posts events, beside what its requests say.
    pub(super) posts: bool,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientLocation {
    /// By the operator's names.
    pub place: Place,
    /// The network itself; 0 when not known.
    pub network: NetworkId,
}

impl Shards {
    /// `count` engines of the same configuration; the bound on sessions is divided among them. `tap` makes what reads along
    /// with each.
    pub fn new(
        count: usize,
        config: &Config,
        clock: Clock,
        meters: Arc<dyn Meters>,
        recorder: Option<Recorder>,
        tap: impl Fn() -> Option<Box<dyn Tap>>,
    ) -> Self {
        let config = engine_config(count, config);
        let shard = |index| Shard {
            index,
            engine: Engine::new(config.clone()),
            entries: ById::default(),
            offers: ById::default(),
            watchers: ById::default(),
            ended: Rollup::default(),
            tap: tap(),
            last_tick: clock.now(),
            tick_interval: Duration::ZERO,
            tick_took: Duration::ZERO,
        };
        Self {
            shards: (0..count).map(|index| Mutex::new(shard(index))).collect(),
            clock,
            meters,
            recorder,
            encoders: Mutex::default(),
            news: Mutex::default(),
            cohorts: Cohorts::default(),
            modes: Modes::default(),
        }
    }

    /// Number of shards.
    pub fn count(&self) -> usize {
        self.shards.len()
    }

    /// The time, for reports that come together.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds up what cohorts measured in all shards, and warns those of their members whose cohort falls.
    pub fn pool_cohorts(&self) {
        let pools = (0..self.count()).map(|index| (index, self.cohorts_of(index)));
        for (index, (stream, network), outlook) in self.cohorts.add_up(pools, self.clock.now()) {
            let mut shard = locked(&self.shards[index]);
            let at = self.clock.now();
            self.feed(&mut shard, Input::Cohort { at, stream, network, outlook });
        }
    }

    /// The cohorts of one shard's sessions.
    fn cohorts_of(&self, index: usize) -> Vec<CohortPool> {
        locked(&self.shards[index]).engine.cohorts().collect()
    }

    /// Segment duration of what a session plays.
    pub(crate) fn segment_duration(&self, session: SessionId) -> Duration {
        self.offer_of(session).segment_duration
    }

    /// What a session plays, where it is known.
    pub(crate) fn stream_of(&self, session: SessionId) -> Option<StreamId> {
        let shard = self.shard_of(session);
        shard.entries.get(&session).map(|entry| entry.stream)
    }

    pub(super) fn offer_of(&self, session: SessionId) -> StreamOffer {
        let shard = self.shard_of(session);
        let stream = shard.entries.get(&session).map(|entry| entry.stream);
        stream.and_then(|stream| shard.offers.get(&stream)).copied().unwrap_or_default()
    }

    /// Whether the session reports for itself.
    pub(crate) fn reports_itself(&self, session: SessionId) -> bool {
        self.shard_of(session).entries.get(&session).is_some_and(|entry| entry.reports)
    }

    /// Lets one shard decide. Returns how many sessions it holds.
    pub fn tick(&self, index: usize) -> usize {
        let mut shard = locked(&self.shards[index]);
        let at = self.clock.now();
        self.feed(&mut shard, Input::Tick { at });
        shard.watchers.retain(|_, watcher| watcher.receiver_count() > 0);
        shard.tick_interval = at.since(shard.last_tick);
        shard.tick_took = self.clock.now().since(at);
        shard.last_tick = at;
        let sessions = shard.engine.len();
        hand_over(shard, at);
        sessions
    }

    /// Adds the state of every session of one shard, and of those that ended since, to a round.
    pub fn survey(&self, index: usize, round: &mut Rollup) {
        let sessions: Vec<SessionId> = {
            let mut shard = locked(&self.shards[index]);
            round.merge(std::mem::take(&mut shard.ended));
            shard.engine.sessions().collect()
        };
        for some in sessions.chunks(SURVEYED_AT_ONCE) {
            let mut shard = locked(&self.shards[index]);
            let now = self.clock.now();
            let Shard { engine, entries, .. } = &mut *shard;
            for &session in some {
                if let (Some(snapshot), Some(entry)) = (engine.view(session), entries.get_mut(&session)) {
                    round.observe(&snapshot, entry.location.place, &mut entry.surveyed, now);
                }
            }
        }
    }

    /// The last report of each publisher that was heard of lately.
    pub(crate) fn encoders(&self) -> Encoders {
        let now = self.clock.now();
        let mut encoders = locked(&self.encoders);
        encoders.retain(|_, (at, _)| now.since(*at) < PUBLISHER_GONE);
        encoders.clone()
    }

    /// Writes out the logs and hands over what was read along; later inputs are not recorded.
    pub fn close_log(&self) {
        for shard in &self.shards {
            hand_over(locked(shard), self.clock.now());
        }
        if let Some(recorder) = &self.recorder {
            recorder.close();
        }
    }

    pub(super) fn shard_of(&self, session: SessionId) -> MutexGuard<'_, Shard> {
        locked(&self.shards[self.index_of(session.0)])
    }

    /// The low bits of an identifier index the engine's table; the high ones choose the shard.
    pub(super) fn index_of(&self, id: u64) -> usize {
        (id >> 48) as usize % self.shards.len()
    }

    /// Hands an input to the engine, records both sides, tells who watches. Samples go by [`Shards::feed_sample`].
    pub(super) fn feed(&self, shard: &mut Shard, input: Input) {
        let recorded = self.recorder.as_ref().map(|recorder| (recorder, input.clone()));
        shard.engine.handle_input(input);
        self.tell(shard, recorded);
    }

    /// The same of a sample. Nearly all inputs are samples, so one is lent, and copied where inputs are recorded only.
    pub(super) fn feed_sample(&self, shard: &mut Shard, sample: &Sample) {
        if let Some(tap) = &mut shard.tap {
            tap.sample(sample);
        }
        let recorded = self.recorder.as_ref().map(|recorder| (recorder, Input::Sample(sample.clone())));
        shard.engine.handle_sample(sample);
        self.tell(shard, recorded);
    }

    /// Passes on what the engine has to say after an input.
    fn tell(&self, shard: &mut Shard, recorded: Option<(&Recorder, Input)>) {
        let mut outputs = Vec::new();
        while let Some(output) = shard.engine.poll_output() {
            match &output {
                Output::Decision(decision) => {
                    if let Some(tap) = &mut shard.tap {
                        let entry = shard.entries.get(&decision.session);
                        tap.decision(entry.map_or(StreamId::UNKNOWN, |entry| entry.stream), decision);
                    }
                    if let Some(watcher) = shard.watchers.get(&decision.session) {
                        watcher.send_replace(Some(decision.clone()));
                    }
                }
                Output::Expired { session, summary, .. } => {
                    let gone = shard.entries.remove(session).unwrap_or_default();
                    shard.ended.end(summary, gone.stream, gone.location.place, gone.surveyed);
                }
                Output::Weights { .. } | Output::BlindSpot(_) | Output::BlindSpotCleared { .. } => {
                    locked(&self.news).push(output.clone());
                }
            }
            if recorded.is_some() {
                outputs.push(output);
            }
        }
        if let Some((recorder, input)) = recorded {
            recorder.record(shard.index, input, outputs);
        }
    }

    /// What is done with the decisions about a session.
    pub(super) fn mode_in(&self, shard: &Shard, session: SessionId) -> Mode {
        self.modes.of(shard.entries.get(&session).map_or(StreamId::UNKNOWN, |entry| entry.stream))
    }

    pub(super) fn answer(&self, shard: &Shard, session: SessionId, now: Timestamp) -> Answer {
        if self.mode_in(shard, session) != Mode::Steer {
            return Answer::default();
        }
        let entry = shard.entries.get(&session).copied().unwrap_or_default();
        let offer = shard.offers.get(&entry.stream).copied().unwrap_or_default();
        let Some(decision) = shard.engine.decision(session) else {
            // Orders hold for everyone, known or not.
            let cap = shard.engine.ordered_cap(entry.stream, now);
            return Answer { cap, suggested: cap.map(|cap| offer.announce(cap)), ..Answer::default() };
        };
        self.meters.decision_age(now.since(shard.last_tick));
        Answer {
            cap: decision.max_bitrate,
            suggested: decision.max_bitrate.map(|cap| offer.announce(cap)),
            expected_throughput: decision.expected_throughput,
            rtt_ms: (entry.rtt_ms > 0).then_some(entry.rtt_ms),
        }
    }
}

/// Passes on what was read along with a shard, once its lock is free again.
fn hand_over(mut shard: MutexGuard<'_, Shard>, at: Timestamp) {
    let Some(tap) = &mut shard.tap else { return };
    let handover = tap.take(at);
    drop(shard);
    handover();
}
