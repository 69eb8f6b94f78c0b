//! A virtual viewer: a live player in everything but the picture.
//!
//! It fetches playlists and segments over real HTTP through its link, reports in CMCD v2 with every request, chooses rungs by
//! the rule of a stock player, and gives transfers up by that rule. A steered one does what the player agent does: it asks
//! Headroom before a segment, gives transfers up by Headroom's rule and plays a little slower while its buffer is short. Where it
//! gets no advice it chooses by its own rule, below CMSD `mb`.

use super::{
    link::Link,
    origin::{Origin, STREAM},
    playback::Playback,
    progress::Progress,
    transfer::{Connection, PROGRESS, Transfer},
};
use anyhow::{Context, bail};
use headroom_core::{
    forecast::{Forecast, History},
    ladder::{Ladder, RungIndex},
    policy::{self, Abandonment, Guidance, Memory, Policy, Segments, View, Weights},
    stretch::Stretch,
    time,
    units::Bitrate,
};
use headroom_wire::cmcd::{
    ByObjectType, Cmcd, EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version,
};
use hyper::StatusCode;
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::time::{Duration, Instant, sleep, sleep_until};

/// Whether a player does what Headroom says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steering {
    /// Chooses alone; CMSD is ignored.
    Alone,
    /// Asks for advice; without any it plays nothing above CMSD `mb`.
    Steered,
}

/// One viewer.
pub(crate) struct Player {
    pub(crate) session: String,
    pub(crate) steering: Steering,
    /// How it chooses by itself.
    pub(crate) rule: Arc<dyn Policy>,
    pub(crate) link: Link,
    /// Its own address: each viewer is a network of its own, as viewers of a platform are.
    pub(crate) address: Ipv4Addr,
    pub(crate) edge: SocketAddr,
    pub(crate) origin: Arc<Origin>,
    pub(crate) ladder: Ladder,
    pub(crate) segment: Duration,
    pub(crate) progress: Arc<Mutex<Progress>>,
}

/// Segments behind the live edge at which a viewer joins, as hls.js does (`liveSyncDurationCount` 3).
const JOIN_BEHIND: u64 = 3;
/// Latency beyond the target at which the player hurries, and how fast (dash.js `liveCatchup`, default rate 0.05 here).
const CATCH_UP_BEYOND_S: f64 = 1.0;
const CATCH_UP_RATE: f64 = 1.05;
/// How long before a segment can be fetched a steered player asks: an answer takes a round trip of 40 ms.
const ASK_AHEAD: Duration = Duration::from_millis(120);
/// After a failed request the player waits this long.
const RETRY: Duration = Duration::from_millis(200);

/// What changes from segment to segment.
struct Session {
    connection: Connection,
    playback: Playback,
    history: History,
    memory: Memory,
    rung: Option<RungIndex>,
    cap: Option<Bitrate>,
    advised: Option<RungIndex>,
    stalls_reported: u32,
    stall_reported_s: f64,
    next: u64,
}

