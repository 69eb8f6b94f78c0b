//! What one response shows of its session: how fast the client received it, and the state of the transport meanwhile.
//!
//! A body that was handed to the kernel is not yet with the client, so serving time alone says little. The kernel's own
//! account does: bytes acknowledged over the time the connection was busy, between the start of the response and the
//! moment everything is acknowledged.

use super::{
    metrics::EdgeMetrics,
    tcp_info::{Diagnosis, TcpInfo},
};
use crate::{
    ingest::{Ingest, PLAUSIBLE_THROUGHPUT},
    listener::Connection,
    metrics::{DropReason, ReportSource},
};
use axum::body::{Body, Bytes};
use headroom_cluster::shard::ObservedTransfer;
use headroom_core::{
    telemetry::{Link, Report, SessionId},
    time::Duration,
    units::{Bitrate, Ratio},
};
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration as StdDuration, Instant},
};

/// The kernel counts busy time in timer ticks of 1 to 10 ms; below this the quotient is mostly rounding. A faster
/// transfer counts as having taken this long: a lower bound of the rate.
const MIN_BUSY: StdDuration = StdDuration::from_millis(50);

/// Less than the ten segments of an initial window (RFC 6928) and some: slow start says little about the link.
const MIN_BYTES: u64 = 50_000;

/// How often and how long to look for the last acknowledgement.
const SETTLE_STEP: StdDuration = StdDuration::from_millis(50);
const SETTLE_STEPS: u32 = 40;

/// A viewer of live media cannot fall behind by more than this many segment durations a segment and still be one.
const SLOWEST: f64 = 10.0;

/// Follows one response to its end.
pub(crate) struct Transfer {
    pub(crate) session: SessionId,
    pub(crate) connection: Connection,
    pub(crate) ingest: Arc<Ingest>,
    metrics: Arc<EdgeMetrics>,
    pub(crate) diagnosis: Option<Arc<Diagnosis>>,
    /// The object is media, so its size over its duration is the rung played.
    pub(crate) is_media: bool,
    /// How long the object plays, where a playlist says so: parts of a segment are shorter than it.
    pub(crate) object_duration: Option<Duration>,
    started: Instant,
    /// How long the body had nothing to send: its origin was the brake, not the client.
    waited: StdDuration,
    before: Option<TcpInfo>,
    bytes: u64,
}

impl Transfer {
    pub(crate) fn begin(
        session: SessionId,
        connection: Connection,
        ingest: Arc<Ingest>,
        metrics: Arc<EdgeMetrics>,
        diagnosis: Option<Arc<Diagnosis>>,
        is_media: bool,
    ) -> Self {
        let before = diagnosis.as_ref().and_then(|diagnosis| diagnosis.ask(connection.local, connection.peer));
        Self {
            session,
            connection,
            ingest,
            metrics,
            diagnosis,
            is_media,
            object_duration: None,
            started: Instant::now(),
            waited: StdDuration::ZERO,
            before,
            bytes: 0,
        }
    }

    /// Wraps the response body. `expected` is the length the response announces.
    pub(crate) fn follow(mut self, body: Body, expected: Option<u64>) -> Body {
        // Until now the origin was asked.
        self.started = Instant::now();
        let expected = expected.or_else(|| http_body::Body::size_hint(&body).exact());
        Body::new(TransferBody { body, expected, transfer: Some(self), waiting: None })
    }

    fn end(self, complete: bool) {
        self.metrics.sent_bytes.inc_by(self.bytes);
        if !complete {
            self.ingest.metrics.dropped(DropReason::Aborted);
        } else if self.is_media {
            // Asked at once, too: a player that closes its connection now leaves nothing to ask later.
            let at_end = self.ask();
            tokio::spawn(self.settle(at_end));
        }
    }

    fn ask(&self) -> Option<TcpInfo> {
        self.diagnosis.as_ref()?.ask(self.connection.local, self.connection.peer)
    }

    /// Waits until the client acknowledged everything, then reports.
    async fn settle(self, mut after: Option<TcpInfo>) {
        let served = self.started.elapsed().saturating_sub(self.waited);
        for _ in 0..SETTLE_STEPS {
            // The last bytes of the body are on their way to the kernel when the body ends.
            tokio::time::sleep(SETTLE_STEP).await;
            let Some(info) = self.ask() else { break };
            after = Some(info);
            if info.is_settled() {
                break;
            }
        }
        let metrics = &self.ingest.metrics;
        let engines = &self.ingest.engines;
        let seen = self.before.as_ref().zip(after.as_ref());
        let by_transport = seen.map(|(before, after)| self.by_transport(before, after));
        if !engines.reports_itself(self.session) {
            match by_transport.unwrap_or_else(|| self.by_serving_time(served)) {
                Ok((throughput, took)) if throughput <= PLAUSIBLE_THROUGHPUT => {
                    metrics.report(ReportSource::Transfer);
                    engines.handle_transfer(self.session, self.observed(Some((throughput, took))));
                }
                Ok(_) => metrics.dropped(DropReason::Implausible),
                Err(reason) => {
                    metrics.dropped(reason);
                    if reason == DropReason::TooShort && self.object_duration.is_some() {
                        // A part is often too short to tell how fast it came. What is played it tells all the same.
                        engines.handle_transfer(self.session, self.observed(None));
                    }
                }
            }
        }
        if let Some((before, after)) = seen {
            let whole = by_transport.and_then(Result::ok);
            if after.application_limited && whole.is_none() {
                metrics.dropped(DropReason::ApplicationLimited);
            }
            metrics.report(ReportSource::Transport);
            engines.handle_observed(self.session, None, Report::Link(link(before, after, whole)));
        }
    }

