//! An HTTP origin with a live stream on it: playlists whose edge moves with the clock, segments of synthetic bytes.

use anyhow::Context;
use bytes::Bytes;
use headroom_core::ladder::Ladder;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_pcg::Pcg64Mcg;
use std::{convert::Infallible, fmt::Write, net::SocketAddr, sync::Arc};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Duration, Instant},
};

/// The name of the demo's content (CMCD `cid`), which the chat is about.
pub(crate) const STREAM: &str = "demo";

/// The live stream.
pub(crate) struct Origin {
    ladder: Ladder,
    segment: Duration,
    started: Instant,
    seed: u64,
    /// Bytes every segment is cut from: the content of media is of no concern to QoS.
    filler: Bytes,
}

/// Segments listed in a media playlist and still served.
pub(crate) const WINDOW: u64 = 8;

/// Spread of segment sizes around bit rate × duration, as in the `live` profile of `headroom bench abr`.
const SIZE_SPREAD: f64 = 0.2;

/// Largest factor that is served: three standard deviations.
const SIZE_FACTOR_MAX: f64 = 1.9;

impl Origin {
    /// A stream that went live `WINDOW` segments ago.
    pub(crate) fn new(ladder: Ladder, segment: Duration, seed: u64) -> Self {
        let top = ladder.bitrate(ladder.top()).as_bps() as f64;
        let largest = (top * segment.as_secs_f64() / 8.0 * SIZE_FACTOR_MAX) as usize + 1;
        let now = Instant::now();
        let started = now.checked_sub(segment * WINDOW as u32).unwrap_or(now);
        Self { ladder, segment, started, seed, filler: Bytes::from(vec![0x5A; largest]) }
    }

    /// What the stream offers.
    pub(crate) fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The number of the segment being produced now; the ones before it can be fetched.
    pub(crate) fn live_edge(&self) -> u64 {
        (self.started.elapsed().as_secs_f64() / self.segment.as_secs_f64()) as u64
    }

    /// When segment `number` can be fetched.
    pub(crate) fn available_at(&self, number: u64) -> Instant {
        self.started + self.segment * (number + 1) as u32
    }

    /// Media seconds at the live edge.
    pub(crate) fn live_position_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Serves on a free port of the loopback interface until the task set is dropped.
    pub(crate) async fn serve(self: Arc<Self>, tasks: &mut JoinSet<()>) -> anyhow::Result<SocketAddr> {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("cannot open a loopback port for the origin")?;
        let address = listener.local_addr()?;
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let origin = Arc::clone(&self);
                let service = service_fn(move |request| {
                    let answer = origin.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new());
                tokio::spawn(async move {
                    // A viewer that hangs up mid-segment is daily life for an origin.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(address)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let parts: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
        let found = match parts[..] {
            ["live", "master.m3u8"] => Some((PLAYLIST, Bytes::from(self.multivariant()))),
            ["live", rung, "media.m3u8"] => self.rung(rung).map(|_| (PLAYLIST, Bytes::from(self.media_playlist()))),
            ["live", rung, name] => self
                .rung(rung)
                .zip(name.strip_suffix(".m4s").and_then(|number| number.parse().ok()))
                .and_then(|(rung, number)| self.segment(rung, number))
                .map(|bytes| ("video/iso.segment", bytes)),
            _ => None,
        };
        let (status, kind, body) = match found {
            Some((kind, body)) => (StatusCode::OK, kind, body),
            None => (StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"not in the live window\n")),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        response
    }

    fn rung(&self, name: &str) -> Option<u8> {
        name.parse().ok().filter(|&rung| rung <= self.ladder.top())
    }

    fn multivariant(&self) -> String {
        let mut text = String::from("#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        for (index, rung) in self.ladder.rungs().iter().enumerate() {
            let (bits, width, height) = (rung.bitrate.as_bps(), rung.width, rung.height);
            let rate = rung.frame_rate;
            writeln!(
                text,
                "#EXT-X-STREAM-INF:BANDWIDTH={bits},RESOLUTION={width}x{height},FRAME-RATE={rate:.3}\n{index}/media.m3u8"
            )
            .expect("writing to a string cannot fail");
        }
        text
    }

    fn media_playlist(&self) -> String {
        let edge = self.live_edge();
        let first = edge.saturating_sub(WINDOW);
        let seconds = self.segment.as_secs_f64();
        let target = seconds.ceil();
        let mut text =
            format!("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..edge {
            writeln!(text, "#EXTINF:{seconds:.3},\n{number}.m4s").expect("writing to a string cannot fail");
        }
        text
    }

    /// The bytes of a segment; nothing for one not yet produced or no longer held.
    fn segment(&self, rung: u8, number: u64) -> Option<Bytes> {
        let edge = self.live_edge();
        if number >= edge || number + WINDOW < edge {
            return None;
        }
        let spread = LogNormal::new(0.0, SIZE_SPREAD).ok()?;
        let factor = spread.sample(&mut Pcg64Mcg::seed_from_u64(self.seed ^ number)).min(SIZE_FACTOR_MAX);
        let bytes = self.ladder.bitrate(rung).as_bps() as f64 * self.segment.as_secs_f64() / 8.0 * factor;
        Some(self.filler.slice(..(bytes as usize).min(self.filler.len())))
    }
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
