//! An open-loop client: requests are due at a fixed rate whether or not earlier ones were answered, and latency counts
//! from the moment a request was due, so a server that falls behind cannot hide it.

use super::machine::Pinned;
use anyhow::{Context, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Latencies of all answers.
pub(super) struct Latencies {
    sorted: Vec<Duration>,
    /// The longest the client itself did not get to run: that much of the slowest answer may be its own.
    pub(super) client_pause: Duration,
}

impl Latencies {
    /// The latency that a share of `level` of the answers did not exceed.
    pub(super) fn quantile_ms(&self, level: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1);
        let index = ((self.sorted.len() as f64 * level) as usize).min(last);
        self.sorted.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}

struct Connection {
    stream: TcpStream,
    /// When the request on it was due; `None` when idle.
    due: Option<Instant>,
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
    let mut open = Vec::new();
    for _ in 0..connections.max(1) {
        let stream = TcpStream::connect(address).context("the server refused a connection")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        open.push(Connection { stream, due: None, tail: Vec::new() });
    }
    let _pinned = Pinned::to(super::server::CLIENT_CPU);
    let began = Instant::now();
    let total = (rate * span.as_secs_f64()) as usize;
    let due_at = |index: usize| began + Duration::from_secs_f64(index as f64 / rate);
    let mut waiting: VecDeque<Instant> = VecDeque::new();
    let (mut made, mut sent) = (0, 0);
    let mut sorted = Vec::with_capacity(total);
    let (mut before, mut client_pause) = (began, Duration::ZERO);
    while sorted.len() < total {
        let now = Instant::now();
        client_pause = client_pause.max(now - before);
        before = now;
        if now > began + span * 2 + Duration::from_secs(5) {
            bail!("the server answered {} of {total} requests in twice the time", sorted.len());
        }
        while made < total && due_at(made) <= now {
            waiting.push_back(due_at(made));
            made += 1;
        }
        for connection in open.iter_mut().filter(|connection| connection.due.is_none()) {
            let Some(due) = waiting.pop_front() else { break };
            // A request is smaller than any send buffer, so a short write does not happen on an idle connection.
            connection.stream.write_all(&requests[sent % requests.len()]).context("sending failed")?;
            connection.due = Some(due);
            sent += 1;
        }
        read_answers(&mut open, &mut sorted)?;
    }
    sorted.sort_unstable();
    Ok(Latencies { sorted, client_pause })
}

/// Reads what has come, without waiting.
fn read_answers(open: &mut [Connection], latencies: &mut Vec<Duration>) -> anyhow::Result<()> {
    let ready: Vec<usize> = {
        let busy: Vec<usize> = (0..open.len()).filter(|&index| open[index].due.is_some()).collect();
        let mut polled: Vec<_> = busy.iter().map(|&index| PollFd::new(&open[index].stream, PollFlags::IN)).collect();
        poll(&mut polled, Some(&Timespec::default())).context("poll failed")?;
        let arrived = |(&index, fd): (&usize, &PollFd<'_>)| (!fd.revents().is_empty()).then_some(index);
        busy.iter().zip(&polled).filter_map(arrived).collect()
    };
    for index in ready {
        let connection = &mut open[index];
        let mut buffer = [0; 4_096];
        match connection.stream.read(&mut buffer) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(length) => connection.tail.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error).context("receiving failed"),
        }
        // Answers are 204: the head is all there is.
        if connection.tail.ends_with(b"\r\n\r\n") {
            if !connection.tail.starts_with(b"HTTP/1.1 204") {
                bail!("unexpected answer: {}", String::from_utf8_lossy(&connection.tail));
            }
            connection.tail.clear();
            latencies.extend(connection.due.take().map(|due| due.elapsed()));
        }
    }
    Ok(())
}
