//! A rate through the whole server, with its own classifier: from arrival to the engine, and whether the engine still ticks
//! on time.

use super::super::process::own_cpu_time;
use super::chat::Chat;
use super::output::{put, rounded};
use crate::reading;
use anyhow::{Context, ensure};
use headroom_server::{Config, Server};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Messages come in batches this often.
const STEP: Duration = Duration::from_millis(100);
/// Viewers who write.
const AUTHORS: u32 = 7_919;

/// `rate` messages a second for `seconds`, posted as NDJSON; two ticks more to read what waits.
pub(super) fn measure(chat: Chat<'_>, rate: u32, seconds: u32, as_json: bool) -> anyhow::Result<()> {
    let mut config = Config::default();
    config.public.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.control.listen = (Ipv4Addr::LOCALHOST, 0).into();
    let settle = Duration::from_millis(2 * config.tick_ms);
    let reader = reading::reader().context("the models are not there")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let server = runtime.block_on(Server::start_with(config, Some(reader)))?;
    let cpu = own_cpu_time();
    let outcome = pour(server.public_address(), chat, rate, seconds).and_then(|()| {
        std::thread::sleep(settle);
        exchange(server.control_address(), "GET", "/metrics", "")
    });
    let cpu_s = (own_cpu_time() - cpu).as_secs_f64();
    runtime.block_on(server.stop());
    let metrics = Metrics(outcome?);
    let count = |name: &str| metrics.value(name).unwrap_or(0.0);
    let (read, shed) = (count("headroom_feedback_total"), count("headroom_shed_total{kind=\"message\"}"));
    let recalled = count("headroom_messages_recalled_total");
    let memory_mib = count("headroom_resident_memory_bytes") / 1_048_576.0;
    let delay = metrics.quantile("headroom_message_delay_seconds", 0.99).context("no message reached the engine")?;
    let interval = metrics.quantile("headroom_tick_interval_seconds", 0.99).context("no tick was measured")?;
    let object = json!({ "server_rate": rate, "seconds": seconds, "read": read, "recalled": recalled, "shed": shed,
        "p99_at_most_s": delay, "tick_interval_p99_at_most_s": interval, "memory_mib": rounded(memory_mib),
        "cpu_s": rounded(cpu_s) });
    let line = format!(
        "server, {rate} messages/s for {seconds} s: {read} read, {recalled} of them recalled, {shed} shed, p99 from arrival to \
         engine {}, 99 % of the ticks {} apart, {memory_mib:.0} MiB, {cpu_s:.1} CPU s",
        bounded(delay),
        bounded(interval)
    );
    put(as_json, &object, &line);
    Ok(())
}

/// The upper end of a bucket in words; the last bucket has none.
fn bounded(end_s: f64) -> String {
    if end_s.is_finite() { format!("at most {end_s} s") } else { "longer than any bucket of the histogram".to_owned() }
}

fn pour(address: SocketAddr, mut chat: Chat<'_>, rate: u32, seconds: u32) -> anyhow::Result<()> {
    let steps = seconds * 1_000 / STEP.as_millis() as u32;
    let each = rate * seconds / steps.max(1);
    let start = Instant::now();
    for step in 0..steps {
        std::thread::sleep((STEP * step).saturating_sub(start.elapsed()));
        let mut body = String::new();
        for (number, text) in (step * each..(step + 1) * each).zip(&mut chat) {
            let author = format!("a{}", number % AUTHORS);
            body += &json!({ "stream": "bench", "author": author, "text": text }).to_string();
            body.push('\n');
        }
        exchange(address, "POST", "/v1/feedback", &body)?;
    }
    Ok(())
}

/// One request on a connection of its own; the answer with its head.
fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(address).context("cannot reach the server")?;
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\n\
         content-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    ensure!(status.starts_with('2'), "the server answered {}", answer.lines().next().unwrap_or_default());
    Ok(answer)
}

/// An OpenMetrics exposition.
struct Metrics(String);

impl Metrics {
    fn value(&self, name: &str) -> Option<f64> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Upper end of the bucket that holds a quantile.
    fn quantile(&self, histogram: &str, level: f64) -> Option<f64> {
        let prefix = format!("{histogram}_bucket{{le=\"");
        let buckets = self.0.lines().filter_map(|line| {
            let (end, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
            Some((end.parse().unwrap_or(f64::INFINITY), count.split(' ').next()?.parse::<f64>().ok()?))
        });
        let buckets: Vec<(f64, f64)> = buckets.collect();
        let total = buckets.last().map(|bucket| bucket.1).filter(|total| *total > 0.0)?;
        buckets.into_iter().find(|bucket| bucket.1 >= total * level).map(|bucket| bucket.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_values_are_read_off_the_exposition() {
        let text = "a_bucket{le=\"0.1\"} 90\na_bucket{le=\"0.25\"} 99 # {} 0.2\na_bucket{le=\"+Inf\"} 100\nb_total 7\n";
        let metrics = Metrics(text.into());
        assert_eq!(metrics.quantile("a", 0.9), Some(0.1));
        assert_eq!(metrics.quantile("a", 0.99), Some(0.25));
        assert_eq!(metrics.quantile("a", 1.0), Some(f64::INFINITY));
        assert_eq!(bounded(0.25), "at most 0.25 s");
        assert!(!bounded(f64::INFINITY).contains("inf"));
        assert_eq!((metrics.value("b_total"), metrics.quantile("c", 0.5)), (Some(7.0), None));
    }
}
