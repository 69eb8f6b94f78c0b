//! A steady rate through the queue with one worker: from submission to answer.

use super::super::process::own_cpu_time;
use super::chat::Chat;
use super::output::{put, quantile, rounded};
use crate::commands::classifier::ClassifierArguments;
use anyhow::ensure;
use headroom_infer::text::{Queue, QueueSettings};
use serde_json::json;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// `rate` messages a second for `seconds`.
pub(super) fn measure(
    classifier: &ClassifierArguments,
    chat: Chat<'_>,
    rate: u32,
    seconds: u32,
    as_json: bool,
) -> anyhow::Result<()> {
    let queue = Queue::start(vec![classifier.open()?], QueueSettings::default());
    let (done, answers) = channel();
    let (start, cpu) = (Instant::now(), own_cpu_time());
    let total = rate * seconds;
    for (number, text) in (0..total).zip(chat) {
        let due = Duration::from_secs_f64(f64::from(number) / f64::from(rate));
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        let (done, since) = (done.clone(), Instant::now());
        queue.submit(text, 0, move |outcome| {
            let _ = done.send((outcome.is_ok(), since.elapsed()));
        });
    }
    drop(done);
    let answers: Vec<(bool, Duration)> = answers.iter().collect();
    let cpu_s = (own_cpu_time() - cpu).as_secs_f64();
    let mut waits: Vec<f64> =
        answers.iter().filter(|(read, _)| *read).map(|(_, wait)| 1_000.0 * wait.as_secs_f64()).collect();
    let (counters, _) = queue.counters();
    ensure!(answers.len() == total as usize, "{} of {total} messages were answered", answers.len());
    let (p50, p99) = (quantile(&mut waits, 0.5), quantile(&mut waits, 0.99));
    let batch = counters.read as f64 / counters.batches.max(1) as f64;
    let object = json!({ "queue_rate": rate, "seconds": seconds, "read": counters.read, "recalled": counters.recalled,
        "shed": counters.shed, "p50_ms": rounded(p50), "p99_ms": rounded(p99), "mean_batch": rounded(batch),
        "cpu_s": rounded(cpu_s) });
    let line = format!(
        "queue, {rate} messages/s for {seconds} s: {} read, {} of them recalled, {} shed, p50 {p50:.0} ms, p99 {p99:.0} ms, \
         {batch:.1} a batch, {cpu_s:.1} CPU s",
        counters.read, counters.recalled, counters.shed
    );
    put(as_json, &object, &line);
    Ok(())
}
