//! A frame as `headroom top` reads it: what is missing is unknown, what is new is passed over.

use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    pub(super) at_us: u64,
    pub(super) sessions: u64,
    pub(super) starved: u64,
    pub(super) paused: u64,
    pub(super) held_down: u64,
    pub(super) played_kbps: f64,
    pub(super) stall_ratio: Option<f64>,
    pub(super) mos: Opinion,
    pub(super) buffer_s: Option<[f64; 3]>,
    pub(super) latency_s: Option<[f64; 3]>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) decisions_per_s: BTreeMap<String, f64>,
    pub(super) tick: Tick,
    pub(super) streams: Vec<Stream>,
    pub(super) streams_total: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opinion {
    pub(super) mean: Option<f64>,
    pub(super) quarters: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tick {
    pub(super) target_s: f64,
    pub(super) interval_s: f64,
    pub(super) decision_age_s: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stream {
    pub(super) stream: String,
    pub(super) name: Option<String>,
    pub(super) sessions: u64,
    pub(super) starved: u64,
    pub(super) held_down: u64,
    pub(super) mos: Option<f64>,
    pub(super) stall_ratio: Option<f64>,
    pub(super) played_kbps: f64,
}

impl Frame {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).context("the server's frame cannot be read; are both of the same version?")
    }

    /// The frame in one line, for pipes and logs.
    pub(super) fn line(&self) -> String {
        format!(
            "{}  {} sessions, score {}, stalled {}, {} starving, {} held down, {}, decision age {:.1} s",
            clock(self.at_us),
            self.sessions,
            score(self.mos.mean),
            percent(self.stall_ratio),
            self.starved,
            self.held_down,
            bit_rate(self.played_kbps),
            self.tick.decision_age_s
        )
    }
}

/// Time of day, UTC.
pub(super) fn clock(at_us: u64) -> String {
    let seconds = at_us / 1_000_000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

pub(super) fn score(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| format!("{score:.2}"))
}

pub(super) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0))
}

pub(super) fn bit_rate(kbps: f64) -> String {
    match kbps {
        kbps if kbps >= 1e6 => format!("{:.2} Gbit/s", kbps / 1e6),
        kbps if kbps >= 1e3 => format!("{:.1} Mbit/s", kbps / 1e3),
        kbps => format!("{kbps:.0} kbit/s"),
    }
}

/// Text from the network may hold control characters, which would move the cursor or change the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).take(64).collect()
}
