//! The engine: inputs in, decisions out, nothing else.
//!
//! Call [`Engine::handle_input`], then drain [`Engine::poll_output`]. The engine reads no clock: every input says when
//! it happened. Sessions with news are decided at each tick; a starving buffer or a collapse of throughput is decided
//! at once.

mod advice;
mod audiences;
mod bottlenecks;
mod census;
mod cohorts;
mod commands;
mod config;
mod counters;
mod decide;
mod input;
mod streams;
mod table;

pub use advice::Recommendation;
pub use census::{Census, DurationHistogram, ScoreHistogram, SessionTotals, StreamCensus};
pub use cohorts::CohortPool;
pub use config::{Config, PolicyKind, UnknownPolicy};
pub use counters::Counters;
pub use input::{Input, Output, Scope, StreamSettings};

use crate::{
    allocation::Demand,
    audience::{self, Conditions},
    decision::Decision,
    objective::Objective,
    policy::Policy,
    session::{NO_RUNG, Record, Snapshot, Urgency},
    telemetry::{Report, Sample, SessionId, StreamId},
    time::Timestamp,
    units::Bitrate,
};
use audiences::Audiences;
use bottlenecks::Bottlenecks;
use cohorts::Cohorts;
use decide::{ceiling, guidance};
use std::collections::VecDeque;
use streams::Streams;
use table::Table;

/// Keeps every session's state and decides for it.
pub struct Engine {
    config: Config,
    policy: Box<dyn Policy>,
    table: Table,
    streams: Streams,
    bottlenecks: Bottlenecks,
    audiences: Audiences,
    cohorts: Cohorts,
    counters: Counters,
    outputs: VecDeque<Output>,
    last_tick: Option<Timestamp>,
}

