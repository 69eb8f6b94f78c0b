//! `headroom bench engine`: what a million sessions cost one core.

use anyhow::{Context, ensure};
use clap::Args;
use headroom_core::{
    engine::{Config, Engine, Input, PolicyKind},
    statistics,
    telemetry::{Player, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde::Serialize;
use std::{process::ExitCode, time::Instant};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Live sessions.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    sessions: u32,
    /// Ticks to time; each follows a fresh report of every session.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    ticks: u32,
    /// Policy that decides.
    #[arg(long, default_value = "headroom")]
    policy: PolicyKind,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// The keys other programs rely on; `tick_ms` and `ns_per_update` are medians.
#[derive(Serialize)]
struct Outcome {
    sessions: u32,
    policy: &'static str,
    bytes_per_session: f64,
    tick_ms: f64,
    tick_ms_max: f64,
    ns_per_update: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let before = resident_bytes()?;
    let max_sessions = arguments.sessions as usize;
    let mut engine = Engine::new(Config { policy: arguments.policy, max_sessions, ..Config::default() });
    report_all(&mut engine, arguments.sessions, 0);
    while engine.poll_output().is_some() {}
    let resident = resident_bytes()?.saturating_sub(before);
    ensure!(engine.len() == max_sessions, "only {} of {max_sessions} sessions are in the table", engine.len());

    let (mut updates, mut ticks) = (Vec::new(), Vec::new());
    for round in 1..=u64::from(arguments.ticks) {
        let started = Instant::now();
        report_all(&mut engine, arguments.sessions, round);
        updates.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(arguments.sessions));
        let started = Instant::now();
        engine.handle_input(Input::Tick { at: moment(round) });
        ticks.push(started.elapsed().as_secs_f64() * 1e3);
        while engine.poll_output().is_some() {}
    }
    let outcome = Outcome {
        sessions: arguments.sessions,
        policy: arguments.policy.name(),
        bytes_per_session: resident as f64 / f64::from(arguments.sessions),
        tick_ms: median(&mut ticks),
        tick_ms_max: ticks.iter().copied().fold(0.0, f64::max),
        ns_per_update: median(&mut updates),
    };
    print(&outcome, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(outcome: &Outcome, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(outcome)?);
    } else {
        println!("sessions            {}", outcome.sessions);
        println!("policy              {}", outcome.policy);
        println!("bytes per session   {:.0}", outcome.bytes_per_session);
        println!("tick                {:.1} ms (largest {:.1})", outcome.tick_ms, outcome.tick_ms_max);
        println!("one update          {:.0} ns", outcome.ns_per_update);
    }
    Ok(())
}

/// Every session reports once, in an order that visits memory at random, as traffic does.
fn report_all(engine: &mut Engine, sessions: u32, round: u64) {
    // An odd multiplier modulo a power of two permutes; what lies beyond the last session is skipped.
    let span = u64::from(sessions).next_power_of_two();
    let visits = (0..span).map(|step| step.wrapping_mul(0x9E37_79B1) % span);
    for session in visits.filter(|&session| session < u64::from(sessions)) {
        engine.handle_input(Input::Sample(sample(session, round)));
    }
}

/// A report that differs by session and round: each session has a link of its own that varies by a
/// quarter from report to report.
fn sample(session: u64, round: u64) -> Sample {
    let mixed = (session ^ round.rotate_left(17)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 40;
    let link_kbps = 500 + (session.wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 40) % 30_000;
    let kbps = link_kbps * (75 + mixed % 51) / 100;
    Sample {
        session: SessionId(session + 1),
        stream: StreamId(1 + session % 100),
        at: moment(round),
        report: Report::Player(Player {
            encoded_bitrate: Some(Bitrate::kbps(kbps * 2 / 3)),
            measured_throughput: Some(Bitrate::kbps(kbps)),
            transfer_time: Some(Duration::from_millis(300 + mixed % 1_500)),
            buffer_length: Some(Duration::from_millis(1_500 + mixed % 4_000)),
            live_latency: Some(Duration::from_millis(3_000 + mixed % 3_000)),
            state: Some(PlayerState::Playing),
            ..Player::default()
        }),
    }
}

fn moment(round: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + round * 2_000)
}

fn median(values: &mut [f64]) -> f64 {
    statistics::median(values, f64::total_cmp).unwrap_or(f64::NAN)
}

/// Resident memory of this process.
fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status (Linux only)")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("/proc/self/status has no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context("VmRSS is no number")?;
    Ok(kibibytes * 1024)
}
