//! The audiences of the streams, and the conditions that the engine's own sessions show of each stream.

use super::{Output, streams::Streams, table::Table};
use crate::{
    audience::{Audience, AuthorId, Change, Classification, Conditions, State},
    telemetry::StreamId,
    time::{Duration, Timestamp},
};
use std::collections::{BTreeMap, VecDeque};

/// Audiences at most: 100 kB each at their fullest in an ordinary chat, so stream names from the network cost bounded memory.
const MOST: usize = 1_024;
/// After this long without a message an audience is forgotten, with what was usual for it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Counts over the sessions of all engines count for this long: five ticks.
const FLEET_HOLDS: Duration = Duration::from_secs(10);

/// A session is behind when farther from live than the target by half.
const BEHIND: f64 = 1.5;
/// Below this many lines viewers complain about the picture (own choice: the first height sold as high definition).
const LOW_PICTURE: u16 = 720;

/// The streams that are talked about.
#[derive(Default)]
pub(super) struct Audiences(BTreeMap<StreamId, StreamAudience>);

struct StreamAudience {
    audience: Audience,
    /// What the sessions of all engines go through, and when that came.
    fleet: Option<(Timestamp, Conditions)>,
}

impl Audiences {
    /// Takes in a message. Returns whether there was room for its stream.
    pub(super) fn observe(
        &mut self,
        stream: StreamId,
        author: AuthorId,
        at: Timestamp,
        id: &str,
        reading: &Classification,
        vote: bool,
    ) -> bool {
        if self.0.len() >= MOST && !self.0.contains_key(&stream) {
            return false;
        }
        let new = || StreamAudience { audience: Audience::new(stream, at), fleet: None };
        self.0.entry(stream).or_insert_with(new).audience.observe(author, at, id, reading, vote);
        true
    }

    /// Takes note of what the sessions of all engines go through.
    pub(super) fn set_fleet(&mut self, stream: StreamId, at: Timestamp, conditions: Conditions) {
        if let Some(entry) = self.0.get_mut(&stream) {
            entry.fleet = Some((at, conditions));
        }
    }

    pub(super) fn state(&self, stream: StreamId) -> Option<State> {
        self.0.get(&stream).map(|entry| entry.audience.state())
    }

    /// Judges one audience between ticks, when there is reason to.
    pub(super) fn hasten(
        &mut self,
        stream: StreamId,
        now: Timestamp,
        streams: &mut Streams,
        outputs: &mut VecDeque<Output>,
    ) {
        if let Some(entry) = self.0.get_mut(&stream) {
            let changes = entry.audience.hasten(now);
            announce(stream, now, changes, streams, outputs);
        }
    }

    /// Judges every audience and hands its weights to its stream.
    pub(super) fn tick(
        &mut self,
        now: Timestamp,
        table: &Table,
        streams: &mut Streams,
        outputs: &mut VecDeque<Output>,
    ) {
        if self.0.is_empty() {
            return;
        }
        let own: BTreeMap<_, _> = conditions(table, streams, now).into_iter().collect();
        self.0.retain(|&stream, entry| {
            let fleet = entry.fleet.filter(|&(at, _)| now.since(at) <= FLEET_HOLDS).map(|(_, conditions)| conditions);
            let conditions = fleet.or_else(|| own.get(&stream).copied()).unwrap_or_default();
            let changes = entry.audience.tick(now, conditions);
            announce(stream, now, changes, streams, outputs);
            now.since(entry.audience.last_heard()) < FORGOTTEN_AFTER || !entry.audience.is_neutral()
        });
    }
}

/// Hands weights to their stream and puts the changes out.
fn announce(
    stream: StreamId,
    now: Timestamp,
    changes: Vec<Change>,
    streams: &mut Streams,
    outputs: &mut VecDeque<Output>,
) {
    outputs.extend(changes.into_iter().map(|change| match change {
        Change::Weights(weights) => {
            streams.weigh(stream, weights);
            Output::Weights { stream, at: now, weights }
        }
        Change::Raised(blind_spot) => Output::BlindSpot(Box::new(blind_spot)),
        Change::Cleared(aspect) => Output::BlindSpotCleared { stream, aspect, at: now },
    }));
}

/// What the sessions of each stream go through, in one pass over them.
pub(super) fn conditions(table: &Table, streams: &Streams, now: Timestamp) -> Vec<(StreamId, Conditions)> {
    let mut counts = vec![Conditions::default(); streams.targets().len()];
    for record in table.records() {
        let target = streams.target(record.stream);
        let ladder = &target.settings.ladder;
        let count = &mut counts[usize::from(record.stream)];
        count.sessions += 1;
        let low = record.playing(ladder).is_some_and(|rung| {
            ladder.rung(rung).height < LOW_PICTURE && ladder.rung(ladder.top()).height >= LOW_PICTURE
        });
        count.low_picture += u32::from(low);
        let limit_s = target.settings.target_latency.as_secs_f64() * BEHIND;
        count.behind += u32::from(record.live_latency().is_some_and(|latency| latency.as_secs_f64() > limit_s));
    }
    let mut listed = Vec::new();
    for (target, mut count) in streams.targets().iter().zip(counts) {
        count.stalls = target.recent_stalls(now).round() as u32;
        if count.sessions > 0 {
            listed.push((target.stream, count));
        }
    }
    listed
}
