//! A live origin of filler media: HLS and DASH of one ladder, made when asked for.

use super::media::{FRAME_RATE, Rendition};
use anyhow::Context;
use bytes::Bytes;
use headroom_core::ladder::Ladder;
use headroom_server::calendar;
use headroom_sim::profile::SIZE_SPREAD;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rand::SeedableRng;
use rand_distr::{Distribution, LogNormal};
use rand_pcg::Pcg64Mcg;
use std::{
    convert::Infallible,
    fmt::Write,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, task::JoinSet};

/// Seconds of a segment.
pub(super) const SEGMENT_S: f64 = 2.0;
/// Distance behind live that the manifests ask for, seconds: three segments, which is hls.js' own choice too.
pub(super) const TARGET_LATENCY_S: f64 = 6.0;
/// Segments that manifests list.
const WINDOW: u64 = 10;
/// Segments still served after they left the manifests.
const GRACE: u64 = 10;
/// Segments are there this much before the manifest says so, seconds: no player comes too early.
const EARLY_S: f64 = 0.1;
/// Largest factor of a segment's size: three standard deviations.
const SIZE_FACTOR_MAX: f64 = 1.9;
const SIZE_SEED: u64 = 12;

/// The live stream.
pub(super) struct Origin {
    ladder: Ladder,
    /// When segment 0 began, seconds since 1970.
    began_s: u64,
}

