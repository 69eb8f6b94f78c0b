//! `headroom bench fleet`: a server with history, archive and dashboard on, and a fleet that reports to it over HTTP.
//!
//! Client and server share the machine, so this answers whether everybody is served in time, not how much fits.

mod load;
mod viewers;
mod watch;

use super::process::{cpu_time, stop, unused_address, wait_for};
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};
use viewers::Viewers;
use watch::{Metrics, Watch};

/// Goals of a full run.
const TICK_INTERVAL_S: f64 = 2.2;
const DECISION_AGE_S: f64 = 2.5;
const MEMORY_GROWTH: f64 = 0.10;
const FRAME_GAP_S: f64 = 3.0;

/// Share of the run after which the memory is first weighed: buffers and sketches have found their size.
const SETTLED: f64 = 0.2;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Virtual sessions.
    #[arg(long, default_value_t = 50_000)]
    sessions: usize,
    /// Seconds of the measurement.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Seconds of a segment: a session reports once in that time.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    segment: f64,
    /// Kept connections of the web servers in front.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Threads of the server; 0 takes one for each processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Figures {
    sessions: usize,
    seconds: u64,
    /// `GET /decide` with a CMCD record of version 2.
    requests: u64,
    requests_per_second: f64,
    /// Requests without an answer or with another than 204.
    unanswered: u64,
    /// Reports that did not reach an engine, of those answered.
    reports_lost: f64,
    /// Reports refused, records shed, rows of history and archive lost: all that counts losses.
    counted_lost: f64,
    tick_interval_p99_s: f64,
    decision_age_p99_s: f64,
    answer_p50_ms: usize,
    answer_p99_ms: usize,
    /// Resident memory: once settled, at its largest, at the end.
    memory_settled_mib: f64,
    memory_largest_mib: f64,
    memory_end_mib: f64,
    /// Frames of the dashboard's stream, and the longest time without one.
    dashboard_frames: u64,
    dashboard_longest_gap_s: f64,
    decisions: f64,
    archive_rows: f64,
    archive_files: f64,
    /// Processors the server kept busy.
    server_cores: f64,
    /// Mean load of the machine over the last five minutes, everything on it counted.
    machine_load: f64,
}

