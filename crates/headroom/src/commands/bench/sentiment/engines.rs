//! One engine after another over the same messages, one thread each.

use super::super::process::own_cpu_time;
use super::output::quantile;
use anyhow::{Context, ensure};
use headroom_infer::text::Classifier;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Engines of training/speed.py.
pub(super) const PEERS: [&str; 3] = ["onnxruntime", "pytorch", "distilbert"];

/// What one engine took for all messages.
#[derive(Clone)]
pub(super) struct Cost {
    pub(super) engine: String,
    pub(super) cpu_s: f64,
    pub(super) p50_ms: f64,
}

impl Cost {
    /// The better of both: other work on the machine only ever makes an engine slower.
    pub(super) fn less(self, other: Self) -> Self {
        Self { cpu_s: self.cpu_s.min(other.cpu_s), p50_ms: self.p50_ms.min(other.p50_ms), ..self }
    }
}

/// Our own engine, which must not have read the messages before.
pub(super) fn ours(classifier: &mut Classifier, engine: &str, texts: &[&str], batch: usize) -> anyhow::Result<Cost> {
    let mut walls = Vec::new();
    let start = own_cpu_time();
    for some in texts.chunks(batch) {
        let at = Instant::now();
        classifier.read(some)?;
        walls.push(at.elapsed().as_secs_f64());
    }
    let cpu_s = (own_cpu_time() - start).as_secs_f64();
    Ok(Cost { engine: engine.to_owned(), cpu_s, p50_ms: 1_000.0 * quantile(&mut walls, 0.5) })
}

/// A peer in a process of its own.
pub(super) fn theirs(python: &Path, engine: &str, models: &Path, texts: &[&str], batch: usize) -> anyhow::Result<Cost> {
    let script = models.join("../training/speed.py");
    let mut child = Command::new(python)
        .args([script.as_os_str(), engine.as_ref(), models.as_os_str(), batch.to_string().as_ref()])
        .env("OMP_NUM_THREADS", "1")
        .env("TOKENIZERS_PARALLELISM", "false")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the peer")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(texts.join("\n").as_bytes()).context("the peer does not read")?;
    }
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the peer {engine} failed: {}", error.trim().lines().last().unwrap_or_default());
    let answer: Value = serde_json::from_slice(&output.stdout).context("the peer answered no JSON")?;
    let number = |key: &str| answer[key].as_f64().with_context(|| format!("the peer answered without {key}"));
    let engine = answer["engine"].as_str().unwrap_or(engine).to_owned();
    Ok(Cost { engine, cpu_s: number("cpu_s")?, p50_ms: number("p50_ms")? })
}
