//! Changes while the link runs: a watched file, lines on standard input, signals.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use headroom_sim::netem::{Direction, Queue};
use headroom_sim::trace::MAX_THROUGHPUT_KBPS;
use serde::Deserialize;

/// Longest change read, bytes.
const MAX_CHANGE_BYTES: u64 = 64 * 1024;

/// Longest delay or jitter taken as meant, milliseconds: a minute, as in trace files.
const MAX_DELAY_MS: f64 = 60_000.0;

/// Furthest position in a trace taken as meant, seconds: a year.
const MAX_POSITION_S: f64 = 3.2e7;

/// What happens outside the flow of packets.
#[derive(Debug)]
pub(super) enum Event {
    /// Interrupt or termination.
    Stop,
    /// Hang-up: read the control file again.
    Reload,
    /// A line on standard input.
    Line(String),
}

/// A change of one or both directions. What is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    direction: Option<ChangedDirection>,
    /// A fixed rate from now on; it stops the replay.
    pub(super) rate_kbps: Option<f64>,
    pub(super) delay_ms: Option<f64>,
    pub(super) jitter_ms: Option<f64>,
    pub(super) loss_ratio: Option<f64>,
    pub(super) loss_burst: Option<f64>,
    queue_ms: Option<f64>,
    queue_bytes: Option<u64>,
    /// `true` returns to the trace, at the position where it would be by now, and forgets all that was set.
    pub(super) replay: Option<bool>,
    /// The trace goes on from here, seconds; what was set stays.
    pub(super) position_s: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ChangedDirection {
    Both,
    Down,
    Up,
}

impl Change {
    /// Reads a change and checks its numbers.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let change: Self = serde_json::from_str(text)?;
        let checks = [
            ("rate_kbps", change.rate_kbps, MAX_THROUGHPUT_KBPS),
            ("delay_ms", change.delay_ms, MAX_DELAY_MS),
            ("jitter_ms", change.jitter_ms, MAX_DELAY_MS),
            ("loss_ratio", change.loss_ratio, 1.0),
            ("loss_burst", change.loss_burst, 1e6),
            ("queue_ms", change.queue_ms, MAX_DELAY_MS),
            ("position_s", change.position_s, MAX_POSITION_S),
        ];
        for (name, value, max) in checks {
            ensure!(value.is_none_or(|value| (0.0..=max).contains(&value)), "`{name}` must be 0 to {max}");
        }
        Ok(change)
    }

    /// Whether it is for this direction. Unnamed means both.
    pub(super) fn concerns(&self, direction: Direction) -> bool {
        match self.direction.unwrap_or(ChangedDirection::Both) {
            ChangedDirection::Both => true,
            ChangedDirection::Down => direction == Direction::Down,
            ChangedDirection::Up => direction == Direction::Up,
        }
    }

    /// The new queue, if one is named. Bytes win over time.
    pub(super) fn queue(&self) -> Option<Queue> {
        let time = self.queue_ms.map(|ms| Queue::Time(Duration::from_secs_f64(ms / 1000.0)));
        self.queue_bytes.map(Queue::Bytes).or(time)
    }
}

/// A file that is read when its modification time changes.
#[derive(Debug)]
pub(super) struct WatchedFile {
    path: PathBuf,
    seen: Option<SystemTime>,
}

impl WatchedFile {
    /// The file need not exist yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// The text, if it changed since the last time, or in any case when `asked`. An empty or missing file is no change.
    pub(super) fn read(&mut self, asked: bool) -> Option<String> {
        let modified = std::fs::metadata(&self.path).and_then(|metadata| metadata.modified()).ok()?;
        if self.seen == Some(modified) && !asked {
            return None;
        }
        let mut text = String::new();
        std::fs::File::open(&self.path).ok()?.take(MAX_CHANGE_BYTES).read_to_string(&mut text).ok()?;
        self.seen = Some(modified);
        Some(text).filter(|text| !text.trim().is_empty())
    }
}

/// Turns signals into events. From here on an interrupt no longer ends the process by itself.
pub(super) fn listen_for_signals(events: Sender<Event>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().build().context("starting the signal listener")?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async move {
            loop {
                let event = tokio::select! {
                    _ = interrupt.recv() => Event::Stop,
                    _ = terminate.recv() => Event::Stop,
                    _ = hang_up.recv() => Event::Reload,
                };
                if events.send(event).is_err() {
                    break;
                }
            }
        });
    });
    Ok(())
}

/// Turns lines on standard input into events until it ends.
pub(super) fn listen_on_stdin(events: Sender<Event>) {
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = String::new();
            match input.by_ref().take(MAX_CHANGE_BYTES).read_line(&mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) if line.trim().is_empty() => {}
                Ok(_) => {
                    if events.send(Event::Line(line)).is_err() {
                        break;
                    }
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_checked_before_they_apply() {
        let change = Change::parse(r#"{"direction":"up","rate_kbps":500,"queue_ms":100}"#).unwrap();
        assert!(change.concerns(Direction::Up) && !change.concerns(Direction::Down));
        assert_eq!(change.queue(), Some(Queue::Time(Duration::from_millis(100))));
        assert!(Change::parse("{}").unwrap().concerns(Direction::Down));
        for wrong in [
            "",
            "5000",
            r#"{"rate":5}"#,
            r#"{"rate_kbps":-1}"#,
            r#"{"position_s":-1}"#,
            r#"{"rate_kbps":1e300}"#,
            r#"{"loss_ratio":2}"#,
            r#"{"direction":"left"}"#,
            r#"{"rate_kbps":"5"}"#,
        ] {
            assert!(Change::parse(wrong).is_err(), "{wrong}");
        }
    }
}