impl Figures {
    /// Each goal, what was measured, whether it was met.
    fn verdicts(&self) -> [(&'static str, String, bool); 5] {
        let growth = self.memory_end_mib / self.memory_settled_mib - 1.0;
        let lost = self.unanswered as f64 + self.reports_lost + self.counted_lost;
        [
            (
                "tick interval p99 <= 2.2 s",
                format!("{:.3} s", self.tick_interval_p99_s),
                self.tick_interval_p99_s <= TICK_INTERVAL_S,
            ),
            (
                "decision age p99 <= 2.5 s",
                format!("{:.3} s", self.decision_age_p99_s),
                self.decision_age_p99_s <= DECISION_AGE_S,
            ),
            ("nothing lost", format!("{lost}"), lost == 0.0),
            ("memory grows < 10 %", format!("{:+.1} %", growth * 100.0), growth < MEMORY_GROWTH),
            (
                "dashboard silent <= 3 s",
                format!("{:.2} s", self.dashboard_longest_gap_s),
                self.dashboard_frames > 0 && self.dashboard_longest_gap_s <= FRAME_GAP_S,
            ),
        ]
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(arguments.segment >= 0.5 && arguments.segment <= 30.0, "--segment lies between 0.5 and 30");
    anyhow::ensure!(arguments.sessions > 0 && arguments.seconds > 0, "--sessions and --seconds are at least 1");
    let directory = std::env::temp_dir().join(format!("headroom-fleet-{}", std::process::id()));
    fs::create_dir_all(&directory).context("no directory for the benchmark's files")?;
    let figures = measure(arguments, &directory);
    // What is left behind on failure lies in the temporary directory.
    let _ = fs::remove_dir_all(&directory);
    print(&figures?, arguments.json)
}

fn measure(arguments: &Arguments, directory: &Path) -> anyhow::Result<Figures> {
    let server = Server::start(directory, arguments.threads)?;
    let segment = Duration::from_secs_f64(arguments.segment);
    let mut viewers = Viewers::new(arguments.sessions, arguments.segment, 7)?;
    // Everybody is known and has been decided for before anything counts.
    load::run(server.public, &mut viewers, segment, segment * 2 + Duration::from_secs(2), arguments.connections)?;
    let watch = Watch::start(server.control)?;
    let before = Metrics::read(server.control)?;
    let (began, cpu_before) = (Instant::now(), cpu_time(server.process.id())?);
    let span = Duration::from_secs(arguments.seconds);
    let outcome = load::run(server.public, &mut viewers, segment, span, arguments.connections)?;
    let wall = began.elapsed().as_secs_f64();
    let cpu = cpu_time(server.process.id())?.saturating_sub(cpu_before).as_secs_f64();
    let after = Metrics::read(server.control)?;
    let seen = watch.end()?;
    let since = |name: &str| after.sum(name) - before.sum(name);
    let losses = [
        "headroom_reports_dropped_total",
        "headroom_shed_total",
        "headroom_history_lost_total",
        "headroom_archive_lost_total",
        "headroom_sessions_evicted_total",
    ];
    let mib = |bytes: f64| bytes / (1024.0 * 1024.0);
    let settled = (seen.memory.len() as f64 * SETTLED) as usize;
    let memory = seen.memory.get(settled..).unwrap_or_default();
    Ok(Figures {
        sessions: arguments.sessions,
        seconds: arguments.seconds,
        requests: outcome.sent,
        requests_per_second: outcome.sent as f64 / wall,
        unanswered: outcome.sent - outcome.answered,
        reports_lost: outcome.answered as f64 - since("headroom_engine_samples_total"),
        counted_lost: losses.iter().map(|name| since(name)).sum(),
        tick_interval_p99_s: after.histogram("headroom_tick_interval_seconds", &before).quantile(0.99),
        decision_age_p99_s: after.histogram("headroom_decision_age_seconds", &before).quantile(0.99),
        answer_p50_ms: outcome.latency_ms(0.5),
        answer_p99_ms: outcome.latency_ms(0.99),
        memory_settled_mib: mib(memory.first().copied().unwrap_or(f64::NAN)),
        memory_largest_mib: mib(memory.iter().copied().fold(f64::NAN, f64::max)),
        memory_end_mib: mib(memory.last().copied().unwrap_or(f64::NAN)),
        dashboard_frames: seen.frames,
        dashboard_longest_gap_s: seen.longest_gap.as_secs_f64(),
        decisions: since("headroom_decisions_total"),
        archive_rows: since("headroom_archive_rows_total"),
        archive_files: after.sum("headroom_archive_files_total"),
        server_cores: cpu / wall,
        machine_load: load_average(),
    })
}

/// The server under load, in a process of its own.
struct Server {
    process: Child,
    public: SocketAddr,
    control: SocketAddr,
}

impl Server {
    fn start(directory: &Path, threads: usize) -> anyhow::Result<Self> {
        let (public, control) = (unused_address()?, unused_address()?);
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let log = File::create(directory.join("headroom.log"))?;
        let process = Command::new(program)
            .args(["serve", "--threads", &threads.to_string()])
            .args(["--listen", &public.to_string(), "--control", &control.to_string()])
            .arg("--data")
            .arg(directory.join("data"))
            .arg("--archive")
            .arg(directory.join("archive"))
            .env("HEADROOM_HISTORY__ARCHIVE__SEGMENT_S", "60")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("headroom cannot be run")?;
        let server = Self { process, public, control };
        wait_for(public)?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.process);
    }
}

/// The second figure of /proc/loadavg.
fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "figures are for people and pipes")]
fn print(figures: &Figures, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string(figures)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} sessions for {} s: {:.0} requests/s with CMCD, {} in all; {:.0} decisions",
        figures.sessions, figures.seconds, figures.requests_per_second, figures.requests, figures.decisions
    );
    for (goal, measured, met) in figures.verdicts() {
        println!("{goal:<28} {measured:>10}   {}", if met { "met" } else { "NOT met" });
    }
    println!(
        "answers                      {} ms p50, {} ms p99 from when they were due",
        figures.answer_p50_ms, figures.answer_p99_ms
    );
    println!(
        "memory                       {:.0} MiB settled, {:.0} largest, {:.0} at the end",
        figures.memory_settled_mib, figures.memory_largest_mib, figures.memory_end_mib
    );
    println!("dashboard                    {} frames", figures.dashboard_frames);
    println!("archive                      {:.0} rows, {:.0} files", figures.archive_rows, figures.archive_files);
    println!(
        "server                       {:.2} of {} processors; load of the machine {:.1}",
        figures.server_cores,
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        figures.machine_load
    );
    Ok(ExitCode::SUCCESS)
}
