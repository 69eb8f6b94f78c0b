//! All shards, what each remembers of its sessions, and how an input reaches an engine.

use crate::{
    account::{Account, ArmAccounts},
    answer::Answer,
    arms::{ArmId, ArmTable, Arms, Reach},
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
    engine::{CohortPool, Config, Engine, Input, Output, Scope},
    experiment::Actuator,
    objective::Objective,
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
    pub(super) arms: Arms,
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
    /// What sessions of each arm went through that ended since the arms were last changed.
    ended_arms: ArmAccounts,
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
    /// Its arm, and for which arms, stream and network that was found.
    pub(super) arm: ArmId,
    arranged: (u32, StreamId, NetworkId),
    /// The objective that its arm has given it.
    arm_objective: Option<Objective>,
    /// What it went through, for comparing arms.
    pub(super) account: Account,
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
            ended_arms: ArmAccounts::default(),
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
            arms: Arms::default(),
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
        if index == 0 {
            self.arms.pass(at);
        }
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
    pub fn survey(&self, index: usize, round: &mut Rollup, arms: &mut ArmAccounts) {
        let table = self.arms.table();
        let sessions: Vec<SessionId> = {
            let mut shard = locked(&self.shards[index]);
            round.merge(std::mem::take(&mut shard.ended));
            arms.merge(&shard.ended_arms);
            shard.engine.sessions().collect()
        };
        for some in sessions.chunks(SURVEYED_AT_ONCE) {
            let mut shard = locked(&self.shards[index]);
            let now = self.clock.now();
            let Shard { engine, entries, .. } = &mut *shard;
            for &session in some {
                if let (Some(snapshot), Some(entry)) = (engine.view(session), entries.get_mut(&session)) {
                    round.observe(&snapshot, entry.location.place, &mut entry.surveyed, now);
                    let reach = table.treatment(entry.arm).reach().within(self.modes.of(entry.stream));
                    entry.account.observe(&snapshot, reach.any());
                    arms.add(entry.arm, &entry.account, entry.reports);
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
        self.arrange(shard, sample.session, sample.at);
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
                    let mut account = gone.account;
                    account.end(summary);
                    shard.ended_arms.add(gone.arm, &account, gone.reports);
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

    /// By which ways decisions reach a session.
    pub(super) fn reach_in(&self, shard: &Shard, session: SessionId) -> Reach {
        let entry = shard.entries.get(&session);
        let mode = self.modes.of(entry.map_or(StreamId::UNKNOWN, |entry| entry.stream));
        if self.arms.generation() == 0 {
            return Reach::ALL.within(mode);
        }
        let arm = entry.map_or(ArmId::OUTSIDE, |entry| entry.arm);
        self.arms.table().treatment(arm).reach().within(mode)
    }

    /// Puts a session into its arm: where it is first seen, and where the arms, its stream or its network changed.
    pub(super) fn arrange(&self, shard: &mut Shard, session: SessionId, at: Timestamp) {
        let generation = self.arms.generation();
        if generation == 0 {
            return;
        }
        let Some(entry) = shard.entries.get_mut(&session) else { return };
        let arranged = (generation, entry.stream, entry.location.network);
        if entry.arranged == arranged {
            return;
        }
        let arm = self.arms.assign(session, entry.stream, entry.location.network, at);
        if entry.arm != arm {
            // What it went through before belongs to the arm it was in.
            if entry.account.has_begun() {
                shard.ended_arms.add(entry.arm, &entry.account, entry.reports);
            }
            entry.account.restart();
        }
        (entry.arranged, entry.arm) = (arranged, arm);
        let objective = self.arms.table().treatment(arm).objective;
        if std::mem::replace(&mut entry.arm_objective, objective) != objective {
            self.feed(shard, Input::Objective { at, scope: Scope::Session(session), objective });
        }
    }

    /// Puts other experiments in force. What was counted of the ones before ends.
    pub(crate) fn replace_arms(&self, table: ArmTable) {
        self.arms.replace(table, self.clock.now());
        for shard in &self.shards {
            let mut shard = locked(shard);
            shard.ended_arms = ArmAccounts::default();
            let sessions: Vec<SessionId> = shard.entries.keys().copied().collect();
            for session in &sessions {
                let Some(entry) = shard.entries.get_mut(session) else { continue };
                // Numbers of arms mean others now.
                entry.arm = ArmId::OUTSIDE;
                entry.account.restart();
            }
            for session in sessions {
                self.arrange(&mut shard, session, self.clock.now());
            }
        }
        self.wake();
    }

    pub(super) fn answer(&self, shard: &Shard, session: SessionId, now: Timestamp) -> Answer {
        let reach = self.reach_in(shard, session);
        if !reach.any() {
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
            cap: decision.max_bitrate.filter(|_| reach.by(Actuator::Mb)),
            suggested: decision.max_bitrate.filter(|_| reach.by(Actuator::Mb)).map(|cap| offer.announce(cap)),
            expected_throughput: decision.expected_throughput.filter(|_| reach.by(Actuator::Etp)),
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
