//! What the link says about itself: a ready line, statistics as JSON lines, one live line on a terminal.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use headroom_sim::netem::Direction;
use serde::Serialize;

use super::forwarding::{Forwarder, Progress};
use super::topology::{Endpoint, Topology};

/// One line of statistics. Packet and byte counts are totals since the start; rates are means since the line before.
#[derive(Debug, Serialize)]
struct Line {
    t_s: f64,
    direction: &'static str,
    /// Where the replay stands in the trace; absent at a fixed rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    position_s: Option<f64>,
    /// In force at this moment.
    rate_kbps: f64,
    delay_ms: f64,
    jitter_ms: f64,
    loss_ratio: f64,
    offered_kbps: f64,
    delivered_kbps: f64,
    queue_bytes: u64,
    queue_ms: f64,
    offered: u64,
    delivered: u64,
    dropped_full: u64,
    dropped_lost: u64,
    dropped_down: u64,
    refused: u64,
}

/// Writes statistics and, on a terminal, the live line.
pub(super) struct Reporter {
    file: Option<Box<dyn Write>>,
    interval: Duration,
    next: Duration,
    last: Duration,
    /// Offered and delivered bytes at the last line, by direction.
    totals: [(u64, u64); 2],
    live: bool,
}

impl Reporter {
    /// Opens the file; `-` is standard output. `live` asks for the live line, which needs a terminal.
    pub(super) fn new(file: Option<&Path>, interval: Duration, live: bool) -> anyhow::Result<Self> {
        let file: Option<Box<dyn Write>> = match file {
            None => None,
            Some(path) if path.as_os_str() == "-" => Some(Box::new(std::io::stdout())),
            Some(path) => {
                let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
                Some(Box::new(BufWriter::new(file)))
            }
        };
        let live = live && std::io::stderr().is_terminal();
        Ok(Self { file, interval, next: interval, last: Duration::ZERO, totals: [(0, 0); 2], live })
    }

    /// Writes lines when they are due.
    pub(super) fn tick(&mut self, forwarder: &mut Forwarder<'_>) {
        let now = forwarder.now();
        if now >= self.next {
            self.write(now, forwarder);
            // On the grid of the interval; ticks that were missed are not made up for.
            self.next += self.interval;
            if self.next <= now {
                self.next = now + self.interval;
            }
        }
    }

    /// Writes the last lines.
    pub(super) fn finish(&mut self, forwarder: &mut Forwarder<'_>) {
        self.write(forwarder.now(), forwarder);
        if self.live {
            say("\n");
        }
    }

    /// A message that is no statistic.
    pub(super) fn complain(&self, message: &str) {
        say(&format!("{}headroom link: {message}\n", if self.live { "\r\x1b[K" } else { "" }));
    }

    fn write(&mut self, now: Duration, forwarder: &mut Forwarder<'_>) {
        if self.file.is_none() && !self.live {
            return;
        }
        let elapsed_s = (now - self.last).as_secs_f64().max(1e-3);
        let mut live = format!("\r\x1b[K{:6.1} s", now.as_secs_f64());
        for (index, direction) in [Direction::Down, Direction::Up].into_iter().enumerate() {
            let progress = forwarder.progress(direction);
            let line = line(now, elapsed_s, direction, &progress, self.totals[index]);
            self.totals[index] = (progress.counters.offered_bytes, progress.delivered_bytes);
            if self.live {
                live.push_str(&format!(
                    "  {} {:.2}/{:.2} Mbit/s queue {:.0} ms drops {}",
                    line.direction,
                    line.delivered_kbps / 1000.0,
                    line.rate_kbps / 1000.0,
                    line.queue_ms,
                    line.dropped_full + line.dropped_lost + line.dropped_down,
                ));
            }
            if let Some(file) = &mut self.file {
                let written = serde_json::to_writer(&mut *file, &line).map_err(anyhow::Error::from);
                if let Err(error) = written.and_then(|()| Ok(file.write_all(b"\n")?)) {
                    self.file = None;
                    self.complain(&format!("statistics end here: {error}"));
                }
            }
        }
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.flush()) {
            self.file = None;
            self.complain(&format!("statistics end here: {error}"));
        }
        if self.live {
            say(&live);
        }
        self.last = now;
    }
}

fn line(now: Duration, elapsed_s: f64, direction: Direction, progress: &Progress, before: (u64, u64)) -> Line {
    let kbps = |bytes: u64, before: u64| round((bytes - before) as f64 * 8.0 / 1000.0 / elapsed_s);
    Line {
        t_s: round(now.as_secs_f64()),
        direction: match direction {
            Direction::Down => "down",
            Direction::Up => "up",
        },
        position_s: progress.position_s.map(round),
        rate_kbps: round(progress.conditions.rate_kbps),
        delay_ms: round(progress.conditions.delay_ms),
        jitter_ms: round(progress.conditions.jitter_ms),
        loss_ratio: progress.conditions.loss.mean_ratio(),
        offered_kbps: kbps(progress.counters.offered_bytes, before.0),
        delivered_kbps: kbps(progress.delivered_bytes, before.1),
        queue_bytes: progress.backlog_bytes,
        queue_ms: round(progress.waiting.as_secs_f64() * 1000.0),
        offered: progress.counters.offered,
        delivered: progress.delivered,
        dropped_full: progress.counters.dropped_full,
        dropped_lost: progress.counters.dropped_lost,
        dropped_down: progress.counters.dropped_down,
        refused: progress.refused,
    }
}

/// Three decimals are enough for a reader and keep lines short.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Says that packets flow, and where.
pub(super) fn ready(topology: &Topology, json: bool) {
    let place = |endpoint| topology.namespace(endpoint).unwrap_or("host");
    if json {
        let line = serde_json::json!({
            "ready": true,
            "server": {"netns": place(Endpoint::Server), "address": topology.address(Endpoint::Server)},
            "client": {"netns": place(Endpoint::Client), "address": topology.address(Endpoint::Client)},
        });
        let mut out = std::io::stdout().lock();
        // Whoever closed standard output does not wait for the line.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        return;
    }
    let mut text = String::from("link up:");
    for endpoint in [Endpoint::Server, Endpoint::Client] {
        text.push_str(&format!(" {} {} in {};", endpoint.name(), topology.address(endpoint), place(endpoint)));
    }
    if let Some(name) = topology.namespace(Endpoint::Client) {
        text.push_str(&format!(" enter with `ip netns exec {name} COMMAND`"));
    }
    say(&format!("{text}\n"));
}

/// To standard error, where people look. Nobody is left to tell when it is closed.
fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
