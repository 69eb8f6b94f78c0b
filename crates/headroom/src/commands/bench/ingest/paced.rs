//! An open-loop client: requests are due at a fixed rate whether or not earlier ones were answered, and latency counts
//! from the moment a request was due, so a server that falls behind cannot hide it.

use super::machine::Pinned;
use anyhow::{Context, bail};
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Latencies of all answers.
pub(super) struct Latencies {
    /// From when the request was due: what counts.
    pub(super) due: Sorted,
    /// From when it was sent: the rest it waited for a connection that is free.
    pub(super) sent: Sorted,
    /// From the first request to the last answer.
    pub(super) wall: Duration,
}

/// Durations, shortest first.
pub(super) struct Sorted(Vec<Duration>);

impl Sorted {
    fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    /// What a share of `level` did not exceed.
    pub(super) fn quantile_ms(&self, level: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let index = ((self.0.len() as f64 * level) as usize).min(last);
        self.0.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

struct Connection {
    stream: TcpStream,
    /// When the request on it was due, and was sent.
    due: Instant,
    sent: Instant,
    /// End of the last bytes read: an answer may come in parts.
    tail: Vec<u8>,
}

/// Sends `requests` in turn at `rate` a second for `span`, over `connections`.
pub(super) fn run(
    address: SocketAddr,
    requests: &[Vec<u8>],
    rate: f64,
    span: Duration,
    connections: usize,
) -> anyhow::Result<Latencies> {
    // Level-triggered: what is not read now is told again.
    let events = epoll::create(epoll::CreateFlags::CLOEXEC).context("epoll failed")?;
    let mut open = Vec::new();
    for index in 0..connections.max(1) {
        let stream = TcpStream::connect(address).context("the server refused a connection")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(&events, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)
            .context("epoll failed")?;
        open.push(Connection { stream, due: Instant::now(), sent: Instant::now(), tail: Vec::new() });
    }
    let mut idle: Vec<usize> = (0..open.len()).collect();
    let mut ready = Vec::with_capacity(open.len());
    let _pinned = Pinned::to(super::server::CLIENT_CPU);
    let began = Instant::now();
    let total = (rate * span.as_secs_f64()) as usize;
    let due_at = |index: usize| began + Duration::from_secs_f64(index as f64 / rate);
    let mut next = 0;
    let (mut from_due, mut from_sent) = (Vec::with_capacity(total), Vec::with_capacity(total));
    while from_due.len() < total {
        let now = Instant::now();
        if now > began + span * 2 + Duration::from_secs(5) {
            bail!("the server answered {} of {total} requests in twice the time", from_due.len());
        }
        while next < total && due_at(next) <= now {
            let Some(index) = idle.pop() else { break };
            let connection = &mut open[index];
            // A request is smaller than any send buffer, so a short write does not happen on an idle connection.
            connection.stream.write_all(&requests[next % requests.len()]).context("sending failed")?;
            (connection.due, connection.sent) = (due_at(next), now);
            next += 1;
        }
        ready.clear();
        epoll::wait(&events, spare_capacity(&mut ready), Some(&Timespec::default())).context("epoll failed")?;
        for event in &ready {
            let index = event.data.u64() as usize;
            let connection = &mut open[index];
            if connection.read_answer()? {
                from_due.push(connection.due.elapsed());
                from_sent.push(connection.sent.elapsed());
                idle.push(index);
            }
        }
    }
    let wall = began.elapsed();
    Ok(Latencies { due: Sorted::of(from_due), sent: Sorted::of(from_sent), wall })
}

impl Connection {
    /// Reads what has come; whether that ends an answer.
    fn read_answer(&mut self) -> anyhow::Result<bool> {
        let mut buffer = [0; 4_096];
        match self.stream.read(&mut buffer) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(length) => self.tail.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).context("receiving failed"),
        }
        // Answers are 204: the head is all there is.
        if !self.tail.ends_with(b"\r\n\r\n") {
            return Ok(false);
        }
        if !self.tail.starts_with(b"HTTP/1.1 204") {
            bail!("unexpected answer: {}", String::from_utf8_lossy(&self.tail));
        }
        self.tail.clear();
        Ok(true)
    }
}