impl Origin {
    /// A stream that has been live for a while.
    pub(super) fn new(ladder: Ladder) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        Ok(Self { ladder, began_s: now.as_secs().saturating_sub(60) })
    }

    /// What it offers.
    pub(super) fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    /// The rung whose pictures have this height.
    pub(super) fn rung_of(&self, height: u16) -> Option<u8> {
        (0..=self.ladder.top()).find(|rung| Rendition::new(*rung).height() == height)
    }

    /// Serves on a free port of the loopback interface until the task set is dropped.
    pub(super) async fn serve(self: Arc<Self>, tasks: &mut JoinSet<()>) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no loopback port for the origin")?;
        let address = listener.local_addr()?;
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let origin = Arc::clone(&self);
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = origin.answer(request.uri().path());
                    async move { Ok::<_, Infallible>(answer) }
                });
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new());
                tokio::spawn(async move {
                    // A player that gives a transfer up ends its connection.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Ok(address)
    }

    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let found = self.find(path);
        let (status, kind, body) = match found {
            Some((kind, body)) => (StatusCode::OK, kind, Bytes::from(body)),
            None => (StatusCode::NOT_FOUND, "text/plain", Bytes::from_static(b"not in the live window\n")),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        response
    }

    fn find(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let rung = |text: &str| text.parse::<u8>().ok().filter(|rung| *rung <= self.ladder.top());
        match path.strip_prefix("/live/")? {
            "master.m3u8" => Some((PLAYLIST, self.multivariant().into())),
            "live.mpd" => Some(("application/dash+xml", self.presentation().into())),
            name => {
                let (first, rest) = name.split_once('/')?;
                let rung = rung(first)?;
                match rest {
                    "media.m3u8" => Some((PLAYLIST, self.media_playlist(self.live_edge()).into())),
                    "init.mp4" => Some(("video/mp4", Rendition::new(rung).initialisation())),
                    _ => {
                        let number = rest.strip_suffix(".m4s")?.parse().ok()?;
                        Some(("video/iso.segment", self.segment(rung, number)?))
                    }
                }
            }
        }
    }

    /// The segment being produced; the ones before it can be fetched.
    fn live_edge(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
        ((now + EARLY_S - self.began_s as f64) / SEGMENT_S).max(0.0) as u64
    }

    fn multivariant(&self) -> String {
        let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        for (rung, offered) in (0..).zip(self.ladder.rungs()) {
            let rendition = Rendition::new(rung);
            let _ = write!(
                text,
                "#EXT-X-STREAM-INF:BANDWIDTH={},RESOLUTION={}x{},FRAME-RATE={FRAME_RATE}.000,CODECS=\"{}\"\n{rung}/media.m3u8\n",
                offered.bitrate.as_bps(),
                rendition.width(),
                rendition.height(),
                Rendition::codec(),
            );
        }
        text
    }

    fn media_playlist(&self, edge: u64) -> String {
        let first = edge.saturating_sub(WINDOW);
        let date = calendar::rfc3339(self.began_s + (first as f64 * SEGMENT_S) as u64);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{SEGMENT_S:.0}\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:{date}\n"
        );
        for number in first..edge {
            let _ = write!(text, "#EXTINF:{SEGMENT_S:.3},\n{number}.m4s\n");
        }
        text
    }

    fn presentation(&self) -> String {
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"dynamic\" \
             availabilityStartTime=\"{start}\" publishTime=\"{start}\" minimumUpdatePeriod=\"PT30S\" minBufferTime=\"PT2S\" \
             maxSegmentDuration=\"PT{SEGMENT_S:.0}S\" timeShiftBufferDepth=\"PT{depth:.0}S\" \
             suggestedPresentationDelay=\"PT{TARGET_LATENCY_S:.0}S\">\n\
             <Period id=\"0\" start=\"PT0S\">\n\
             <AdaptationSet id=\"0\" contentType=\"video\" mimeType=\"video/mp4\" codecs=\"{codec}\" frameRate=\"{FRAME_RATE}\" \
             segmentAlignment=\"true\" startWithSAP=\"1\">\n\
             <SegmentTemplate timescale=\"1\" duration=\"{SEGMENT_S:.0}\" startNumber=\"0\" \
             initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/$Number$.m4s\"/>\n",
            start = calendar::rfc3339(self.began_s),
            depth = WINDOW as f64 * SEGMENT_S,
            codec = Rendition::codec(),
        );
        for (rung, offered) in (0..).zip(self.ladder.rungs()) {
            let rendition = Rendition::new(rung);
            let (width, height) = (rendition.width(), rendition.height());
            let bandwidth = offered.bitrate.as_bps();
            let _ = writeln!(
                text,
                "<Representation id=\"{rung}\" bandwidth=\"{bandwidth}\" width=\"{width}\" height=\"{height}\"/>"
            );
        }
        text.push_str("</AdaptationSet>\n</Period>\n</MPD>\n");
        text
    }

    /// Nothing for a segment not yet produced or no longer held. Sizes vary as in the edge profiles of `bench abr`, and are the same
    /// for everybody.
    fn segment(&self, rung: u8, number: u64) -> Option<Vec<u8>> {
        let edge = self.live_edge();
        if number >= edge || number + WINDOW + GRACE < edge {
            return None;
        }
        let spread = LogNormal::new(0.0, SIZE_SPREAD).ok()?;
        let factor = spread.sample(&mut Pcg64Mcg::seed_from_u64(SIZE_SEED ^ number)).min(SIZE_FACTOR_MAX);
        let bytes = self.ladder.bitrate(rung).as_bps() as f64 * SEGMENT_S / 8.0 * factor;
        Some(Rendition::new(rung).segment(number, SEGMENT_S, bytes as usize))
    }
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_wire::playlist;

    #[test]
    fn both_manifests_offer_the_ladder_and_its_segments() {
        let origin = Origin::new(Ladder::default()).unwrap();
        for path in ["/live/master.m3u8", "/live/live.mpd"] {
            let (_, text) = origin.find(path).unwrap();
            let found = playlist::Ladder::parse(std::str::from_utf8(&text).unwrap()).unwrap();
            let rates: Vec<u64> = found.rungs(16).into_iter().map(|rung| rung.peak_bitrate_bps).collect();
            let offered: Vec<u64> = origin.ladder().rungs().iter().map(|rung| rung.bitrate.as_bps()).collect();
            assert_eq!(rates.len(), offered.len(), "{path}");
            assert!(offered.iter().all(|rate| rates.contains(rate)), "{path}: {rates:?}");
        }
        let edge = origin.live_edge();
        for (number, there) in [(edge - 1, true), (edge - WINDOW, true), (edge + 1, false), (0, edge <= WINDOW + GRACE)]
        {
            assert_eq!(origin.find(&format!("/live/7/{number}.m4s")).is_some(), there, "{number} of {edge}");
        }
        let bytes = origin.find(&format!("/live/0/{}.m4s", edge - 1)).unwrap().1.len() as f64;
        assert!((50_000.0..200_000.0).contains(&bytes), "0.4 Mbit/s for 2 s is about 100 kB, not {bytes}");
        for wrong in ["/live/99/init.mp4", "/live/0/x.m4s", "/live/", "/", "/live/0/18446744073709551615.m4s"] {
            assert!(origin.find(wrong).is_none(), "{wrong}");
        }
        assert_eq!(origin.rung_of(Rendition::new(5).height()), Some(5));
        assert_eq!(origin.rung_of(240), None);
    }
}
