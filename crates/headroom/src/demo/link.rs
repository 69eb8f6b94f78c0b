//! A TCP stream that reads no faster than a replayed link.

use headroom_sim::trace::{AtEnd, Trace};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Duration, Instant, Sleep, sleep},
};

/// One viewer's access link: a trace and the moment in it at which the viewer joined.
#[derive(Clone)]
pub(crate) struct Link {
    trace: Arc<Trace>,
    offset_s: f64,
    epoch: Instant,
}

/// Delay of one round trip: own choice, a mobile link to a near server.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(40);

/// Most bytes that may be read ahead of the link: keeps steps of the trace visible and wake-ups few.
const BURST: Duration = Duration::from_millis(50);

impl Link {
    /// The link of `trace` as it runs from `offset_s` onwards, starting now.
    pub(crate) fn new(trace: Arc<Trace>, offset_s: f64, epoch: Instant) -> Self {
        Self { trace, offset_s, epoch }
    }

    /// What the link carries now, in kbit/s.
    pub(crate) fn kbps_now(&self) -> f64 {
        self.trace.at(self.time(Instant::now()), AtEnd::Loop).map_or(0.0, |sample| sample.throughput_kbps)
    }

    fn time(&self, now: Instant) -> f64 {
        self.offset_s + now.saturating_duration_since(self.epoch).as_secs_f64()
    }

    /// How long `bytes` more take from the time the link is busy until.
    fn finish(&self, from_s: f64, bytes: usize) -> f64 {
        self.trace.cursor(AtEnd::Loop).finish_of(from_s, bytes as f64 * 8.0).unwrap_or(f64::INFINITY)
    }
}

/// The stream behind the link.
pub(crate) struct Limited {
    stream: TcpStream,
    link: Link,
    /// Time of the trace until which the link is busy with what was read.
    busy_until_s: f64,
    pause: Pin<Box<Sleep>>,
}

/// Bytes handed over at a time, so that one read cannot run far ahead of the link.
const READ_AT_MOST: usize = 16 * 1024;

impl Limited {
    pub(crate) fn new(stream: TcpStream, link: Link) -> Self {
        Self { stream, link, busy_until_s: 0.0, pause: Box::pin(sleep(Duration::ZERO)) }
    }
}

impl AsyncRead for Limited {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.pause.as_mut().poll(cx));
        let mut chunk = [0; READ_AT_MOST];
        let room = buf.remaining().min(READ_AT_MOST);
        let mut limited = ReadBuf::new(&mut chunk[..room]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut limited))?;
        let bytes = limited.filled();
        buf.put_slice(bytes);
        let now_s = self.link.time(Instant::now());
        self.busy_until_s = self.link.finish(self.busy_until_s.max(now_s), bytes.len());
        let ahead = Duration::try_from_secs_f64(self.busy_until_s - now_s).unwrap_or(Duration::from_secs(3_600));
        if ahead > BURST {
            self.pause.as_mut().reset(Instant::now() + ahead);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
