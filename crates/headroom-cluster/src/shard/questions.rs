//! What the engines are asked: about one session, or about all.

use super::shards::Shards;
use crate::{
    account::Account,
    answer::Answer,
    arms::{ArmId, ArmTable, Reach},
    lock::locked,
    tick_timing::TickTiming,
};
use headroom_core::{
    decision::{Decision, Reason},
    engine::{Census, Counters},
    experiment::Actuator,
    ladder::Ladder,
    session::Snapshot,
    telemetry::SessionId,
    units::Bitrate,
};
use std::sync::Arc;
use tokio::sync::watch;

impl Shards {
    /// The decision in force for a session, with the bit rate to announce for it; `None` where nothing may be told.
    pub(crate) fn decision(&self, session: SessionId) -> Option<(Decision, Answer)> {
        let shard = self.shard_of(session);
        let reach = self.reach_in(&shard, session);
        if !reach.any() {
            return None;
        }
        let mut decision = shard.engine.decision(session)?;
        if !reach.by(Actuator::Mb) {
            (decision.cap, decision.max_bitrate) = (None, None);
        }
        decision.expected_throughput = decision.expected_throughput.filter(|_| reach.by(Actuator::Etp));
        if !reach.by(Actuator::Stretch) {
            decision.playback_rate = 1.0;
        }
        let answer = self.answer(&shard, session, self.clock.now());
        Some((decision, answer))
    }

    /// What a session should fetch next, as its player must hear it: with room for the audio beside it; and why.
    pub(crate) fn advise(&self, session: SessionId) -> Option<(Bitrate, Reason)> {
        let shard = self.shard_of(session);
        if !self.reach_in(&shard, session).by(Actuator::Advice) {
            return None;
        }
        let advice = shard.engine.advise(session, self.clock.now())?;
        let entry = shard.entries.get(&session).copied().unwrap_or_default();
        let offer = shard.offers.get(&entry.stream).copied().unwrap_or_default();
        let ladder = shard.engine.ladder(shard.engine.view(session)?.stream);
        Some((offer.announce(ladder.bitrate(advice.rung)), advice.reason))
    }

    /// By which ways decisions reach a session.
    pub(crate) fn reach(&self, session: SessionId) -> Reach {
        self.reach_in(&self.shard_of(session), session)
    }

    /// The arm of a session, and what it went through since it is in it.
    pub(crate) fn arm(&self, session: SessionId) -> Option<(ArmId, Account)> {
        self.shard_of(session).entries.get(&session).map(|entry| (entry.arm, entry.account))
    }

    /// The arms in force.
    pub(crate) fn arms(&self) -> Arc<ArmTable> {
        self.arms.table()
    }

    /// State of a session.
    pub(crate) fn snapshot(&self, session: SessionId) -> Option<Snapshot> {
        self.shard_of(session).engine.view(session)
    }

    /// State of a session and the ladder it plays.
    pub(crate) fn explained(&self, session: SessionId) -> Option<(Snapshot, Ladder)> {
        let shard = self.shard_of(session);
        let snapshot = shard.engine.view(session)?;
        let ladder = shard.engine.ladder(snapshot.stream).clone();
        Some((snapshot, ladder))
    }

    /// Counts the sessions and what was done, and says how regularly. One shard is locked at a time.
    pub(crate) fn census(&self) -> (Census, Counters, TickTiming) {
        let (mut census, mut counters, mut timing) = (Census::default(), Counters::default(), TickTiming::default());
        for shard in &self.shards {
            let shard = locked(shard);
            census.add(shard.engine.census());
            counters += shard.engine.counters();
            timing.oldest = timing.oldest.max(self.clock.now().since(shard.last_tick));
            timing.interval = timing.interval.max(shard.tick_interval);
            timing.took = timing.took.max(shard.tick_took);
        }
        (census, counters, timing)
    }

    /// Follows the decisions of a session, known or not yet known.
    pub(crate) fn watch(&self, session: SessionId) -> watch::Receiver<Option<Decision>> {
        let mut shard = self.shard_of(session);
        let current = shard.engine.decision(session);
        shard.watchers.entry(session).or_insert_with(|| watch::Sender::new(current)).subscribe()
    }

    /// What to announce for a session now.
    pub(crate) fn announce(&self, session: SessionId) -> Answer {
        let shard = self.shard_of(session);
        self.answer(&shard, session, self.clock.now())
    }

    /// States of at most `limit` sessions after skipping `offset`, and how many there are.
    pub(crate) fn snapshots(&self, offset: usize, limit: usize) -> (Vec<Snapshot>, usize) {
        let mut total = 0;
        let mut page = Vec::new();
        for shard in &self.shards {
            let shard = locked(shard);
            let count = shard.engine.len();
            if total + count > offset && page.len() < limit {
                let skip = offset.saturating_sub(total);
                let sessions = shard.engine.sessions().skip(skip).take(limit - page.len());
                page.extend(sessions.filter_map(|session| shard.engine.view(session)));
            }
            total += count;
        }
        (page, total)
    }

    /// Live sessions and the engines' counters, summed.
    pub fn totals(&self) -> (usize, Counters) {
        let mut totals = Counters::default();
        let mut sessions = 0;
        for shard in &self.shards {
            let shard = locked(shard);
            sessions += shard.engine.len();
            totals += shard.engine.counters();
        }
        (sessions, totals)
    }
}
