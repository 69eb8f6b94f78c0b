//! How punctual the engine's ticks are while speech is recognised without a pause in the same process.

use super::super::process::own_cpu_time;
use super::clip::Clip;
use super::print::{Print, round};
use anyhow::{Context, ensure};
use headroom_infer::speech::{Earshot, EndpointSettings, Segmenter, Utterance, Whisper};
use headroom_server::{Config, Server};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Sessions that report once a second, so that every tick has decisions to make.
const SESSIONS: usize = 1_000;

/// Runs the server twice, without and with speech, each for `seconds`, and prints the jitter of both.
pub(super) fn measure(whisper: &mut Whisper, clips: &[Clip], seconds: u32, print: &Print) -> anyhow::Result<()> {
    let utterances = utterances(clips);
    ensure!(!utterances.is_empty(), "the recordings hold no speech");
    let length = Duration::from_secs(u64::from(seconds));
    for with_speech in [false, true] {
        let (stop, decoded_ms) = (AtomicBool::new(false), AtomicU64::new(0));
        let (began, cpu) = (Instant::now(), own_cpu_time());
        let jitter = std::thread::scope(|scope| {
            if with_speech {
                scope.spawn(|| decode(whisper, &utterances, &stop, &decoded_ms));
            }
            let jitter = ticks(length);
            stop.store(true, Ordering::Relaxed);
            jitter
        })?;
        let cores = (own_cpu_time() - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
        let decoded_s = decoded_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        let load = if with_speech { "continuous speech" } else { "no speech" };
        let [median, p99, worst] = jitter.quantiles_ms();
        print.line(
            &json!({ "tick_jitter": load, "ticks": jitter.deviations.len(), "p50_ms": round(median),
                "p99_ms": round(p99), "max_ms": round(worst), "sessions": SESSIONS, "cores_busy": round(cores),
                "speech_s": round(decoded_s) }),
            &format!(
                "{load:<24} tick jitter over {} ticks, {SESSIONS} sessions: median {median:.1} ms, p99 {p99:.1} ms, \
                 worst {worst:.1} ms; {cores:.2} cores busy, {decoded_s:.0} s of speech recognised",
                jitter.deviations.len()
            ),
        );
    }
    Ok(())
}

fn utterances(clips: &[Clip]) -> Vec<Utterance> {
    let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::recorded());
    let mut utterances = Vec::new();
    clips.iter().for_each(|clip| segmenter.push(&clip.samples, &mut utterances));
    segmenter.finish(&mut utterances);
    utterances
}

fn decode(whisper: &mut Whisper, utterances: &[Utterance], stop: &AtomicBool, decoded_ms: &AtomicU64) {
    for utterance in utterances.iter().cycle() {
        if stop.load(Ordering::Relaxed) || whisper.transcribe(utterance).is_err() {
            return;
        }
        decoded_ms.fetch_add(utterance.samples.len() as u64 / 16, Ordering::Relaxed);
    }
}

/// How far each time between two ticks of one shard was from the configured interval, in microseconds, ascending.
struct Jitter {
    deviations: Vec<u64>,
}

impl Jitter {
    /// Reads the ticks off an input log.
    fn of(log: &str, interval_us: u64) -> Self {
        let mut last: Vec<Option<u64>> = Vec::new();
        let mut deviations = Vec::new();
        for line in log.lines().filter(|line| line.contains("\"tick\"")) {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let (Some(shard), Some(at)) = (line["shard"].as_u64(), line["tick"]["at_us"].as_u64()) else { continue };
            let shard = shard as usize;
            last.resize(last.len().max(shard + 1), None);
            if let Some(before) = last[shard].replace(at) {
                deviations.push((at - before).abs_diff(interval_us));
            }
        }
        deviations.sort_unstable();
        Self { deviations }
    }

    /// Median, 99th percentile, maximum.
    fn quantiles_ms(&self) -> [f64; 3] {
        let last = self.deviations.len().saturating_sub(1);
        [last / 2, last * 99 / 100, last].map(|at| self.deviations.get(at).map_or(0.0, |us| *us as f64 / 1_000.0))
    }
}

/// A server with its default number of threads, shards and tick, under reports of many sessions.
fn ticks(length: Duration) -> anyhow::Result<Jitter> {
    let log = std::env::temp_dir().join(format!("headroom-tick-jitter-{}.jsonl", std::process::id()));
    let mut config = Config::default();
    config.public.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.control.listen = (Ipv4Addr::LOCALHOST, 0).into();
    config.log.inputs.clone_from(&log);
    let interval_us = config.tick_ms * 1_000;
    let served = serve(config, length);
    let text = std::fs::read_to_string(&log);
    // The figures matter more than a file left in the system's temporary directory.
    let _ = std::fs::remove_file(&log);
    served?;
    let jitter = Jitter::of(&text.context("cannot read the input log")?, interval_us);
    ensure!(!jitter.deviations.is_empty(), "no shard ticked twice: measure for longer than two ticks");
    Ok(jitter)
}

fn serve(config: Config, length: Duration) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let server = runtime.block_on(Server::start(config))?;
    let until = Instant::now() + length;
    let reported = report_until(server.public_address(), until);
    runtime.block_on(server.stop());
    reported
}

/// Posts a report of every session once a second.
fn report_until(address: SocketAddr, until: Instant) -> anyhow::Result<()> {
    let mut body = String::new();
    for session in 0..SESSIONS {
        // The player's report: a buffer of two to six seconds.
        let buffer_ms = 2_000 + session * 4;
        writeln!(
            body,
            "{{\"session\":\"{session}\",\"stream\":\"a\",\"player\":{{\"buffer_length_ms\":{buffer_ms}}}}}"
        )?;
    }
    while Instant::now() < until {
        let began = Instant::now();
        post(address, "/v1/samples", &body).context("cannot report to the server")?;
        std::thread::sleep(Duration::from_secs(1).saturating_sub(began.elapsed()));
    }
    Ok(())
}

fn post(address: SocketAddr, path: &str, body: &str) -> anyhow::Result<()> {
    let mut connection = TcpStream::connect(address)?;
    let length = body.len();
    write!(connection, "POST {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")?;
    connection.write_all(body.as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the server answered {}", answer.lines().next().unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_counted_for_each_shard() {
        let log = r#"{"headroom_input_log":1,"shards":2}
{"shard":0,"tick":{"at_us":1000000}}
{"shard":1,"tick":{"at_us":2000000}}
{"shard":0,"tick":{"at_us":3000500}}
{"shard":1,"sample":{"at_us":3500000}}
{"shard":1,"tick":{"at_us":3990000}}
"#;
        let jitter = Jitter::of(log, 2_000_000);
        assert_eq!(jitter.deviations, [500, 10_000]);
        assert_eq!(jitter.quantiles_ms(), [0.5, 0.5, 10.0]);
    }
}
