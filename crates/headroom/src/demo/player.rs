//! A virtual viewer: a live player in everything but the picture.
//!
//! It fetches playlists and segments over real HTTP through its [`Link`], says what it does in CMCD v2 with every
//! request, and chooses rungs by the rule of a stock player. A steered one asks Headroom before every segment, as the agent
//! for hls.js does; where it gets no advice it obeys CMSD `mb` and mixes `etp` into its own estimate, if its rule has one.

use super::{
    link::{Limited, Link, ROUND_TRIP},
    origin::{Origin, STREAM},
    playback::Playback,
};
use anyhow::{Context, bail};
use bytes::Bytes;
use headroom_core::{
    forecast::{Forecast, History},
    ladder::{Ladder, RungIndex},
    policy::{Guidance, Memory, Policy, Segments, View, Weights},
    qoe::{Live, LiveSegment},
    time,
    units::Bitrate,
};
use headroom_wire::{
    cmcd::{ByObjectType, Cmcd, EventType, ObjectType, PlayerState, StreamType, StreamingFormat, Version},
    cmsd,
};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, StatusCode, client::conn::http1::SendRequest, header::HeaderValue};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::TcpSocket,
    time::{Duration, Instant, sleep, sleep_until},
};

/// Whether a player does what Headroom says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steering {
    /// Chooses alone; CMSD is ignored.
    Alone,
    /// Asks for advice; without any it plays nothing above CMSD `mb`, and is told CMSD `etp`.
    Steered,
}

/// One viewer.
pub(crate) struct Player {
    pub(crate) session: String,
    pub(crate) steering: Steering,
    /// How it chooses by itself.
    pub(crate) rule: Arc<dyn Policy>,
    pub(crate) link: Link,
    pub(crate) edge: SocketAddr,
    pub(crate) origin: Arc<Origin>,
    pub(crate) ladder: Ladder,
    pub(crate) segment: Duration,
    pub(crate) progress: Arc<Mutex<Progress>>,
}

/// What the viewer went through so far: read by the screen, judged at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) rung: Option<RungIndex>,
    pub(crate) cap: Option<RungIndex>,
    pub(crate) buffer_s: f64,
    pub(crate) latency_s: f64,
    pub(crate) stalled: bool,
    pub(crate) stalled_s: f64,
    pub(crate) stalls: u32,
    pub(crate) switches: u32,
    pub(crate) segments: u32,
    pub(crate) mbps_sum: f64,
    pub(crate) latency_sum_s: f64,
    /// Sum of the live QoE over segments; a perfect segment is 1.
    pub(crate) qoe_sum: f64,
    pub(crate) failures: u32,
    /// The playhead as of the last request: it moves on, or stands still, while the next one is under way.
    playback: Option<Playback>,
}

impl Progress {
    /// Lets the playhead move on until `live_position_s`, on the clock of the origin.
    pub(crate) fn settle(&mut self, live_position_s: f64) {
        let Some(playback) = &mut self.playback else { return };
        playback.advance(live_position_s);
        self.buffer_s = playback.buffer_s();
        self.latency_s = live_position_s - playback.playhead_s();
        self.stalled = playback.is_stalled();
        self.stalled_s = playback.stalled_s();
        self.stalls = playback.stalls();
    }
}

/// Segments behind the live edge at which a viewer joins, as hls.js does (`liveSyncDurationCount` 3).
const JOIN_BEHIND: u64 = 3;
/// Receive buffer of the player's socket: small, so that the sender feels the link and not the loopback interface.
const RECEIVE_BUFFER: u32 = 64 * 1024;
/// Latency beyond the target at which the player hurries, and how fast (dash.js `liveCatchup`, default rate 0.05 here).
const CATCH_UP_BEYOND_S: f64 = 1.0;
const CATCH_UP_RATE: f64 = 1.05;

/// What changes from segment to segment.
struct Session {
    playback: Playback,
    history: History,
    memory: Memory,
    rung: Option<RungIndex>,
    cap: Option<Bitrate>,
    /// What the server expects of the link: one number for every level and horizon.
    expected: Forecast,
    stalls_told: u32,
    stalled_told_s: f64,
    judged_stalled_s: f64,
    next: u64,
}

