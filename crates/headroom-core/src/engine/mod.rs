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
mod input;
mod streams;
mod table;

pub use census::{Census, Scores, Spans, StreamCensus, Tally};
pub use cohorts::CohortPool;
pub use config::{Config, ConfigError, PolicyKind};
pub use counters::Counters;
pub use input::{Input, Output, Scope, StreamSettings};

use crate::{
    allocation::Demand,
    audience::{self, Conditions},
    decision::{Decision, Reason},
    forecast::Forecast,
    guard::Limits,
    ladder::{Ladder, RungIndex},
    pacing::Pace,
    policy::{Policy, Proposal, Segments, View},
    qoe::{RISK_SEGMENTS, carried_at, stall_risk},
    session::{Evidence, NO_RUNG, Record, Snapshot},
    telemetry::{Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use audiences::Audiences;
use bottlenecks::Bottlenecks;
use cohorts::Cohorts;
use std::collections::VecDeque;
use streams::{Streams, Target};
use table::Table;

/// Level of the forecast within which a rung is left to the player: what the link carries in all but the best third of the
/// futures. Over clients of three kinds on the UCC drives it scores 0.01 to 0.07 above the level below, and that above none.
const LIKELY: usize = 3;
/// What a newcomer's rung is chosen for: about the first two segments.
const FIRST_SEGMENTS: Duration = Duration::from_secs(4);

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
            cohorts: Cohorts::default(),
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
            Input::Bottleneck { stream, capacity, .. } => self.bottlenecks.set(stream, capacity),
            Input::Override { at, scope, max_bitrate, until } => self.handle_override(at, scope, max_bitrate, until),
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
            Input::Conditions { stream, at, conditions } => self.audiences.tell(stream, at, conditions),
            Input::Join { at, session, network } => self.handle_join(session, network, at),
            Input::Cohort { at, stream, network, outlook } => self.cohorts.tell(stream, network, at, outlook),
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

    /// The state of a session.
    #[must_use]
    pub fn view(&self, session: SessionId) -> Option<Snapshot> {
        let record = self.table.get(session)?;
        let target = self.streams.target(record.stream);
        Some(record.snapshot(target.stream, &target.settings.ladder, &self.cohorts.expect(record)))
    }

    /// What each session that plays a stream, or anything, could use of a bottleneck: for who divides a capacity over
    /// several engines and tells each its part by [`Input::Bottleneck`].
    pub fn demands(&self, stream: Option<StreamId>) -> impl Iterator<Item = Demand<'_>> {
        Bottlenecks::demands(stream, &self.table, &self.streams)
    }

    /// What the viewers of a stream say; `None` when nobody has been heard.
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
        let slot = match self.table.find(sample.session) {
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
        if sample.stream != self.streams.target(record.stream).stream && sample.stream.0 != 0 {
            record.stream = self.streams.index(sample.stream);
            record.cohort = self.cohorts.change_stream(record.cohort, sample.stream);
        }
        let before = record.before();
        let evidence = match &sample.report {
            Report::Player(player) => record.observe_player(at, player),
            Report::Link(link) => record.observe_link(at, link),
            Report::Radio(radio) => {
                record.observe_radio(radio);
                Evidence::Routine
            }
            Report::Encoder(_) => Evidence::Routine,
        };
        if let Some(news) = record.news_since(&before, at) {
            self.cohorts.observe(record.cohort, at, news.seconds, news.kbps, before.average_kbps);
        }
        match evidence {
            Evidence::Routine => {}
            Evidence::Starvation | Evidence::Collapse => {
                self.counters.emergencies += 1;
                if evidence == Evidence::Starvation {
                    self.streams.note_stall(self.table.records()[slot].stream, at);
                }
                self.decide(slot, at, evidence);
            }
            Evidence::Quit => self.remove(slot, at),
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
                self.decide(slot, at, Evidence::Routine);
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
                self.decide(slot, at, Evidence::Routine);
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

    /// Forecast, policy, guard, pacing: one session, one decision.
    fn decide(&mut self, slot: usize, at: Timestamp, evidence: Evidence) {
        let record = self.table.record_mut(slot);
        let target = self.streams.target(record.stream);
        if record.paused() {
            return;
        }
        let forecast = self.cohorts.expect(record);
        let view = view_of(record, target, &forecast, at);
        let mut memory = record.memory;
        let newcomer = newcomer(&self.cohorts, record, target, &forecast);
        let mut proposal = if let Some(proposal) = newcomer {
            proposal
        } else {
            let proposal = self.policy.decide(&view, &mut memory);
            // An empty buffer is what starting up means. Which rung starts fastest is the player's to find out.
            let reason = if record.starting() { Reason::NoEvidence } else { proposal.reason };
            Proposal { rung: room_for_the_player(&view, proposal.rung, self.config.cap_risk), reason }
        };
        let ceiling = ceiling(record, &self.streams, target, at);
        if proposal.reason == Reason::NoEvidence && ceiling.is_some() {
            // Nothing is known of what the player does: an order must hold for whatever that is.
            proposal.rung = target.settings.ladder.top();
        }
        // When an order ends, the policy's choice returns at once: slow climbing guards against estimates, not orders. Nor is
        // what others measured a place to climb from, and where nothing is measured there is no estimate to guard against.
        let order_ended = record.reason == Reason::Override && ceiling.is_none();
        let unknown = proposal.reason == Reason::NoEvidence && forecast.is_unknown();
        let climbs = record.cap != NO_RUNG && !order_ended && record.reason != Reason::Newcomer && !unknown;
        let limits = Limits {
            previous: climbs.then_some(record.cap),
            changed_at: record.changed_at(),
            starting: record.starting(),
            starved: record.starved(),
            ceiling,
        };
        let mut allowed = self.config.guard.apply(&view, proposal, &limits);
        if evidence == Evidence::Collapse && limits.previous.is_some_and(|previous| allowed.rung < previous) {
            allowed.reason = Reason::Collapse;
        }
        let nothing_known = allowed.reason == Reason::NoEvidence;
        let lowered_by_others = matches!(record.reason, Reason::Override | Reason::Allocation | Reason::Newcomer);
        let cap = match nothing_known {
            // Players keep the last cap they heard, so the end of what lowered it must be said, too.
            true if order_ended || lowered_by_others && unknown => target.settings.ladder.top(),
            true => record.cap,
            false => allowed.rung,
        };
        let unjudged = cap == NO_RUNG || allowed.reason == Reason::Newcomer;
        let risk = if unjudged { Ratio::ZERO } else { stall_risk(&view, cap, RISK_SEGMENTS) };
        let neutral = Pace {
            target_buffer: record.wished(target.settings.target_buffer),
            target_latency: record.wished(target.settings.target_latency),
            playback_rate: 1.0,
        };
        let previous_latency =
            (record.target_latency_ms > 0).then(|| Duration::from_millis(u64::from(record.target_latency_ms)));
        let pace = self.config.pacing.pace(&view, neutral, previous_latency, risk);

        record.memory = memory;
        record.reason = allowed.reason;
        record.stall_risk_percent = percent(risk.get());
        let playback_rate_percent = percent(pace.playback_rate);
        let target_latency_ms = tenths_of_seconds(pace.target_latency);
        let changed = record.cap != cap
            || record.playback_rate_percent != playback_rate_percent
            || record.target_latency_ms != target_latency_ms;
        if record.cap != cap {
            record.change_cap(cap, at);
        }
        record.playback_rate_percent = playback_rate_percent;
        record.target_latency_ms = target_latency_ms;
        record.target_buffer_ms = tenths_of_seconds(pace.target_buffer);
        self.counters.decided(allowed.reason);
        if changed {
            let decision = Decision { at, ..self.decision_of(&self.table.records()[slot], target, &forecast) };
            self.outputs.push_back(Output::Decision(decision));
        }
    }

    fn decision_of(&self, record: &Record, target: &Target, forecast: &Forecast) -> Decision {
        let cap = (record.cap != NO_RUNG).then_some(record.cap);
        Decision {
            session: record.id,
            at: record.changed_at(),
            cap,
            max_bitrate: cap.map(|rung| target.settings.ladder.bitrate(rung)),
            expected_throughput: (!forecast.is_unknown()).then(|| forecast.median(Duration::from_secs(4))),
            target_buffer: Duration::from_millis(u64::from(record.target_buffer_ms)),
            target_latency: Duration::from_millis(u64::from(record.target_latency_ms)),
            playback_rate: f32::from(record.playback_rate_percent) / 100.0,
            stall_risk: Ratio::clamped(f32::from(record.stall_risk_percent) / 100.0),
            reason: record.reason,
            policy: self.policy.name().into(),
        }
    }
}

/// Where others know how fast it is here, the first segment of a session should arrive within its own duration, as likely as
/// not.
fn newcomer(cohorts: &Cohorts, record: &Record, target: &Target, forecast: &Forecast) -> Option<Proposal> {
    let new = record.history.is_empty() || record.starting();
    if !new || cohorts.prior(record).0.is_unknown() {
        return None;
    }
    let rung = target.settings.ladder.highest_within(forecast.median(FIRST_SEGMENTS)).unwrap_or(0);
    Some(Proposal { rung, reason: Reason::Newcomer })
}

/// The highest rung from `proposed` up whose risk is tolerable, or that the link is likely to carry as it plays. A cap works
/// through a player that chooses by itself and knows its link sooner than we do: a ceiling it never meets costs nothing, one
/// at the best rung costs every rise. And a rung that arrives as fast as it plays empties no buffer, however short that is, as
/// it is at the start. An audience that minds stalls more than the picture tolerates less of both.
fn room_for_the_player(view: &View<'_>, proposed: RungIndex, tolerable: f32) -> RungIndex {
    let patience = view.weights.quality / view.weights.stall;
    let risked = carried_at(view, tolerable * patience, RISK_SEGMENTS);
    let likely = view.forecast.scenarios(Duration::from_secs(10))[LIKELY];
    let sustained = if patience < 1.0 { Bitrate::ZERO } else { Bitrate::from_kbps_f64(f64::from(likely)) };
    let room = view.ladder.highest_within(risked.max(sustained));
    room.map_or(proposed, |rung| rung.max(proposed))
}

/// Nearer than a tenth of a second, targets are the same to any player.
fn tenths_of_seconds(span: Duration) -> u16 {
    u16::try_from((span.as_micros() + 50_000) / 100_000 * 100).unwrap_or(u16::MAX)
}

fn percent(share: f32) -> u8 {
    // `as` saturates and cuts; `round` is a call into the C library on plain x86-64.
    (share * 100.0 + 0.5) as u8
}

fn view_of<'a>(record: &'a Record, target: &'a Target, forecast: &'a Forecast, now: Timestamp) -> View<'a> {
    let settings = &target.settings;
    let ladder: &Ladder = &settings.ladder;
    let capacity = record.buffer_capacity().unwrap_or(settings.target_buffer);
    View {
        now,
        ladder,
        segment_duration: settings.segment_duration,
        segments: Segments::Nominal,
        // A player that says nothing of its buffer is taken to hold what the stream asks for.
        buffer_length: record.buffer_length().unwrap_or(settings.target_buffer),
        buffer_capacity: capacity.max(settings.segment_duration),
        current: record.playing(ladder),
        live_latency: record.live_latency(),
        history: &record.history,
        forecast,
        weights: target.weights,
    }
}

/// The lowest of the ceilings over a session: orders for it, its stream or everyone, and its share of a bottleneck.
fn ceiling(record: &Record, streams: &Streams, target: &Target, now: Timestamp) -> Option<(Bitrate, Reason)> {
    let own = (record.ceiling_kbps.is_finite() && now.as_secs_f64() <= f64::from(record.ceiling_until_s))
        .then(|| Bitrate::from_kbps_f64(f64::from(record.ceiling_kbps)));
    let orders = [own, target.ceiling.at(now), streams.everyone.at(now)].into_iter().flatten();
    let share = record.share().map(|rung| (target.settings.ladder.bitrate(rung), Reason::Allocation));
    orders.map(|rate| (rate, Reason::Override)).chain(share).min()
}

#[cfg(test)]
mod tests;
