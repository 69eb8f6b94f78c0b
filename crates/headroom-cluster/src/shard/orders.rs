//! What operators, bottlenecks and audiences tell the engines.

use super::shards::{Shard, Shards};
use crate::{arms::ArmId, conditions::ConditionsByStream, demands::DemandSet, lock::locked, offer::StreamOffer};
use headroom_core::{
    audience::{Command, Conditions, State},
    engine::{Input, Output, Scope, StreamSettings},
    mode::Mode,
    objective::Objective,
    policy::Weights,
    telemetry::{SessionId, StreamId},
    time::Duration,
    units::Bitrate,
};
use std::sync::MutexGuard;

impl Shards {
    /// Makes a stream known to every shard.
    pub(crate) fn configure(&self, stream: StreamId, settings: &StreamSettings, offer: StreamOffer) {
        for shard in &self.shards {
            let mut shard = locked(shard);
            shard.offers.insert(stream, offer);
            let at = self.clock.now();
            self.feed(&mut shard, Input::Stream { stream, at, settings: settings.clone() });
        }
    }

    /// What the sessions of a stream, or everyone's, in one shard could use of a bottleneck.
    pub(crate) fn demands(&self, index: usize, stream: Option<StreamId>) -> DemandSet {
        DemandSet::of(locked(&self.shards[index]).engine.demands(stream))
    }

    /// Tells one shard what its sessions have of a bottleneck.
    pub(crate) fn tell_capacity(&self, index: usize, stream: Option<StreamId>, capacity: Option<Bitrate>) {
        let mut shard = locked(&self.shards[index]);
        let at = self.clock.now();
        self.feed(&mut shard, Input::Bottleneck { at, stream, capacity });
    }

    /// Takes in a message at the shard of its stream's audience; says whether `session` lives in another.
    pub(crate) fn handle_feedback(&self, home: StreamId, session: Option<SessionId>, input: Input) -> bool {
        let index = self.index_of(home.0);
        self.feed(&mut locked(&self.shards[index]), input);
        session.is_some_and(|session| self.index_of(session.0) != index)
    }

    /// Lets a viewer's command act on a session.
    pub(crate) fn handle_command(&self, session: SessionId, command: Command) {
        let mut shard = self.shard_of(session);
        let at = self.clock.now();
        self.feed(&mut shard, Input::Command { at, session, command });
    }

    /// What the sessions of each stream go through, over all shards.
    pub(crate) fn conditions(&self) -> ConditionsByStream {
        let mut seen = ConditionsByStream::default();
        for shard in &self.shards {
            let shard = locked(shard);
            for (stream, conditions) in shard.engine.conditions(self.clock.now()) {
                *seen.entry(stream).or_default() += conditions;
            }
        }
        seen
    }

    /// Tells an audience what the sessions of its stream go through.
    pub(crate) fn tell_conditions(&self, home: StreamId, conditions: Conditions) {
        let mut shard = locked(&self.shards[self.index_of(home.0)]);
        let at = self.clock.now();
        self.feed(&mut shard, Input::Conditions { stream: home, at, conditions });
    }

    /// Tells every shard what the objectives of a stream are worth.
    pub(crate) fn weigh(&self, stream: StreamId, weights: Weights) {
        for shard in &self.shards {
            let mut shard = locked(shard);
            let at = self.clock.now();
            self.feed(&mut shard, Input::Weights { stream, at, weights });
        }
    }

    /// What is known of the audience of a stream.
    pub(crate) fn audience(&self, home: StreamId) -> Option<State> {
        locked(&self.shards[self.index_of(home.0)]).engine.audience(home)
    }

    /// What audiences brought to light since the last call.
    pub(crate) fn take_news(&self) -> Vec<Output> {
        std::mem::take(&mut *locked(&self.news))
    }

    /// Sets what is done with decisions about everybody.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.modes.set_everybody(mode);
        self.wake();
    }

    /// Sets what is done with decisions about the sessions of a stream; `None`: as everybody.
    pub(crate) fn set_stream_mode(&self, stream: StreamId, mode: Option<Mode>) {
        self.modes.set_stream(stream, mode);
        self.wake();
    }

    /// Stops an arm: its sessions are observed from now on. Says whether it was running.
    pub(crate) fn trip(&self, arm: ArmId) -> bool {
        let was_running = self.arms.trip(arm);
        self.wake();
        was_running
    }

    /// Lets everybody who follows decisions look again.
    pub(super) fn wake(&self) {
        for shard in &self.shards {
            locked(shard).watchers.values().for_each(|watcher| watcher.send_modify(|_| {}));
        }
    }

    /// Forces a cap, or takes it back.
    pub(crate) fn restrict(&self, scope: Scope, max_bitrate: Option<Bitrate>, lasting: Option<Duration>) {
        let restrict = |mut shard: MutexGuard<'_, Shard>| {
            let at = self.clock.now();
            let until = lasting.map(|lasting| at + lasting);
            self.feed(&mut shard, Input::Override { at, scope, max_bitrate, until });
        };
        self.order(scope, restrict);
    }

    /// Orders what steering is for, or takes an order back.
    pub(crate) fn order_objective(&self, scope: Scope, objective: Option<Objective>) {
        self.order(scope, |mut shard: MutexGuard<'_, Shard>| {
            let at = self.clock.now();
            self.feed(&mut shard, Input::Objective { at, scope, objective });
        });
    }

    /// Gives an order to the shards it concerns.
    fn order(&self, scope: Scope, give: impl Fn(MutexGuard<'_, Shard>)) {
        match scope {
            Scope::Session(session) => give(self.shard_of(session)),
            Scope::Stream(_) | Scope::All => self.shards.iter().for_each(|shard| give(locked(shard))),
        }
    }
}
