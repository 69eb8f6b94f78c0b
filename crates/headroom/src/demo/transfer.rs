//! A player's requests: one connection at a time, what the headers of an answer say, and a body that can be given up.

use super::link::{Limited, Link, ROUND_TRIP};
use anyhow::Context;
use bytes::Bytes;
use headroom_core::units::Bitrate;
use headroom_wire::cmsd;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, StatusCode, body::Incoming, client::conn::http1::SendRequest, header::HeaderValue};
use hyper_util::rt::TokioIo;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    net::TcpSocket,
    time::{Duration, Instant, sleep},
};

/// Receive buffer of the player's socket: small, so that the sender feels the link and not the loopback interface.
const RECEIVE_BUFFER: u32 = 64 * 1024;

/// How often a running transfer is judged. dash.js does so with every progress event, hls.js ten times a second.
pub(super) const PROGRESS: Duration = Duration::from_millis(100);

/// A connection to the edge through the player's link, opened again when it is gone.
pub(super) struct Connection {
    address: Ipv4Addr,
    edge: SocketAddr,
    link: Link,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

/// A body on its way.
pub(super) struct Transfer {
    pub(super) status: StatusCode,
    /// CMSD `mb` of the hop nearest to the player.
    pub(super) max_bitrate: Option<Bitrate>,
    /// Bytes the body has, where the answer says so.
    pub(super) length: Option<u64>,
    /// Bytes received so far.
    pub(super) received: u64,
    /// From the request to the head of the answer.
    pub(super) first_byte: Duration,
    started: Instant,
    body: Incoming,
}

impl Connection {
    pub(super) fn new(address: Ipv4Addr, edge: SocketAddr, link: Link) -> Self {
        Self { address, edge, link, sender: None }
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn request(&mut self, path_and_query: &str) -> anyhow::Result<Transfer> {
        let started = Instant::now();
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.open().await?,
        };
        let request = Request::get(path_and_query).header("host", self.edge.to_string()).body(Empty::new())?;
        sender.ready().await?;
        sleep(ROUND_TRIP).await;
        let response = sender.send_request(request).await?;
        let hops: Vec<cmsd::Hop<'_>> =
            response.headers().get_all("cmsd-dynamic").iter().filter_map(hops).flatten().collect();
        // The hop nearest to the player writes last, and counts.
        let max_bitrate = hops.iter().rev().find_map(|hop| hop.maximum_suggested_bitrate);
        let max_bitrate = max_bitrate.map(|kbps| Bitrate::kbps(u64::from(kbps)));
        let length = response.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status();
        self.sender = Some(sender);
        Ok(Transfer {
            status,
            max_bitrate,
            length,
            received: 0,
            first_byte: started.elapsed(),
            started,
            body: response.into_body(),
        })
    }

    /// Closes the connection: the only way to stop an answer of HTTP/1.1.
    pub(super) fn close(&mut self) {
        self.sender = None;
    }

    async fn open(&self) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        // Beyond Linux the loopback interface has one address only, which then is everybody's.
        if let Err(error) = socket.bind((self.address, 0).into()) {
            tracing::debug!(%error, "all viewers share an address");
        }
        sleep(ROUND_TRIP).await;
        let stream = socket.connect(self.edge).await.context("the edge does not answer")?;
        let limited = Limited::new(stream, self.link.clone());
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(limited)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl Transfer {
    /// Since the request.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Receives for at most [`PROGRESS`]; whether the body has ended.
    pub(super) async fn advance(&mut self) -> anyhow::Result<bool> {
        let until = Instant::now() + PROGRESS;
        while let Ok(frame) = tokio::time::timeout_at(until, self.body.frame()).await {
            match frame {
                None => return Ok(true),
                Some(frame) => self.received += frame?.data_ref().map_or(0, |data| data.len() as u64),
            }
        }
        Ok(false)
    }

    /// The whole body.
    pub(super) async fn collect(self) -> anyhow::Result<Bytes> {
        Ok(self.body.collect().await?.to_bytes())
    }
}

/// What the hops of a CMSD-Dynamic header say; nothing of one that is broken.
fn hops(header: &HeaderValue) -> Option<Vec<cmsd::Hop<'_>>> {
    cmsd::parse_dynamic(header.to_str().ok()?).ok()
}
