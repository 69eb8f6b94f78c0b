//! The peer: the environment and the untrained agents of the PyPI package pensieve-ppo, on the same links and segment sizes.

use anyhow::{Context, ensure};
use headroom_sim::{trace::Trace, video::Video};
use serde::Deserialize;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// What one agent did.
#[derive(Deserialize)]
pub(super) struct Played {
    pub(super) agent: String,
    /// The policy of ours that follows the same rule.
    #[serde(skip)]
    pub(super) ours: &'static str,
    pub(super) sessions: u64,
    pub(super) decisions: u64,
    /// Processor time.
    pub(super) seconds: f64,
    /// Linear QoE of a segment, the first not counted.
    pub(super) qoe: f64,
}

/// The agents and the policies of ours that follow the same rules.
const AGENTS: [(&str, &str); 2] = [("bba", "buffer_based"), ("mpc", "robust_mpc")];
const DRIVER: &str = include_str!("../../../../../headroom-sim/peer/play.py");

/// Plays each agent for about `seconds` of processor time, whole sessions.
pub(super) fn play(python: &Path, video: &Video, traces: &[Trace], seconds: f64) -> anyhow::Result<Vec<Played>> {
    ensure!(python.exists(), "no Python at {}: run scripts/simulator-peer.sh", python.display());
    let folder = Folder::new()?;
    let links = folder.0.join("traces");
    std::fs::create_dir(&links)?;
    for (number, trace) in traces.iter().enumerate() {
        std::fs::write(links.join(format!("{number:04}")), cooked(trace))?;
    }
    for rung in 0..=video.ladder().top() {
        let sizes: String = (0..video.segments()).fold(String::new(), |mut lines, segment| {
            let _ = writeln!(lines, "{:.0}", video.bits(segment, rung) / 8.0);
            lines
        });
        std::fs::write(folder.0.join(format!("size_{rung}")), sizes)?;
    }
    let output = Command::new(python)
        .arg("-c")
        .arg(DRIVER)
        .arg(&links)
        .arg(folder.0.join("size_"))
        .arg(seconds.to_string())
        .args(AGENTS.map(|(agent, _)| agent))
        .output()
        .with_context(|| format!("cannot run {}", python.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the peer failed: {}", said.lines().last().unwrap_or_default());
    let lines = String::from_utf8(output.stdout)?;
    lines
        .lines()
        .zip(AGENTS)
        .map(|(line, (_, ours))| Ok(Played { ours, ..serde_json::from_str(line).context("the peer's answer")? }))
        .collect()
}

/// A folder that goes when it is no longer needed.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("headroom-peer-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{}: {error}", self.0.display());
        }
    }
}

/// A trace as Pensieve reads it: lines of seconds and Mbit/s, each for the time that ends there.
fn cooked(trace: &Trace) -> String {
    let samples = trace.samples();
    let ends = samples.iter().skip(1).map(|sample| sample.t_s).chain([trace.duration_s()]);
    let mut lines = String::from("0 1\n");
    for (sample, end_s) in samples.iter().zip(ends) {
        let _ = writeln!(lines, "{end_s} {}", sample.throughput_kbps / 1_000.0);
    }
    lines
}