    fn observed(&self, measured: Option<(Bitrate, Duration)>) -> ObservedTransfer {
        ObservedTransfer { bytes: self.bytes, measured, object_duration: self.object_duration }
    }

    fn by_transport(&self, before: &TcpInfo, after: &TcpInfo) -> Result<(Bitrate, Duration), DropReason> {
        let bytes = after.acknowledged_bytes.saturating_sub(before.acknowledged_bytes);
        let busy = after.busy_micros.saturating_sub(before.busy_micros);
        let shut = after.receiver_limited_micros.saturating_sub(before.receiver_limited_micros);
        if bytes < MIN_BYTES {
            return Err(DropReason::TooShort);
        }
        // With its window shut for most of the time, the client was the brake: paused, or reading at its own pace.
        if shut > busy / 2 {
            return Err(DropReason::ReceiverLimited);
        }
        self.check_pace(StdDuration::from_micros(busy))?;
        Ok(rate(bytes, StdDuration::from_micros(busy).max(MIN_BUSY)))
    }

    /// Without the kernel's account: only what took long enough to be more than filling the send buffer.
    fn by_serving_time(&self, served: StdDuration) -> Result<(Bitrate, Duration), DropReason> {
        if self.bytes < MIN_BYTES || served < MIN_BUSY * 4 {
            return Err(DropReason::TooShort);
        }
        self.check_pace(served)?;
        Ok(rate(self.bytes, served))
    }

    fn check_pace(&self, took: StdDuration) -> Result<(), DropReason> {
        let segment = self.object_duration.unwrap_or_else(|| self.ingest.engines.segment_duration(self.session));
        let slow = took.as_secs_f64() > SLOWEST * segment.as_secs_f64();
        if slow { Err(DropReason::SlowerThanMedia) } else { Ok(()) }
    }
}

fn rate(bytes: u64, took: StdDuration) -> (Bitrate, Duration) {
    let bits = bytes as f64 * 8.0;
    (Bitrate::from_kbps_f64(bits / 1_000.0 / took.as_secs_f64()), Duration::from_micros(took.as_micros() as u64))
}

/// The transport's view between two looks at it. `whole` is what the object tells, rate and busy time: the kernel's own rate is
/// that of the latest few acknowledgements, which one lost packet makes a tenth of what the link carries.
fn link(before: &TcpInfo, after: &TcpInfo, whole: Option<(Bitrate, Duration)>) -> Link {
    let sent = after.sent_bytes.saturating_sub(before.sent_bytes);
    let again = after.retransmitted_bytes.saturating_sub(before.retransmitted_bytes);
    let moment = (after.delivery_rate > 0).then(|| Bitrate::bps(after.delivery_rate.saturating_mul(8)));
    Link {
        rtt: Some(Duration::from_micros(u64::from(after.rtt_micros))),
        jitter: Some(Duration::from_micros(u64::from(after.rtt_variation_micros))),
        loss_ratio: (sent > 0).then(|| Ratio::clamped(again as f32 / sent as f32)),
        delivery_rate: whole.map(|(rate, _)| rate).or(moment),
        busy: whole.map(|(_, busy)| busy),
        application_limited: after.application_limited && whole.is_none(),
    }
}

/// A body that counts what passes.
struct TransferBody {
    body: Body,
    /// Length of the whole, where it is known: the server does not ask for more once it has that much.
    expected: Option<u64>,
    transfer: Option<Transfer>,
    /// Since when there has been nothing to send.
    waiting: Option<Instant>,
}

impl http_body::Body for TransferBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            self.waiting.get_or_insert_with(Instant::now);
        }
        let frame = ready!(polled);
        if let (Some(since), Some(transfer)) = (self.waiting.take(), &mut self.transfer) {
            transfer.waited += since.elapsed();
        }
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(transfer)) = (frame.data_ref(), &mut self.transfer) {
                    transfer.bytes += data.len() as u64;
                }
            }
            Some(Err(_)) => {}
            None => {
                if let Some(transfer) = self.transfer.take() {
                    transfer.end(true);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TransferBody {
    fn drop(&mut self) {
        if let Some(transfer) = self.transfer.take() {
            let complete = self.expected == Some(transfer.bytes) || http_body::Body::is_end_stream(&self.body);
            transfer.end(complete);
        }
    }
}
