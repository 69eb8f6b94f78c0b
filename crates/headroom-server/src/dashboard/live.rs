//! Frames while someone looks: taken once a second, written once, sent to everyone.
//!
//! What a frame costs depends on the sessions, not on how many pages are open. With nobody there one is taken every ten
//! seconds, so that a page that opens has a past to show.

use super::{
    fleet::{FleetPoint, Frame, StreamLine, StreamView},
    session::session_of,
    timeline::{Timeline, Timelines},
};
use crate::{
    http::{page::Page, problem::Problem},
    identity::Identifier,
    ingest::Ingest,
    metrics::{Metrics, ShedKind},
    stream::Streams,
};
use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::stream;
use headroom_cluster::{clock::Clock, engines::Engines, lock::locked};
use headroom_core::{
    engine::{Census, Counters},
    telemetry::{SessionId, StreamId},
    time::{Duration, Timestamp},
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// Pages that may follow at a time.
const MAX_FOLLOWERS: usize = 64;
/// Between two frames while someone looks.
const STEP: std::time::Duration = std::time::Duration::from_secs(1);
/// Of so many steps one is taken while nobody looks.
const IDLE_STEPS: u32 = 10;
/// Instants kept: a quarter of an hour of frames each second, two and a half hours of idle ones.
const PAST: usize = 900;
/// A frame older than this is taken anew when asked for.
const FRESH: Duration = Duration::from_millis(1_500);

/// Takes frames and hands them out.
pub(crate) struct Live {
    ingest: Arc<Ingest>,
    streams: Arc<Streams>,
    clock: Clock,
    metrics: Arc<Metrics>,
    tick: Duration,
    /// The latest frame as it is sent.
    sent: watch::Sender<Arc<str>>,
    followers: Arc<Semaphore>,
    state: Mutex<LiveState>,
    timelines: Timelines,
    shutdown: CancellationToken,
}

/// What was taken last, and what is left of earlier ones.
#[derive(Default)]
struct LiveState {
    census: Census,
    frame: Option<Frame>,
    counters: Option<(Timestamp, Counters)>,
    past: VecDeque<FleetPoint>,
}

impl Live {
    pub(crate) fn new(
        ingest: Arc<Ingest>,
        streams: Arc<Streams>,
        clock: Clock,
        metrics: Arc<Metrics>,
        tick: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            ingest,
            streams,
            clock,
            metrics,
            tick,
            sent: watch::Sender::new(Arc::from("")),
            followers: Arc::new(Semaphore::new(MAX_FOLLOWERS)),
            state: Mutex::default(),
            timelines: Timelines::default(),
            shutdown,
        }
    }

    /// Takes frames until the server stops.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut step = tokio::time::interval(STEP);
        step.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut steps = 0_u32;
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                _ = step.tick() => {}
            }
            let followed = self.sent.receiver_count() > 0;
            if followed || steps.is_multiple_of(IDLE_STEPS) {
                let frame = self.take();
                if followed {
                    self.send(&frame);
                }
            }
            self.timelines.sample(self.clock.now(), self.engines());
            steps = steps.wrapping_add(1);
        }
    }

    /// Counts everything now.
    fn take(&self) -> Frame {
        let at = self.clock.now();
        let (census, counters, mut timing) = self.engines().census();
        timing.target = self.tick;
        let mut state = self.state();
        let frame = Frame::new(at, &census, &counters, &timing, state.counters.as_ref(), &self.streams);
        if state.past.len() >= PAST {
            state.past.pop_front();
        }
        state.past.push_back(frame.instant());
        state.census = census;
        state.counters = Some((at, counters));
        state.frame = Some(frame.clone());
        frame
    }

    fn send(&self, frame: &Frame) {
        match serde_json::to_string(frame) {
            Ok(text) => drop(self.sent.send_replace(Arc::from(text))),
            Err(error) => tracing::error!(%error, "frame cannot be written"),
        }
    }

    /// A frame that is at most a moment old.
    pub(crate) fn frame(&self) -> Frame {
        let now = self.clock.now();
        let state = self.state();
        let fresh = state.counters.as_ref().is_some_and(|(at, _)| now.since(*at) < FRESH);
        let frame = state.frame.clone().filter(|_| fresh);
        drop(state);
        frame.unwrap_or_else(|| self.take())
    }

    /// Streams by their number of sessions, the largest first.
    pub(crate) fn streams(&self, offset: usize, limit: usize) -> Page<StreamLine> {
        self.frame();
        let state = self.state();
        let mut order: Vec<_> = state.census.streams.iter().collect();
        order.sort_by_key(|(id, stream)| (std::cmp::Reverse(stream.totals.sessions), **id));
        let lines = order.iter().skip(offset).take(limit);
        let items = lines.map(|(id, stream)| StreamLine::new(**id, stream, &self.streams)).collect();
        Page { total: order.len(), offset, items }
    }

    /// What is known of the live sessions of one stream.
    pub(crate) fn stream(&self, stream: StreamId) -> Option<StreamView> {
        self.frame();
        let state = self.state();
        let at = state.counters.as_ref().map(|(at, _)| *at)?;
        state.census.streams.get(&stream).map(|census| StreamView::new(at, stream, census, &self.streams))
    }

    /// The session a path names: as its player calls itself, or `id:` and the identifier of the lists.
    pub(crate) fn session(&self, name: &str) -> Result<SessionId, Problem> {
        session_of(name, self.identifier())
    }

    /// What happened to a session since someone began to look, and from `since_us` on.
    pub(crate) fn timeline(&self, session: SessionId, since_us: u64) -> Option<Timeline> {
        self.timelines.read(session, since_us, self.clock.now(), self.engines(), &self.streams)
    }

    /// The past, then every frame from now on.
    pub(crate) fn follow(self: &Arc<Self>) -> Result<Response, Problem> {
        let Ok(permit) = Arc::clone(&self.followers).try_acquire_owned() else {
            self.metrics.shed(ShedKind::Subscriber);
            return Err(Problem::overloaded(format!("{MAX_FOLLOWERS} pages follow already")));
        };
        let frames = self.sent.subscribe();
        let frame = self.frame();
        let past: Vec<FleetPoint> = self.state().past.iter().cloned().collect();
        let first =
            [("past", serde_json::to_string(&FleetHistory::of(&past))), ("frame", serde_json::to_string(&frame))];
        let first: Result<VecDeque<_>, _> =
            first.into_iter().map(|(kind, text)| text.map(|text| (kind, text))).collect();
        let first = first.map_err(|error| {
            tracing::error!(%error, "the past cannot be written");
            Problem::not_ready("the past cannot be written")
        })?;
        let follower = Follower { first, frames, shutdown: self.shutdown.clone(), _permit: permit };
        let events = stream::unfold(follower, Follower::next);
        Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
    }

    fn engines(&self) -> &Engines {
        &self.ingest.engines
    }

    fn identifier(&self) -> &Identifier {
        &self.ingest.identifier
    }

    fn state(&self) -> MutexGuard<'_, LiveState> {
        locked(&self.state)
    }
}

