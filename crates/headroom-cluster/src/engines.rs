//! What a server asks of its engines, wherever they run: reports, questions, orders, surveys.

use crate::{
    account::Account,
    answer::Answer,
    arms::{ArmId, ArmTable, Reach},
    conditions::ConditionsByStream,
    demands::DemandSet,
    offer::StreamOffer,
    publishers::Encoders,
    shard::{ClientLocation, ObservedTransfer, PlayerReport, Shards},
    tick_timing::TickTiming,
};
use headroom_core::{
    audience::{Command, Conditions, State},
    decision::{Decision, Reason},
    engine::{Census, Counters, Input, Output, Scope, StreamSettings},
    ladder::Ladder,
    mode::Mode,
    objective::Objective,
    policy::Weights,
    session::Snapshot,
    telemetry::{Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use std::sync::Arc;
use tokio::sync::watch;

/// The engines behind a server. Every call is answered at once, on the caller's thread.
///
/// An enumeration, not a trait: every report goes this way, and one branch that is always the same costs less than a virtual
/// call, without a type parameter on whoever holds the engines. Engines on other machines are a second variant, `Remote`: it
/// publishes reports and answers from the decisions it followed.
#[derive(Clone)]
pub enum Engines {
    /// In this process.
    Local(Arc<Shards>),
}

/// What happened: players, transports and viewers report, and a player learns what to do.
impl Engines {
    /// Takes in a player's report and answers with what the player should know.
    pub fn handle_player(&self, report: PlayerReport) -> Answer {
        match self {
            Self::Local(shards) => shards.handle_player(report),
        }
    }

    /// Takes in one of many reports that came together at `arrived`; nobody waits for an answer.
    pub fn handle_batched(&self, report: PlayerReport, arrived: Timestamp) {
        match self {
            Self::Local(shards) => shards.handle_batched(report, arrived),
        }
    }

    /// Notes that a session asked for something, without a report; answers what it should know.
    pub fn handle_request(&self, session: SessionId, stream: Option<StreamId>, location: ClientLocation) -> Answer {
        match self {
            Self::Local(shards) => shards.handle_request(session, stream, location),
        }
    }

    /// Takes in what a transfer or the transport showed of a session. `stream`: what it plays, where that is known.
    pub fn handle_observed(&self, session: SessionId, stream: Option<StreamId>, report: Report) {
        match self {
            Self::Local(shards) => shards.handle_observed(session, stream, report),
        }
    }

    /// Takes in a media object that a session without reports of its own fetched.
    pub fn handle_transfer(&self, session: SessionId, transfer: ObservedTransfer) {
        match self {
            Self::Local(shards) => shards.handle_transfer(session, transfer),
        }
    }

    /// Takes in a sample that says itself when it was true. One that runs ahead of the clock is dated now.
    pub fn handle_dated(&self, sample: Sample) {
        match self {
            Self::Local(shards) => shards.handle_dated(sample),
        }
    }

    /// Takes in a message at the shard of its stream's audience; says whether `session` lives in another.
    pub fn handle_feedback(&self, home: StreamId, session: Option<SessionId>, input: Input) -> bool {
        match self {
            Self::Local(shards) => shards.handle_feedback(home, session, input),
        }
    }

    /// Lets a viewer's command act on a session.
    pub fn handle_command(&self, session: SessionId, command: Command) {
        match self {
            Self::Local(shards) => shards.handle_command(session, command),
        }
    }
}

/// What is known of one session, or of one audience.
impl Engines {
    /// The engines' clock.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Local(shards) => shards.now(),
        }
    }

    /// The decision in force for a session, with the bit rate to announce for it; `None` for one that is not known, or that
    /// nothing may be told.
    pub fn decision(&self, session: SessionId) -> Option<(Decision, Answer)> {
        match self {
            Self::Local(shards) => shards.decision(session),
        }
    }

    /// What to announce for a session now; empty for one that is not known, or that nothing may be told.
    pub fn announce(&self, session: SessionId) -> Answer {
        match self {
            Self::Local(shards) => shards.announce(session),
        }
    }

    /// What a session should fetch next, with room for the audio beside it, and why; `None`: the player chooses.
    pub fn advise(&self, session: SessionId) -> Option<(Bitrate, Reason)> {
        match self {
            Self::Local(shards) => shards.advise(session),
        }
    }

    /// Follows the decisions of a session, known or not yet known.
    pub fn watch(&self, session: SessionId) -> watch::Receiver<Option<Decision>> {
        match self {
            Self::Local(shards) => shards.watch(session),
        }
    }

    /// By which ways decisions reach a session. Whatever changes an answer by any other way than this type asks first.
    pub fn reach(&self, session: SessionId) -> Reach {
        match self {
            Self::Local(shards) => shards.reach(session),
        }
    }

    /// The arm of a session, and what it went through since it is in it.
    pub fn arm(&self, session: SessionId) -> Option<(ArmId, Account)> {
        match self {
            Self::Local(shards) => shards.arm(session),
        }
    }

    /// The arms in force.
    pub fn arms(&self) -> Arc<ArmTable> {
        match self {
            Self::Local(shards) => shards.arms(),
        }
    }

    /// State of a session.
    pub fn snapshot(&self, session: SessionId) -> Option<Snapshot> {
        match self {
            Self::Local(shards) => shards.snapshot(session),
        }
    }

    /// State of a session and the ladder it plays.
    pub fn explained(&self, session: SessionId) -> Option<(Snapshot, Ladder)> {
        match self {
            Self::Local(shards) => shards.explained(session),
        }
    }

    /// What a session plays, where it is known.
    pub fn stream_of(&self, session: SessionId) -> Option<StreamId> {
        match self {
            Self::Local(shards) => shards.stream_of(session),
        }
    }

    /// Segment duration of what a session plays.
    pub fn segment_duration(&self, session: SessionId) -> Duration {
        match self {
            Self::Local(shards) => shards.segment_duration(session),
        }
    }

    /// Whether the session reports for itself.
    pub fn reports_itself(&self, session: SessionId) -> bool {
        match self {
            Self::Local(shards) => shards.reports_itself(session),
        }
    }

    /// What is known of the audience of a stream.
    pub fn audience(&self, home: StreamId) -> Option<State> {
        match self {
            Self::Local(shards) => shards.audience(home),
        }
    }
}

