//! `headroom bench ingest`: what one processor second of the server takes in, beside nginx answering 204.
//!
//! Both servers run on the same processor, one after the other in every round, wrk on another one. Costs are
//! processor seconds of the server's process from /proc, not wall time, so the client does not matter.

mod machine;
mod paced;
mod server;
mod workload;

use anyhow::{Context, bail};
use clap::Args;
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

/// The figures, medians over the rounds.
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
    /// The longest pause of the client beside ours, which counts as ours.
    client_pause_ms: f64,
    /// What the server's processor loses while idle but for a loop that reads the clock, and the longest gap.
    machine_lost_share: f64,
    machine_gap_ms: f64,
    rounds: usize,
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
    print(&figures?, arguments.json)
}

fn measure(arguments: &Arguments, directory: &Path) -> anyhow::Result<Figures> {
    let decide = directory.join("decide.lua");
    let batch = directory.join("batch.lua");
    std::fs::write(&decide, workload::decide_script(arguments.sessions))?;
    std::fs::write(&batch, workload::batch_script(arguments.sessions, arguments.records))?;
    let requests = workload::decide_requests(arguments.sessions);
    let span = Duration::from_secs(u64::from(arguments.seconds));

    let mut rounds = Rounds::default();
    for _ in 0..arguments.rounds.max(1) {
        let nginx = Nginx::start(directory)?;
        let plain = nginx.load(&decide, arguments)?;
        let headroom = Headroom::start(directory)?;
        // A first pass makes the sessions known; after a tick every answer holds a decision.
        headroom.load_for(&decide, arguments, 3)?;
        let decided = headroom.load(&decide, arguments)?;
        let batched = headroom.load(&batch, arguments)?;
        let half = decided.per_second() / 2.0;
        let ours = paced::run(headroom.address(), &requests, half, span, arguments.connections)?;
        drop(headroom);
        let lost = machine::watch(server::SERVER_CPU, Duration::from_secs(2));
        let theirs = paced::run(nginx.address(), &requests, half, span, arguments.connections)?;
        rounds.nginx.push(plain.per_core_second());
        rounds.decide.push(decided.per_core_second());
        rounds.ratio.push(decided.per_core_second() / plain.per_core_second());
        rounds.batch.push(batched.per_core_second() * arguments.records as f64);
        rounds.half.push(half);
        rounds.p50.push(ours.quantile_ms(0.50));
        rounds.p99.push(ours.quantile_ms(0.99));
        rounds.longest.push(ours.quantile_ms(1.0));
        rounds.lost.push(lost.share);
        rounds.gap.push(lost.longest.as_secs_f64() * 1e3);
        rounds.client_pause.push(ours.client_pause.as_secs_f64() * 1e3);
        rounds.nginx_p50.push(theirs.quantile_ms(0.50));
        rounds.nginx_p99.push(theirs.quantile_ms(0.99));
        rounds.nginx_longest.push(theirs.quantile_ms(1.0));
    }
    Ok(Figures {
        requests_per_core_second: median(&mut rounds.decide).round(),
        nginx_204_per_core_second: median(&mut rounds.nginx).round(),
        ratio: median(&mut rounds.ratio),
        batch_records_per_core_second: median(&mut rounds.batch).round(),
        decide_p50_ms: median(&mut rounds.p50),
        decide_p99_ms: median(&mut rounds.p99),
        decide_longest_ms: median(&mut rounds.longest),
        half_load_per_second: median(&mut rounds.half).round(),
        nginx_p50_ms: median(&mut rounds.nginx_p50),
        nginx_p99_ms: median(&mut rounds.nginx_p99),
        nginx_longest_ms: median(&mut rounds.nginx_longest),
        client_pause_ms: median(&mut rounds.client_pause),
        machine_lost_share: median(&mut rounds.lost),
        machine_gap_ms: median(&mut rounds.gap),
        rounds: arguments.rounds.max(1),
    })
}

#[derive(Default)]
struct Rounds {
    nginx: Vec<f64>,
    decide: Vec<f64>,
    ratio: Vec<f64>,
    batch: Vec<f64>,
    half: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    longest: Vec<f64>,
    nginx_p50: Vec<f64>,
    nginx_p99: Vec<f64>,
    nginx_longest: Vec<f64>,
    client_pause: Vec<f64>,
    lost: Vec<f64>,
    gap: Vec<f64>,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "figures are for people and pipes")]
fn print(figures: &Figures, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string(figures)?);
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = |met| if met { "met" } else { "NOT met" };
    println!("median of {} rounds, one server thread, loopback, no TLS", figures.rounds);
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
    println!(
        "nginx at the same rate  {:>10.3} ms p99, {:.3} ms p50, {:.1} ms slowest; the client itself paused for {:.1} ms",
        figures.nginx_p99_ms, figures.nginx_p50_ms, figures.nginx_longest_ms, figures.client_pause_ms
    );
    println!(
        "the machine by itself   {:>10.1} % of a processor lost to others, in gaps of up to {:.1} ms",
        figures.machine_lost_share * 100.0,
        figures.machine_gap_ms
    );
    Ok(ExitCode::SUCCESS)
}
