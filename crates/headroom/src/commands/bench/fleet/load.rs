//! The client: requests are due at a fixed rate whether or not earlier ones were answered, pipelined over a few kept
//! connections as a web server in front of Headroom keeps them.

use super::viewers::Viewers;
use anyhow::{Context, bail, ensure};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// How often the client sends what is due and looks for answers: the resolution of the latencies.
const STEP: Duration = Duration::from_millis(4);

/// Unsent bytes from which a server counts as overrun.
const MAX_BACKLOG: usize = 16 * 1024 * 1024;

/// What became of the requests.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) sent: u64,
    pub(super) answered: u64,
    /// Answered with something else than 204.
    pub(super) refused: u64,
    /// Answers by milliseconds from the moment their request was due.
    latencies: Vec<u64>,
}

impl Outcome {
    /// Milliseconds within which the share `level` of the answers came.
    pub(super) fn latency_ms(&self, level: f64) -> usize {
        let rank = (self.answered as f64 * level).ceil() as u64;
        let mut seen = 0;
        let within = |count: &u64| {
            seen += count;
            seen >= rank
        };
        self.latencies.iter().position(within).unwrap_or(self.latencies.len())
    }
}

struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
    /// When the requests were due that wait for an answer, oldest first.
    due: VecDeque<Instant>,
    unread: Vec<u8>,
}

/// Lets every viewer fetch a segment every `segment` for `span`, then waits for the last answers.
pub(super) fn run(
    server: SocketAddr,
    viewers: &mut Viewers,
    segment: Duration,
    span: Duration,
    connections: usize,
) -> anyhow::Result<Outcome> {
    let mut open = Vec::new();
    for _ in 0..connections.max(1) {
        let stream = TcpStream::connect(server).context("the server refused a connection")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        open.push(Connection { stream, unsent: Vec::new(), due: VecDeque::new(), unread: Vec::new() });
    }
    let began = Instant::now();
    let rate = viewers.len() as f64 / segment.as_secs_f64();
    let total = (rate * span.as_secs_f64()) as u64;
    let mut outcome = Outcome { sent: 0, answered: 0, refused: 0, latencies: vec![0; 10_000] };
    while outcome.answered + outcome.refused < total {
        let now = Instant::now();
        // Half a minute for what is still on the way; what has not come by then does not come.
        if now > began + span + Duration::from_secs(30) {
            break;
        }
        while outcome.sent < total {
            let due = began + Duration::from_secs_f64(outcome.sent as f64 / rate);
            if due > now {
                break;
            }
            let number = (outcome.sent % viewers.len() as u64) as usize;
            let count = open.len();
            // A viewer keeps its connection, so that its reports stay in order.
            let connection = &mut open[number % count];
            viewers.request(number, &mut connection.unsent);
            connection.due.push_back(due);
            outcome.sent += 1;
        }
        for connection in &mut open {
            connection.send()?;
            connection.receive(&mut outcome)?;
        }
        std::thread::sleep(STEP.saturating_sub(now.elapsed()));
    }
    Ok(outcome)
}

impl Connection {
    fn send(&mut self) -> anyhow::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("sending failed"),
            }
        }
        ensure!(self.unsent.len() < MAX_BACKLOG, "the server reads slower than the viewers send");
        Ok(())
    }

    /// Reads what has come. Answers are 204: the head is all there is.
    fn receive(&mut self, outcome: &mut Outcome) -> anyhow::Result<()> {
        let mut buffer = [0; 1 << 15];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("receiving failed"),
            }
        }
        let mut read = 0;
        while let Some(end) = self.unread[read..].windows(4).position(|four| four == b"\r\n\r\n") {
            let head = &self.unread[read..read + end];
            let due = self.due.pop_front().context("more answers than requests")?;
            if head.starts_with(b"HTTP/1.1 204") {
                outcome.answered += 1;
                let slot = (due.elapsed().as_millis() as usize).min(outcome.latencies.len() - 1);
                outcome.latencies[slot] += 1;
            } else {
                outcome.refused += 1;
                ensure!(head.starts_with(b"HTTP/1.1 "), "unexpected answer: {}", String::from_utf8_lossy(head));
            }
            read += end + 4;
        }
        self.unread.drain(..read);
        Ok(())
    }
}