/// What operators, manifests, bottlenecks and audiences tell the engines.
impl Engines {
    /// Makes a stream known to every shard.
    pub fn configure(&self, stream: StreamId, settings: &StreamSettings, offer: StreamOffer) {
        match self {
            Self::Local(shards) => shards.configure(stream, settings, offer),
        }
    }

    /// Sets what is done with decisions about everybody, from the next answer on.
    pub fn set_mode(&self, mode: Mode) {
        match self {
            Self::Local(shards) => shards.set_mode(mode),
        }
    }

    /// Sets what is done with decisions about the sessions of a stream; `None`: as everybody.
    pub fn set_stream_mode(&self, stream: StreamId, mode: Option<Mode>) {
        match self {
            Self::Local(shards) => shards.set_stream_mode(stream, mode),
        }
    }

    /// Puts other experiments in force, from the next request of each session on.
    pub fn replace_arms(&self, table: ArmTable) {
        match self {
            Self::Local(shards) => shards.replace_arms(table),
        }
    }

    /// Stops an arm: its sessions are observed from now on. Says whether it was running.
    pub fn trip(&self, arm: ArmId) -> bool {
        match self {
            Self::Local(shards) => shards.trip(arm),
        }
    }

    /// Forces a cap, or takes it back with `None`. `lasting`: for how long; `None` until it is taken back.
    pub fn restrict(&self, scope: Scope, max_bitrate: Option<Bitrate>, lasting: Option<Duration>) {
        match self {
            Self::Local(shards) => shards.restrict(scope, max_bitrate, lasting),
        }
    }

    /// Orders what steering is for, or takes an order back with `None`.
    pub fn order_objective(&self, scope: Scope, objective: Option<Objective>) {
        match self {
            Self::Local(shards) => shards.order_objective(scope, objective),
        }
    }

    /// Tells every shard what the objectives of a stream are worth.
    pub fn weigh(&self, stream: StreamId, weights: Weights) {
        match self {
            Self::Local(shards) => shards.weigh(stream, weights),
        }
    }

    /// Tells an audience what the sessions of its stream go through.
    pub fn tell_conditions(&self, home: StreamId, conditions: Conditions) {
        match self {
            Self::Local(shards) => shards.tell_conditions(home, conditions),
        }
    }

    /// Tells one shard what its sessions have of a bottleneck; `None`: there is none.
    pub fn tell_capacity(&self, index: usize, stream: Option<StreamId>, capacity: Option<Bitrate>) {
        match self {
            Self::Local(shards) => shards.tell_capacity(index, stream, capacity),
        }
    }
}

/// What all sessions go through. One shard is locked at a time.
impl Engines {
    /// Number of shards.
    pub fn count(&self) -> usize {
        match self {
            Self::Local(shards) => shards.count(),
        }
    }

    /// Counts the sessions and what was done, and says how regularly.
    pub fn census(&self) -> (Census, Counters, TickTiming) {
        match self {
            Self::Local(shards) => shards.census(),
        }
    }

    /// Live sessions and the engines' counters, summed.
    pub fn totals(&self) -> (usize, Counters) {
        match self {
            Self::Local(shards) => shards.totals(),
        }
    }

    /// States of at most `limit` sessions after skipping `offset`, and how many there are.
    pub fn snapshots(&self, offset: usize, limit: usize) -> (Vec<Snapshot>, usize) {
        match self {
            Self::Local(shards) => shards.snapshots(offset, limit),
        }
    }

    /// What the sessions of each stream go through, over all shards.
    pub fn conditions(&self) -> ConditionsByStream {
        match self {
            Self::Local(shards) => shards.conditions(),
        }
    }

    /// What the sessions of a stream, or everyone's, in one shard could use of a bottleneck.
    pub fn demands(&self, index: usize, stream: Option<StreamId>) -> DemandSet {
        match self {
            Self::Local(shards) => shards.demands(index, stream),
        }
    }

    /// The last report of each publisher that was heard of lately.
    pub fn encoders(&self) -> Encoders {
        match self {
            Self::Local(shards) => shards.encoders(),
        }
    }

    /// What audiences brought to light since the last call.
    pub fn take_news(&self) -> Vec<Output> {
        match self {
            Self::Local(shards) => shards.take_news(),
        }
    }
}