impl Engine {
    /// An engine without sessions.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            policy: config.policy.build(),
            table: Table::new(config.max_sessions),
            streams: Streams::new(config.default_stream.clone()),
            bottlenecks: Bottlenecks::default(),
            audiences: Audiences::default(),
            cohorts: Cohorts::new(config.cohorts_must_agree),
            counters: Counters::default(),
            outputs: VecDeque::new(),
            last_tick: None,
            config,
        }
    }

    /// Takes in one input. Never fails: what cannot be used is counted and changes nothing.
    pub fn handle_input(&mut self, input: Input) {
        match input {
            Input::Sample(sample) => self.handle_sample(&sample),
            Input::Tick { at } => self.handle_tick(at),
            Input::Stream { stream, settings, .. } => self.streams.configure(stream, settings),
            Input::Bottleneck { stream, capacity, .. } => {
                self.bottlenecks.set(stream, capacity, &self.table, &self.streams);
            }
            Input::Override { at, scope, max_bitrate, until } => self.handle_override(at, scope, max_bitrate, until),
            Input::Objective { scope, objective, .. } => self.handle_objective(scope, objective),
            Input::Feedback { stream, author, at, id, reading, session } => {
                let at = self.plausible_time(at);
                self.counters.feedback += 1;
                let heard = self.audiences.observe(stream, author, at, &id, &reading, session.is_none());
                self.counters.unheard += u64::from(!heard);
                self.audiences.hasten(stream, at, &mut self.streams, &mut self.outputs);
                if let (Some(session), Some(command)) = (session, reading.command) {
                    self.handle_command(session, command, at);
                }
            }
            Input::Command { at, session, command } => self.handle_command(session, command, at),
            Input::Conditions { stream, at, conditions } => self.audiences.set_fleet(stream, at, conditions),
            Input::Join { at, session, network } => self.handle_join(session, network, at),
            Input::Cohort { at, stream, network, outlook } => self.cohorts.set_fleet(stream, network, at, outlook),
            Input::Weights { stream, weights, .. } => self.streams.weigh(stream, weights),
        }
    }

    /// The next thing the outside should know.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The decision in force for a session.
    #[must_use]
    pub fn decision(&self, session: SessionId) -> Option<Decision> {
        let record = self.table.get(session)?;
        Some(self.decision_of(record, self.streams.target(record.stream), &self.cohorts.expect(record)))
    }

    /// The cap that orders put over a session that is not known, as a rung of what it plays; `None` where none stands.
    #[must_use]
    pub fn ordered_cap(&self, stream: StreamId, at: Timestamp) -> Option<Bitrate> {
        let target = self.streams.known(stream);
        let limit = [target.ceiling.at(at), self.streams.everyone.at(at)].into_iter().flatten().min()?;
        let ladder = &target.settings.ladder;
        Some(ladder.bitrate(ladder.highest_within(limit).unwrap_or(0)))
    }

    /// The state of a session.
    #[must_use]
    pub fn view(&self, session: SessionId) -> Option<Snapshot> {
        let record = self.table.get(session)?;
        let target = self.streams.target(record.stream);
        let objective = guidance(&self.config, &self.streams, target, record).objective;
        Some(record.snapshot(target.stream, objective, &target.settings.ladder, &self.cohorts.expect(record)))
    }

    /// What each session that plays a stream, or anything, could use of a bottleneck: for a caller that divides a capacity
    /// over several engines and gives each its part by [`Input::Bottleneck`].
    pub fn demands(&self, stream: Option<StreamId>) -> impl Iterator<Item = Demand<'_>> {
        Bottlenecks::demands(stream, &self.table, &self.streams)
    }

    /// What the viewers of a stream say; `None` before the first message.
    #[must_use]
    pub fn audience(&self, stream: StreamId) -> Option<audience::State> {
        self.audiences.state(stream)
    }

    /// What the sessions of each stream go through now, as far as this engine holds them.
    #[must_use]
    pub fn conditions(&self, now: Timestamp) -> Vec<(StreamId, Conditions)> {
        audiences::conditions(&self.table, &self.streams, now)
    }

    /// Every live session, in table order.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.table.records().iter().map(|record| record.id)
    }

    /// What happened so far, counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Live sessions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.records().len()
    }

    /// Whether there is no live session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in a sample that the caller keeps: as [`Engine::handle_input`] of [`Input::Sample`].
    pub fn handle_sample(&mut self, sample: &Sample) {
        self.counters.samples += 1;
        let at = self.plausible_time(sample.at);
        let known = self.table.find(sample.session);
        let mut joined = known.is_none();
        let slot = match known {
            Some(slot) => slot,
            None => {
                let stream = self.streams.index(sample.stream);
                let inserted = self.table.insert(Record::new(sample.session, stream, at));
                if let Some(evicted) = inserted.evicted {
                    self.counters.evicted += 1;
                    self.cohorts.leave(evicted.cohort);
                    self.outputs.push_back(Output::Expired { session: evicted.id, at, summary: evicted.summary() });
                }
                inserted.slot
            }
        };
        let record = self.table.record_mut(slot);
        if at < record.last_seen {
            self.counters.reordered += 1;
            return;
        }
        let target = self.streams.target(record.stream);
        record.play_until(at, &target.settings.ladder, |rung| target.picture(rung));
        if sample.stream != self.streams.target(record.stream).stream && !sample.stream.is_unknown() {
            record.stream = self.streams.index(sample.stream);
            record.cohort = self.cohorts.change_stream(record.cohort, sample.stream);
            joined = true;
        }
        let before = record.throughput_baseline();
        let urgency = match &sample.report {
            Report::Player(player) => record.observe_player(at, player),
            Report::Link(link) => record.observe_link(at, link),
            Report::Radio(radio) => {
                record.observe_radio(radio);
                Urgency::Routine
            }
            Report::Encoder(_) => Urgency::Routine,
        };
        self.policy.reported(&sample.report, &record.history, at, &mut record.memory);
        if let Some(news) = record.new_throughput_since(&before, at) {
            self.cohorts.observe(record.cohort, at, news.seconds, news.kbps, before.average_kbps);
        }
        if joined {
            self.bottlenecks.admit(slot, &mut self.table, &self.streams);
        }
        match urgency {
            Urgency::Routine if joined => self.decide_if_limited(slot, at),
            Urgency::Routine => {}
            Urgency::Starvation | Urgency::Collapse => {
                self.counters.emergencies += 1;
                if urgency == Urgency::Starvation {
                    self.streams.note_stall(self.table.records()[slot].stream, at);
                }
                self.decide(slot, at, urgency);
            }
            Urgency::Quit => self.remove(slot, at),
        }
    }

    /// Whoever comes while an order or a bottleneck stands is told of it with the first answer: a player that reads a playlist
    /// once reads no other.
    fn decide_if_limited(&mut self, slot: usize, at: Timestamp) {
        let record = &self.table.records()[slot];
        if ceiling(record, &self.streams, self.streams.target(record.stream), at).is_some() {
            self.decide(slot, at, Urgency::Routine);
        }
    }

    fn handle_tick(&mut self, at: Timestamp) {
        self.counters.ticks += 1;
        self.last_tick = Some(at);
        self.bottlenecks.divide(&mut self.table, &self.streams);
        self.audiences.tick(at, &self.table, &mut self.streams, &mut self.outputs);
        self.cohorts.tick(at);
        let mut slot = 0;
        while slot < self.table.records().len() {
            let record = self.table.record_mut(slot);
            if at.since(record.last_seen) >= self.config.session_expiry {
                self.counters.expired += 1;
                self.remove(slot, at);
                continue;
            }
            if record.take_dirty() || self.cohorts.is_falling(record.cohort) {
                self.decide(slot, at, Urgency::Routine);
            }
            slot += 1;
        }
    }

    fn handle_override(&mut self, at: Timestamp, scope: Scope, max_bitrate: Option<Bitrate>, until: Option<Timestamp>) {
        self.counters.overrides += 1;
        match scope {
            Scope::All => self.streams.override_all(max_bitrate, until),
            Scope::Stream(stream) => self.streams.override_stream(stream, max_bitrate, until),
            Scope::Session(session) => {
                let Some(slot) = self.table.find(session) else {
                    return;
                };
                let record = self.table.record_mut(slot);
                record.ceiling_kbps = max_bitrate.map_or(f32::INFINITY, |rate| rate.as_kbps() as f32);
                record.ceiling_until_s = until.map_or(u32::MAX, |until| until.as_secs_f64() as u32);
                record.set_own_ceiling(false);
            }
        }
        // An order acts at once, on everyone it may concern.
        for slot in 0..self.table.records().len() {
            let record = &self.table.records()[slot];
            let concerned = match scope {
                Scope::All => true,
                Scope::Stream(stream) => self.streams.target(record.stream).stream == stream,
                Scope::Session(session) => record.id == session,
            };
            if concerned {
                self.decide(slot, at, Urgency::Routine);
            }
        }
    }

    /// Advice follows it from the next question on.
    fn handle_objective(&mut self, scope: Scope, objective: Option<Objective>) {
        match scope {
            Scope::All => self.streams.order_objective(None, objective),
            Scope::Stream(stream) => self.streams.order_objective(Some(stream), objective),
            Scope::Session(session) => {
                if let Some(slot) = self.table.find(session) {
                    self.table.record_mut(slot).order_objective(objective);
                }
            }
        }
    }

    /// A report from far ahead of the last tick is dated to that tick: one wrong clock must not age all others.
    fn plausible_time(&mut self, at: Timestamp) -> Timestamp {
        match self.last_tick {
            Some(tick) if at.since(tick) > self.config.clock_tolerance => {
                self.counters.redated += 1;
                tick
            }
            _ => at,
        }
    }

    fn remove(&mut self, slot: usize, at: Timestamp) {
        let gone = self.table.remove(slot);
        self.cohorts.leave(gone.cohort);
        self.outputs.push_back(Output::Expired { session: gone.id, at, summary: gone.summary() });
    }
}

#[cfg(test)]
mod tests;
