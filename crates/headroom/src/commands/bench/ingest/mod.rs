//! `headroom bench ingest`: what one processor second of the server takes in, beside nginx answering 204.
//!
//! Both servers run on the same processor, one after the other in every round, wrk on another one. Costs are
//! processor seconds of the server's process from /proc, not wall time, so the client does not matter.

mod machine;
mod paced;
mod server;
mod workload;

use super::process::cpu_time;
use anyhow::{Context, bail};
use clap::Args;
use headroom_core::statistics;
use serde::Serialize;
use server::{Headroom, Nginx, Target};
use std::{path::Path, process::Command, process::ExitCode, time::Duration};

/// Needs nginx and wrk.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections of the client.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Sessions that report.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// Records of one batch.
    #[arg(long, default_value_t = 100)]
    records: usize,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// The figures of a round, or medians over rounds.
#[derive(Debug, Serialize)]
struct Figures {
    /// CMCD version 2 in the query of `GET /decide`: parsed, fed to the engine, CMSD in the answer.
    requests_per_core_second: f64,
    /// The same client against nginx `return 204`.
    nginx_204_per_core_second: f64,
    /// One over the other, round by round.
    ratio: f64,
    /// CMCD records of `POST /v1/cmcd`.
    batch_records_per_core_second: f64,
    /// Latency of `GET /decide` at half the rate one processor can serve, from the moment a request was due.
    decide_p50_ms: f64,
    decide_p99_ms: f64,
    /// That half rate, requests a second.
    half_load_per_second: f64,
    /// Latency of nginx at the very same rate in the same round: what of ours is the machine's.
    nginx_p50_ms: f64,
    nginx_p99_ms: f64,
    /// The slowest answer of a round, ours and nginx'.
    decide_longest_ms: f64,
    nginx_longest_ms: f64,
    /// Ours from when it was sent: the rest of a latency is waiting for one of the client's connections.
    decide_served_p99_ms: f64,
    /// Share of its processor that the server needs at that rate: more than half, for requests that come one by one cost more.
    half_load_busy: f64,
    /// What requests would wait for the server's processor by itself, were it as busy with work of even cost.
    machine_p99_ms: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for tool in ["nginx", "wrk"] {
        if Command::new(tool).arg("-v").output().is_err() {
            bail!("{tool} is not installed (on Debian: apt-get install nginx-light wrk)");
        }
    }
    let directory = std::env::temp_dir().join(format!("headroom-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).context("no directory for the benchmark's files")?;
    let figures = measure(arguments, &directory);
    // What is left behind on failure lies in the temporary directory.
    let _ = std::fs::remove_dir_all(&directory);
    let rounds = figures?;
    print(&Figures::median(&rounds), rounds.len(), arguments.json)
}

fn measure(arguments: &Arguments, directory: &Path) -> anyhow::Result<Vec<Figures>> {
    let decide = directory.join("decide.lua");
    let batch = directory.join("batch.lua");
    std::fs::write(&decide, workload::decide_script(arguments.sessions))?;
    std::fs::write(&batch, workload::batch_script(arguments.sessions, arguments.records))?;
    let requests = workload::decide_requests(arguments.sessions);
    let (connections, seconds) = (arguments.connections, arguments.seconds);
    let span = Duration::from_secs(u64::from(arguments.seconds));

    let round = |_| {
        let nginx = Nginx::start(directory)?;
        let plain = nginx.load(&decide, connections, seconds)?;
        let headroom = Headroom::start(directory)?;
        // A first pass makes the sessions known; after a tick every answer holds a decision.
        headroom.load(&decide, connections, 3)?;
        let decided = headroom.load(&decide, connections, seconds)?;
        let batched = headroom.load(&batch, connections, seconds)?;
        let half = decided.per_second() / 2.0;
        let before = cpu_time(headroom.worker())?;
        let ours = paced::run(headroom.address(), &requests, half, span, arguments.connections)?;
        let busy = (cpu_time(headroom.worker())? - before).as_secs_f64() / ours.wall.as_secs_f64();
        drop(headroom);
        let pace = machine::Pace::watch(server::SERVER_CPU, span);
        let theirs = paced::run(nginx.address(), &requests, half, span, arguments.connections)?;
        Ok(Figures {
            requests_per_core_second: decided.per_core_second(),
            nginx_204_per_core_second: plain.per_core_second(),
            ratio: decided.per_core_second() / plain.per_core_second(),
            batch_records_per_core_second: batched.per_core_second() * arguments.records as f64,
            decide_p50_ms: ours.due.quantile_ms(0.50),
            decide_p99_ms: ours.due.quantile_ms(0.99),
            half_load_per_second: half,
            nginx_p50_ms: theirs.due.quantile_ms(0.50),
            nginx_p99_ms: theirs.due.quantile_ms(0.99),
            decide_longest_ms: ours.due.quantile_ms(1.0),
            nginx_longest_ms: theirs.due.quantile_ms(1.0),
            decide_served_p99_ms: ours.sent.quantile_ms(0.99),
            half_load_busy: busy,
            machine_p99_ms: pace.queue_quantile_ms(busy, 0.99),
        })
    };
    (0..arguments.rounds.max(1)).map(round).collect()
}

impl Figures {
    /// Each figure's median.
    fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(figure).collect();
            statistics::median(&mut values, f64::total_cmp).unwrap_or(f64::NAN)
        };
        Self {
            requests_per_core_second: of(|round| round.requests_per_core_second).round(),
            nginx_204_per_core_second: of(|round| round.nginx_204_per_core_second).round(),
            ratio: of(|round| round.ratio),
            batch_records_per_core_second: of(|round| round.batch_records_per_core_second).round(),
            decide_p50_ms: of(|round| round.decide_p50_ms),
            decide_p99_ms: of(|round| round.decide_p99_ms),
            half_load_per_second: of(|round| round.half_load_per_second).round(),
            nginx_p50_ms: of(|round| round.nginx_p50_ms),
            nginx_p99_ms: of(|round| round.nginx_p99_ms),
            decide_longest_ms: of(|round| round.decide_longest_ms),
            nginx_longest_ms: of(|round| round.nginx_longest_ms),
            decide_served_p99_ms: of(|round| round.decide_served_p99_ms),
            half_load_busy: of(|round| round.half_load_busy),
            machine_p99_ms: of(|round| round.machine_p99_ms),
        }
    }
}