/// The past by columns: a tenth of the bytes that rows would take.
#[derive(Serialize)]
struct FleetHistory<'a> {
    at_us: Vec<Timestamp>,
    columns: std::collections::BTreeMap<&'a str, Vec<Option<f64>>>,
}

impl FleetHistory<'_> {
    fn of(instants: &[FleetPoint]) -> Self {
        let column = |value: fn(&FleetPoint) -> Option<f64>| instants.iter().map(value).collect::<Vec<_>>();
        let columns: [(&str, Vec<Option<f64>>); 10] = [
            ("sessions", column(|instant| Some(instant.sessions as f64))),
            ("starved", column(|instant| Some(instant.starved as f64))),
            ("held_down", column(|instant| Some(instant.held_down as f64))),
            ("mos", column(|instant| instant.mos)),
            ("stall_ratio", column(|instant| instant.stall_ratio)),
            ("played_kbps", column(|instant| Some(instant.played_kbps))),
            ("decisions_per_s", column(|instant| Some(instant.decisions_per_s))),
            ("decision_age_s", column(|instant| Some(instant.decision_age_s))),
            ("interval_s", column(|instant| Some(instant.interval_s))),
            ("latency_s", column(|instant| instant.latency_s)),
        ];
        Self { at_us: instants.iter().map(|instant| instant.at_us).collect(), columns: columns.into() }
    }
}

struct Follower {
    first: VecDeque<(&'static str, String)>,
    frames: watch::Receiver<Arc<str>>,
    shutdown: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if let Some((kind, text)) = self.first.pop_front() {
            return Some((Ok(Event::default().event(kind).data(text)), self));
        }
        tokio::select! {
            changed = self.frames.changed() => changed.ok()?,
            () = self.shutdown.cancelled() => return None,
        }
        let frame = Arc::clone(&self.frames.borrow_and_update());
        Some((Ok(Event::default().event("frame").data(&*frame)), self))
    }
}