impl Player {
    /// Watches until `deadline`. A failed request is counted and tried again; only a dead edge ends it early.
    pub(crate) async fn watch(self, deadline: Instant) -> anyhow::Result<()> {
        let first = self.origin.live_edge().saturating_sub(JOIN_BEHIND);
        let mut session = Session {
            connection: Connection::new(self.address, self.edge, self.link.clone()),
            playback: Playback::new(self.origin.live_position_s(), first as f64 * self.segment.as_secs_f64()),
            history: History::default(),
            memory: Memory::default(),
            rung: None,
            cap: None,
            advised: None,
            stalls_reported: 0,
            stall_reported_s: 0.0,
            next: first,
        };
        self.fetch_playlist(&mut session, "live/master.m3u8", 0).await?;
        while Instant::now() < deadline {
            match tokio::time::timeout_at(deadline, self.step(&mut session, deadline)).await {
                Err(_) => break,
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.with_progress(|progress| progress.failures += 1);
                    tracing::debug!(session = self.session, "request failed: {error:#}");
                    session.connection.close();
                    sleep(RETRY).await;
                }
            }
        }
        self.pace(&mut session);
        Ok(())
    }

    /// Waits for the next segment, chooses its rung, fetches and plays it.
    async fn step(&self, session: &mut Session, deadline: Instant) -> anyhow::Result<()> {
        let available = self.origin.available_at(session.next).min(deadline);
        self.wait_until(session, available.checked_sub(ASK_AHEAD).unwrap_or(available)).await;
        let waits = Instant::now() < available;
        session.playback.advance(self.origin.live_position_s());
        // A player that waits for the live edge asks for nothing; one that is late pays a round trip, which a short buffer lacks.
        let can_ask = waits || session.playback.buffer_s() >= self.segment.as_secs_f64();
        let advised = if can_ask { self.ask(session).await? } else { None };
        self.wait_until(session, available).await;
        let own = self.choose(session);
        let rung = match (can_ask, advised, session.advised) {
            (true, Some(advised), _) => advised,
            (false, _, Some(last)) if self.steering == Steering::Steered => own.min(last),
            _ => own,
        };
        session.advised = advised.or(session.advised);
        self.play_next(session, rung).await
    }

    /// Lets the playhead move on until `until`, at the rate that the buffer asks for.
    async fn wait_until(&self, session: &mut Session, until: Instant) {
        loop {
            self.pace(session);
            let now = Instant::now();
            if now >= until {
                return;
            }
            sleep_until(until.min(now + PROGRESS)).await;
        }
    }

    fn view<'a>(&'a self, session: &'a Session) -> View<'a> {
        View {
            now: time::Timestamp::from_secs_f64(self.origin.live_position_s()),
            ladder: &self.ladder,
            segment_duration: time::Duration::from_secs_f64(self.segment.as_secs_f64()),
            segments: Segments::Nominal,
            buffer_length: time::Duration::from_secs_f64(session.playback.buffer_s()),
            buffer_capacity: time::Duration::from_secs_f64(self.target_latency_s()),
            current: session.rung,
            live_latency: None,
            history: &session.history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
            guidance: Guidance::default(),
        }
    }

    /// The rung its own rule wants, below the cap where the player obeys one.
    fn choose(&self, session: &mut Session) -> RungIndex {
        session.playback.advance(self.origin.live_position_s());
        let mut memory = session.memory;
        let wanted = self.rule.decide(&self.view(session), &mut memory).rung;
        session.memory = memory;
        let cap = session.cap.and_then(|cap| self.ladder.highest_within(cap));
        match self.steering {
            Steering::Alone => wanted,
            Steering::Steered => cap.map_or(wanted, |cap| wanted.min(cap)),
        }
    }

    /// What a steered player is advised to fetch next; nothing where Headroom leaves the choice to it.
    async fn ask(&self, session: &mut Session) -> anyhow::Result<Option<RungIndex>> {
        let Some(newest) = session.history.newest().filter(|_| self.steering == Steering::Steered) else {
            return Ok(None);
        };
        let time_to_last_byte = (newest.seconds * 1_000.0) as u32;
        let mut cmcd = self.cmcd(session, ObjectType::Video, session.rung.unwrap_or(0));
        cmcd.event = Some(EventType::ResponseReceived);
        cmcd.time_to_last_byte = Some(time_to_last_byte);
        let query = cmcd.to_query().context("invariant: our own CMCD can be written")?;
        let answer = session.connection.request(&format!("/v1/advice?{query}")).await?;
        let body = answer.collect().await?;
        // No content: the player knows better.
        let advice: Option<Advice> = if body.is_empty() { None } else { Some(serde_json::from_slice(&body)?) };
        Ok(advice.and_then(|advice| self.ladder.highest_within(Bitrate::kbps(advice.bitrate_kbps))))
    }

    async fn play_next(&self, session: &mut Session, mut rung: RungIndex) -> anyhow::Result<()> {
        let mut given_up = 0;
        loop {
            if session.rung != Some(rung) {
                self.fetch_playlist(session, &format!("live/{rung}/media.m3u8"), rung).await?;
            }
            let path = format!("live/{rung}/{}.m4s", session.next);
            let mut transfer = self.request(session, &path, ObjectType::Video, rung).await?;
            if transfer.status == StatusCode::NOT_FOUND {
                let edge = self.origin.live_edge();
                session.next = edge.saturating_sub(JOIN_BEHIND);
                session.playback.jump(session.next as f64 * self.segment.as_secs_f64());
                return Ok(());
            }
            let lower = self.receive(session, &mut transfer, rung, given_up).await?;
            let took = transfer.elapsed();
            session.history.push(
                Bitrate::bps((transfer.received as f64 * 8.0 / took.as_secs_f64()) as u64),
                time::Duration::from_secs_f64(took.as_secs_f64()),
            );
            self.with_progress(|progress| progress.bytes += transfer.received);
            let Some(lower) = lower else { break };
            drop(transfer);
            session.connection.close();
            given_up += 1;
            rung = lower;
        }
        session.playback.advance(self.origin.live_position_s());
        session.playback.append(self.segment.as_secs_f64());
        self.pace(session);
        let latency_s = self.latency_s(&session.playback);
        let cap = session.cap.and_then(|cap| self.ladder.highest_within(cap));
        self.with_progress(|progress| {
            progress.play(&self.ladder, rung, self.segment.as_secs_f64(), latency_s);
            progress.cap = cap;
        });
        session.rung = Some(rung);
        session.next += 1;
        Ok(())
    }

    /// Receives a segment; the lower rung for which it is given up, if it is.
    async fn receive(
        &self,
        session: &mut Session,
        transfer: &mut Transfer,
        rung: RungIndex,
        given_up: u8,
    ) -> anyhow::Result<Option<RungIndex>> {
        while !transfer.advance().await? {
            self.pace(session);
            let Some(length) = transfer.length else { continue };
            let progress = policy::Progress {
                rung,
                bits: length as f64 * 8.0,
                received_bits: transfer.received as f64 * 8.0,
                elapsed_s: transfer.elapsed().as_secs_f64(),
                first_byte_s: transfer.first_byte.as_secs_f64(),
            };
            let lower = match self.steering {
                Steering::Steered => Abandonment::ADVISED.lower(&self.view(session), &progress, given_up),
                Steering::Alone => {
                    let mut memory = session.memory;
                    let lower = self.rule.abandon(&self.view(session), &progress, &mut memory);
                    session.memory = memory;
                    lower
                }
            };
            if let Some(lower) = lower.filter(|&lower| lower < rung) {
                return Ok(Some(lower));
            }
        }
        Ok(None)
    }

    async fn fetch_playlist(&self, session: &mut Session, path: &str, rung: RungIndex) -> anyhow::Result<()> {
        self.request(session, path, ObjectType::Manifest, rung).await?.collect().await?;
        Ok(())
    }

    /// One request with what the player says of itself; what the answer's CMSD says is kept.
    async fn request(
        &self,
        session: &mut Session,
        path: &str,
        object_type: ObjectType,
        rung: RungIndex,
    ) -> anyhow::Result<Transfer> {
        session.playback.advance(self.origin.live_position_s());
        let query =
            self.cmcd(session, object_type, rung).to_query().context("invariant: our own CMCD can be written")?;
        let transfer = session.connection.request(&format!("/{path}?{query}")).await?;
        session.cap = transfer.max_bitrate.or(session.cap);
        match transfer.status {
            StatusCode::OK | StatusCode::NOT_FOUND => Ok(transfer),
            other => bail!("the edge answered {other}"),
        }
    }

    /// What the player says of itself with a request.
    fn cmcd(&self, session: &mut Session, object_type: ObjectType, rung: RungIndex) -> Cmcd<'_> {
        let playback = &session.playback;
        let millis = |seconds: f64| (seconds * 1_000.0) as u32;
        let starved = playback.stalls() > session.stalls_reported;
        let stall_s = playback.stalled_s() - session.stall_reported_s;
        session.stalls_reported = playback.stalls();
        let mut cmcd = Cmcd {
            version: Version::V2,
            session_id: Some(self.session.as_str().into()),
            content_id: Some(STREAM.into()),
            object_type: Some(object_type),
            streaming_format: Some(StreamingFormat::Hls),
            stream_type: Some(StreamType::Live),
            buffer_length: ByObjectType::untyped(millis(playback.buffer_s())),
            target_buffer_length: ByObjectType::untyped(millis(self.target_latency_s())),
            live_latency: Some(millis(self.latency_s(playback)) as i32),
            startup: playback.is_starting().then_some(true),
            buffer_starvation: starved.then_some(true),
            playback_rate: (playback.rate() != 1.0).then_some(playback.rate()),
            player_state: Some(match (playback.is_starting(), playback.is_stalled()) {
                (true, _) => PlayerState::Starting,
                (false, true) => PlayerState::Rebuffering,
                (false, false) => PlayerState::Playing,
            }),
            ..Cmcd::default()
        };
        if !playback.is_stalled() && stall_s > 0.0 {
            cmcd.buffer_starvation_duration = ByObjectType::untyped(millis(stall_s));
            session.stall_reported_s = playback.stalled_s();
        }
        if object_type == ObjectType::Video {
            cmcd.encoded_bitrate = ByObjectType::untyped(self.ladder.bitrate(rung).as_kbps() as u32);
            cmcd.top_bitrate = ByObjectType::untyped(self.ladder.bitrate(self.ladder.top()).as_kbps() as u32);
            cmcd.object_duration = Some(self.segment.as_millis() as u32);
        }
        if let Some(newest) = session.history.newest() {
            cmcd.measured_throughput = ByObjectType::untyped(newest.throughput_kbps as u32);
        }
        cmcd
    }

    /// Sets the playback rate: both players hurry when they are late; a steered one plays slower while its buffer is short.
    fn pace(&self, session: &mut Session) {
        let playback = &mut session.playback;
        playback.advance(self.origin.live_position_s());
        let behind = self.latency_s(playback) - self.target_latency_s() > CATCH_UP_BEYOND_S;
        let can_hurry = playback.buffer_s() > self.segment.as_secs_f64();
        let own = if behind && can_hurry { CATCH_UP_RATE } else { 1.0 };
        playback.set_rate(match self.steering {
            Steering::Alone => own,
            Steering::Steered => Stretch::default().rate(
                own,
                time::Duration::from_secs_f64(playback.buffer_s()),
                time::Duration::from_secs_f64(self.target_latency_s()),
            ),
        });
        self.with_progress(|progress| progress.follow(playback.clone()));
    }

    fn with_progress(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn latency_s(&self, playback: &Playback) -> f64 {
        self.origin.live_position_s() - playback.playhead_s()
    }

    /// Distance behind live at which the player joins and to which it returns.
    fn target_latency_s(&self) -> f64 {
        self.segment.as_secs_f64() * JOIN_BEHIND as f64
    }
}

/// The part of the answer to a question that a player needs.
#[derive(Deserialize)]
struct Advice {
    bitrate_kbps: u64,
}
