//! What happened to a session, second by second, for as long as someone looks.

use super::{session::SessionView, why::sentence};
use crate::stream::Streams;
use headroom_cluster::{engines::Engines, lock::locked};
use headroom_core::{
    decision::Reason,
    ladder::Ladder,
    session::Snapshot,
    telemetry::SessionId,
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

/// Sessions looked at at a time; one more takes the place of the one that was read longest ago.
const MAX_WATCHED: usize = 64;
/// Points kept of one: ten minutes.
const POINTS: usize = 600;
/// Decisions kept of one.
const DECISIONS: usize = 100;
/// Nobody reads any more: a page asks every second, a page in the background every minute at the least.
const LEASE: Duration = Duration::from_secs(90);

/// The sessions that someone looks at.
#[derive(Default)]
pub(super) struct Timelines(Mutex<BTreeMap<SessionId, SessionTrack>>);

struct SessionTrack {
    read: Timestamp,
    points: VecDeque<Point>,
    decisions: VecDeque<TimelineDecision>,
    ended: bool,
}

/// The state at one moment.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TimelinePoint)]
struct Point {
    at_us: Timestamp,
    buffer_ms: Option<Duration>,
    latency_ms: Option<Duration>,
    playing_kbps: Option<Bitrate>,
    max_bitrate_kbps: Option<Bitrate>,
    forecast_kbps: Option<[Bitrate; 3]>,
    stall_risk: f32,
    starvations: u16,
}

/// A decision as it came into force.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Decided)]
struct TimelineDecision {
    at_us: Timestamp,
    reason: Reason,
    max_bitrate_kbps: Option<Bitrate>,
    why: String,
}

/// What a reader gets.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Timeline {
    session: String,
    stream: String,
    stream_name: Option<String>,
    now_us: Timestamp,
    /// The session has ended; what was seen of it stays for a while.
    ended: bool,
    ladder: Ladder,
    state: Option<SessionView>,
    why: Option<String>,
    points: Vec<Point>,
    decisions: Vec<TimelineDecision>,
}

impl Timelines {
    /// Adds a point to every session that is looked at, and forgets those that are not any more.
    pub(super) fn sample(&self, now: Timestamp, engines: &Engines) {
        let mut tracks = locked(&self.0);
        tracks.retain(|_, track| now.since(track.read) < LEASE);
        for (&session, track) in tracks.iter_mut() {
            match engines.explained(session) {
                Some((snapshot, ladder)) => track.observe(now, &snapshot, &ladder),
                None => track.ended = true,
            }
        }
    }

    /// Reads a session from `since_us` on, and begins to look at it. `None` when there is none.
    pub(super) fn read(
        &self,
        session: SessionId,
        since_us: u64,
        now: Timestamp,
        engines: &Engines,
        streams: &Streams,
    ) -> Option<Timeline> {
        let known = engines.explained(session);
        let mut tracks = locked(&self.0);
        if !tracks.contains_key(&session) {
            let (snapshot, ladder) = known.as_ref()?;
            if tracks.len() >= MAX_WATCHED {
                let oldest = tracks.iter().min_by_key(|(_, track)| track.read).map(|(&session, _)| session);
                oldest.map(|oldest| tracks.remove(&oldest));
            }
            let mut track = SessionTrack::new(now);
            track.observe(now, snapshot, ladder);
            tracks.insert(session, track);
        }
        let track = tracks.get_mut(&session)?;
        track.read = now;
        let since = Timestamp::from_micros(since_us);
        let stream = known.as_ref().map(|(snapshot, _)| snapshot.stream);
        Some(Timeline {
            session: format!("{:016x}", session.0),
            stream: stream.map_or_else(String::new, |stream| format!("{:016x}", stream.0)),
            stream_name: stream.and_then(|stream| streams.name_of(stream)).map(|(name, _)| name),
            now_us: now,
            ended: known.is_none(),
            why: known.as_ref().map(|(snapshot, ladder)| sentence(snapshot, Some(ladder))),
            ladder: known.as_ref().map(|(_, ladder)| ladder.clone()).unwrap_or_default(),
            state: known.map(|(snapshot, _)| SessionView::new(&snapshot, engines)),
            points: track.points.iter().filter(|point| point.at_us > since).cloned().collect(),
            decisions: track.decisions.iter().filter(|decided| decided.at_us > since).cloned().collect(),
        })
    }
}

impl SessionTrack {
    fn new(now: Timestamp) -> Self {
        Self { read: now, points: VecDeque::new(), decisions: VecDeque::new(), ended: false }
    }

    fn observe(&mut self, now: Timestamp, snapshot: &Snapshot, ladder: &Ladder) {
        push_bounded(
            &mut self.points,
            POINTS,
            Point {
                at_us: now,
                buffer_ms: snapshot.buffer_length,
                latency_ms: snapshot.live_latency,
                playing_kbps: snapshot.playing,
                max_bitrate_kbps: snapshot.max_bitrate,
                forecast_kbps: snapshot.forecast,
                stall_risk: snapshot.stall_risk.get(),
                starvations: snapshot.starvations,
            },
        );
        let same = |decided: &TimelineDecision| {
            decided.reason == snapshot.reason && decided.max_bitrate_kbps == snapshot.max_bitrate
        };
        if !self.decisions.back().is_some_and(same) {
            push_bounded(
                &mut self.decisions,
                DECISIONS,
                TimelineDecision {
                    at_us: now,
                    reason: snapshot.reason,
                    max_bitrate_kbps: snapshot.max_bitrate,
                    why: sentence(snapshot, Some(ladder)),
                },
            );
        }
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, bound: usize, item: T) {
    if queue.len() >= bound {
        queue.pop_front();
    }
    queue.push_back(item);
}
