//! Many messages: what is shed is counted, memory is bounded, ticks are on time. The figures of docs/benchmarks.md come from
//! `cargo test --release -p headroom-server --test it load -- --ignored --nocapture`; the short run is the same code.

use super::{audience, say};
use crate::support::{get, metric, start_with};
use headroom_core::{
    audience::{Aspect, Aspects, Classification, Sentiment},
    units::Ratio,
};
use headroom_server::{MessageShed, Reader, Reply, Server};
use serde_json::json;
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// Texts and who waits for them.
type Waiting = VecDeque<(String, Reply)>;

/// Reads so many messages a second from a queue of so many, oldest out first: a model's pace without a model.
struct Paced {
    queue: Arc<(Mutex<Waiting>, Condvar)>,
    room: usize,
}

impl Paced {
    fn start(per_second: u32, room: usize) -> Self {
        let queue: Arc<(Mutex<Waiting>, Condvar)> = Arc::default();
        let each = Duration::from_secs(1) / per_second;
        std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let mut free_at = Instant::now();
                loop {
                    let mut waiting = queue.0.lock().unwrap();
                    while waiting.is_empty() {
                        waiting = queue.1.wait(waiting).unwrap();
                    }
                    let (text, reply) = waiting.pop_front().unwrap();
                    drop(waiting);
                    free_at = free_at.max(Instant::now()) + each;
                    std::thread::sleep(free_at.saturating_duration_since(Instant::now()));
                    let aspects =
                        if text.contains("lag") { Aspects::NONE.with(Aspect::Buffering) } else { Aspects::NONE };
                    let sentiment = if aspects.is_empty() { Sentiment::Neutral } else { Sentiment::Negative };
                    reply(Ok(Classification { sentiment, confidence: Ratio::clamped(0.9), aspects, command: None }));
                }
            }
        });
        Self { queue, room }
    }
}

impl Reader for Paced {
    fn submit(&self, text: String, _: u64, reply: Reply) {
        let mut waiting = self.queue.0.lock().unwrap();
        waiting.push_back((text, reply));
        let shed = (waiting.len() > self.room).then(|| waiting.pop_front()).flatten();
        drop(waiting);
        self.queue.1.notify_one();
        if let Some((_, reply)) = shed {
            reply(Err(MessageShed));
        }
    }
}

struct Figures {
    sent: u64,
    read: u64,
    shed: u64,
    p99_s: f64,
    tick_interval_p99_s: f64,
    grown_mib: f64,
}

/// `per_second` messages for `seconds`, a batch every tenth of a second.
async fn pour(server: &Server, per_second: u64, seconds: u64) -> Figures {
    let memory = async || metric(server, "headroom_resident_memory_bytes").await;
    let before = memory().await;
    let mut step = tokio::time::interval(Duration::from_millis(100));
    let mut sent = 0;
    for _ in 0..seconds * 10 {
        step.tick().await;
        let batch: String = (sent..sent + per_second / 10)
            .map(|number| {
                let text = if number % 50 == 0 { "it lags" } else { "what a game" };
                json!({ "stream": "show", "author": format!("a{}", number % 7_919), "text": text }).to_string() + "\n"
            })
            .collect();
        sent += per_second / 10;
        assert_eq!(say(server.public_address(), batch).await.status, 202);
    }
    // What is queued is read within a few seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    Figures {
        sent,
        read: metric(server, "headroom_feedback_total").await as u64,
        shed: metric(server, "headroom_shed_total{kind=\"message\"}").await as u64,
        p99_s: quantile(server, "headroom_message_delay_seconds", 0.99).await,
        tick_interval_p99_s: quantile(server, "headroom_tick_interval_seconds", 0.99).await,
        grown_mib: (memory().await - before) / 1_048_576.0,
    }
}

/// Upper end of the bucket that holds a quantile.
async fn quantile(server: &Server, name: &str, level: f64) -> f64 {
    let text = get(server.control_address(), "/metrics").await.text().to_owned();
    let prefix = format!("{name}_bucket{{le=\"");
    let buckets: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "))
        .map(|(end, count)| (end.parse().unwrap_or(f64::INFINITY), count.split(' ').next().unwrap().parse().unwrap()))
        .collect();
    let total = buckets.last().map_or(0.0, |&(_, count)| count);
    buckets.into_iter().find(|&(_, count)| count >= total * level).map_or(f64::NAN, |(end, _)| end)
}

async fn steady_and_burst(steady_s: u64, burst_s: u64, p99_s: f64) {
    let server = start_with(|config| config.tick_ms = 2_000, Some(Arc::new(Paced::start(1_000, 2_000)))).await;
    let steady = pour(&server, 500, steady_s).await;
    print(&format!("500/s for {steady_s} s"), &steady);
    assert_eq!((steady.read, steady.shed), (steady.sent, 0));
    assert!(steady.p99_s <= p99_s, "p99 {} s", steady.p99_s);
    assert!(steady.grown_mib < 64.0, "{} MiB", steady.grown_mib);
    assert!(audience(&server).await.unwrap()["authors"].as_f64().unwrap() > 500.0);
    server.stop().await;

    let server = start_with(|config| config.tick_ms = 2_000, Some(Arc::new(Paced::start(1_000, 2_000)))).await;
    let burst = pour(&server, 5_000, burst_s).await;
    print(&format!("5000/s for {burst_s} s"), &burst);
    assert_eq!(burst.read + burst.shed, burst.sent, "nothing is lost uncounted");
    assert!(burst.shed > 0);
    assert!(burst.tick_interval_p99_s <= 2.1, "ticks {} s apart", burst.tick_interval_p99_s);
    assert!(burst.grown_mib < 64.0, "{} MiB", burst.grown_mib);
    server.stop().await;
}

#[expect(clippy::print_stdout, reason = "the figures of the benchmark")]
fn print(name: &str, figures: &Figures) {
    println!(
        "{name}: sent {}, read {}, shed {}, p99 arrival to engine <= {} s, tick interval p99 <= {} s, memory +{:.1} MiB",
        figures.sent, figures.read, figures.shed, figures.p99_s, figures.tick_interval_p99_s, figures.grown_mib
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_load_is_read_and_a_short_burst_is_shed() {
    // Other tests share the machine.
    steady_and_burst(2, 2, 2.5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute and a half"]
async fn a_minute_of_load_and_a_burst() {
    steady_and_burst(60, 10, 0.25).await;
}