#[expect(clippy::print_stdout, reason = "figures are for people and pipes")]
fn print(figures: &Figures, rounds: usize, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        let mut line = serde_json::to_value(figures)?;
        line["rounds"] = rounds.into();
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = |met| if met { "met" } else { "NOT met" };
    println!("median of {} rounds, one server thread, loopback, no TLS", rounds);
    println!("nginx `return 204`      {:>10.0} requests per core second", figures.nginx_204_per_core_second);
    println!("GET /decide with CMCD   {:>10.0} requests per core second", figures.requests_per_core_second);
    println!("ratio                   {:>10.2} (goal >= 0.60: {})", figures.ratio, verdict(figures.ratio >= 0.6));
    let batch = figures.batch_records_per_core_second;
    println!(
        "POST /v1/cmcd batches   {batch:>10.0} records per core second (goal >= 2000000: {})",
        verdict(batch >= 2e6)
    );
    println!(
        "GET /decide, half load  {:>10.3} ms p99, {:.3} ms p50, {:.1} ms slowest, at {:.0} requests/s (goal <= 5: {})",
        figures.decide_p99_ms,
        figures.decide_p50_ms,
        figures.decide_longest_ms,
        figures.half_load_per_second,
        verdict(figures.decide_p99_ms <= 5.0)
    );
    println!("  from when it was sent {:>10.3} ms p99", figures.decide_served_p99_ms);
    println!(
        "nginx at the same rate  {:>10.3} ms p99, {:.3} ms p50, {:.1} ms slowest",
        figures.nginx_p99_ms, figures.nginx_p50_ms, figures.nginx_longest_ms
    );
    println!(
        "the machine by itself   {:>10.3} ms p99: waiting for a processor as busy ({:.0} %) with work of even cost",
        figures.machine_p99_ms,
        figures.half_load_busy * 100.0
    );
    Ok(ExitCode::SUCCESS)
}