impl Player {
    /// Watches until `deadline`. A failed request is counted and tried again; only a dead edge ends it early.
    pub(crate) async fn watch(self, deadline: Instant) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        let first = self.origin.live_edge().saturating_sub(JOIN_BEHIND);
        let mut session = Session {
            playback: Playback::new(self.origin.live_position_s(), first as f64 * self.segment.as_secs_f64()),
            history: History::default(),
            memory: Memory::default(),
            rung: None,
            cap: None,
            expected: Forecast::UNKNOWN,
            stalls_told: 0,
            stalled_told_s: 0.0,
            judged_stalled_s: 0.0,
            next: first,
        };
        self.fetch(&mut connection, &mut session, "live/master.m3u8", ObjectType::Manifest, 0).await?;
        while Instant::now() < deadline {
            sleep_until(self.origin.available_at(session.next).min(deadline)).await;
            let step = async {
                let rung = match self.ask(&mut connection, &mut session).await? {
                    Some(advised) => advised,
                    None => self.choose(&mut session),
                };
                self.play_next(&mut connection, &mut session, rung).await
            };
            let step = tokio::time::timeout_at(deadline, step).await;
            match step {
                Err(_) => break,
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.progress.lock().expect("invariant: nothing panics while holding it").failures += 1;
                    tracing::debug!(session = self.session, "request failed: {error:#}");
                    sleep(Duration::from_millis(200)).await;
                    connection = self.connect().await?;
                }
            }
        }
        session.playback.advance(self.origin.live_position_s());
        self.publish(&session);
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        sleep(ROUND_TRIP).await;
        let stream = socket.connect(self.edge).await.context("the edge does not answer")?;
        let limited = Limited::new(stream, self.link.clone());
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(limited)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// The rung its own rule wants, below the cap where the player obeys one.
    fn choose(&self, session: &mut Session) -> RungIndex {
        session.playback.advance(self.origin.live_position_s());
        let segment = time::Duration::from_secs_f64(self.segment.as_secs_f64());
        let target = time::Duration::from_secs_f64(self.target_latency_s());
        let view = View {
            now: time::Timestamp::from_secs_f64(self.origin.live_position_s()),
            ladder: &self.ladder,
            segment_duration: segment,
            segments: Segments::Nominal,
            buffer_length: time::Duration::from_secs_f64(session.playback.buffer_s()),
            buffer_capacity: target,
            current: session.rung,
            live_latency: None,
            history: &session.history,
            forecast: match self.steering {
                Steering::Alone => &Forecast::UNKNOWN,
                Steering::Steered => &session.expected,
            },
            weights: Weights::default(),
            guidance: Guidance::default(),
        };
        let wanted = self.rule.decide(&view, &mut session.memory).rung;
        let cap = session.cap.and_then(|cap| self.ladder.highest_within(cap));
        match self.steering {
            Steering::Alone => wanted,
            Steering::Steered => cap.map_or(wanted, |cap| wanted.min(cap)),
        }
    }

    /// What a steered player is advised to fetch next; nothing where Headroom leaves the choice to it.
    async fn ask(
        &self,
        connection: &mut SendRequest<Empty<Bytes>>,
        session: &mut Session,
    ) -> anyhow::Result<Option<RungIndex>> {
        let Some(newest) = session.history.newest().filter(|_| self.steering == Steering::Steered) else {
            return Ok(None);
        };
        session.playback.advance(self.origin.live_position_s());
        let mut cmcd = self.cmcd(session, ObjectType::Video, session.rung.unwrap_or(0));
        cmcd.event = Some(EventType::ResponseReceived);
        cmcd.time_to_last_byte = Some((newest.seconds * 1_000.0) as u32);
        let query = cmcd.to_query().context("invariant: our own CMCD can be written")?;
        let request = Request::get(format!("/v1/advice?{query}")).header("host", self.edge.to_string());
        connection.ready().await?;
        sleep(ROUND_TRIP).await;
        let response = connection.send_request(request.body(Empty::new())?).await?;
        let body = response.into_body().collect().await?.to_bytes();
        // No content: the player knows better.
        let advice: Option<Advice> = if body.is_empty() { None } else { Some(serde_json::from_slice(&body)?) };
        Ok(advice.and_then(|advice| self.ladder.highest_within(Bitrate::kbps(advice.bitrate_kbps))))
    }

    async fn play_next(
        &self,
        connection: &mut SendRequest<Empty<Bytes>>,
        session: &mut Session,
        rung: RungIndex,
    ) -> anyhow::Result<()> {
        if rung != session.rung.unwrap_or(u8::MAX) {
            self.fetch(connection, session, &format!("live/{rung}/media.m3u8"), ObjectType::Manifest, rung).await?;
        }
        let path = format!("live/{rung}/{}.m4s", session.next);
        let started = Instant::now();
        let Some(bytes) = self.fetch(connection, session, &path, ObjectType::Video, rung).await? else {
            let edge = self.origin.live_edge();
            session.next = edge.saturating_sub(JOIN_BEHIND);
            session.playback.jump(session.next as f64 * self.segment.as_secs_f64());
            return Ok(());
        };
        let took = started.elapsed();
        session.history.push(
            Bitrate::bps((bytes as f64 * 8.0 / took.as_secs_f64()) as u64),
            time::Duration::from_secs_f64(took.as_secs_f64()),
        );
        session.playback.advance(self.origin.live_position_s());
        session.playback.append(self.segment.as_secs_f64());
        self.judge(session, rung);
        session.rung = Some(rung);
        session.next += 1;
        self.publish(session);
        Ok(())
    }

    /// One request; `None` when the object is not in the live window any more.
    async fn fetch(
        &self,
        connection: &mut SendRequest<Empty<Bytes>>,
        session: &mut Session,
        path: &str,
        object_type: ObjectType,
        rung: RungIndex,
    ) -> anyhow::Result<Option<usize>> {
        session.playback.advance(self.origin.live_position_s());
        let query =
            self.cmcd(session, object_type, rung).to_query().context("invariant: our own CMCD can be written")?;
        let request = Request::get(format!("/{path}?{query}")).header("host", self.edge.to_string());
        connection.ready().await?;
        sleep(ROUND_TRIP).await;
        let response = connection.send_request(request.body(Empty::new())?).await?;
        let hops: Vec<cmsd::Hop<'_>> =
            response.headers().get_all("cmsd-dynamic").iter().filter_map(hops).flatten().collect();
        // The hop nearest to the player speaks last, and counts.
        let last = |value: fn(&cmsd::Hop<'_>) -> Option<u32>| hops.iter().rev().find_map(value).map(u64::from);
        if let Some(kbps) = last(|hop| hop.maximum_suggested_bitrate) {
            session.cap = Some(Bitrate::kbps(kbps));
        }
        if let Some(kbps) = last(|hop| hop.estimated_throughput) {
            session.expected = Forecast { quantiles_kbps: [[kbps as f32; 5]; 3] };
        }
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes().len();
        match status {
            StatusCode::OK => Ok(Some(bytes)),
            StatusCode::NOT_FOUND => Ok(None),
            other => bail!("the edge answered {other}"),
        }
    }

    /// What the player says of itself with a request.
    fn cmcd(&self, session: &mut Session, object_type: ObjectType, rung: RungIndex) -> Cmcd<'_> {
        let playback = &session.playback;
        let millis = |seconds: f64| (seconds * 1_000.0) as u32;
        let starved = playback.stalls() > session.stalls_told;
        let stood_still = playback.stalled_s() - session.stalled_told_s;
        session.stalls_told = playback.stalls();
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
        if !playback.is_stalled() && stood_still > 0.0 {
            cmcd.buffer_starvation_duration = ByObjectType::untyped(millis(stood_still));
            session.stalled_told_s = playback.stalled_s();
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

    /// Scores the segment just appended and adapts the playback rate to the distance from live.
    fn judge(&self, session: &mut Session, rung: RungIndex) {
        let latency_s = self.latency_s(&session.playback);
        let behind = latency_s - self.target_latency_s() > CATCH_UP_BEYOND_S;
        let can_hurry = session.playback.buffer_s() > self.segment.as_secs_f64();
        session.playback.set_rate(if behind && can_hurry { CATCH_UP_RATE } else { 1.0 });
        let stall_s = session.playback.stalled_s() - session.judged_stalled_s;
        session.judged_stalled_s = session.playback.stalled_s();
        let played = LiveSegment {
            bitrate: self.ladder.bitrate(rung),
            previous: session.rung.map(|rung| self.ladder.bitrate(rung)),
            stall: time::Duration::from_secs_f64(stall_s),
            latency: time::Duration::from_secs_f64(latency_s),
            playback_rate: session.playback.rate(),
        };
        let live = Live::new(&self.ladder, time::Duration::from_secs_f64(self.segment.as_secs_f64()));
        let mut progress = self.progress.lock().expect("invariant: nothing panics while holding it");
        progress.segments += 1;
        progress.switches += u32::from(session.rung.is_some_and(|before| before != rung));
        progress.mbps_sum += self.ladder.bitrate(rung).as_mbps();
        progress.latency_sum_s += latency_s;
        progress.qoe_sum += live.segment(&played);
        progress.rung = Some(rung);
    }

    fn publish(&self, session: &Session) {
        let mut progress = self.progress.lock().expect("invariant: nothing panics while holding it");
        progress.cap = session.cap.and_then(|cap| self.ladder.highest_within(cap));
        progress.playback = Some(session.playback.clone());
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

/// What the hops of a CMSD-Dynamic header say; nothing of one that is broken.
fn hops(header: &HeaderValue) -> Option<Vec<cmsd::Hop<'_>>> {
    cmsd::parse_dynamic(header.to_str().ok()?).ok()
}
