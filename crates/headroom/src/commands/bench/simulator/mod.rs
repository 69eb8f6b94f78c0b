//! `headroom bench simulator`: how fast sessions are played and plans are made, on one core.

mod peer;

use super::abr::source;
use anyhow::{Context, ensure};
use clap::Args;
use headroom_sim::{
    contender::Contender,
    profile::Profile,
    session::Step,
    trace::{Format, Trace},
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, time::Instant};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces in our CSV, read as Pensieve reads its traces; a steady 2 Mbit/s link when absent.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Seconds to measure each policy for.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = super::abr::number::positive)]
    seconds: f64,
    /// Play the environment and the agents of the PyPI package pensieve-ppo beside ours, with this Python.
    #[arg(long, value_name = "PYTHON", num_args = 0..=1, default_missing_value = ".setup/simulator-peer/bin/python")]
    peer: Option<PathBuf>,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// The keys other programs rely on: rates are for each second of processor time.
#[derive(Serialize)]
struct Outcome {
    policy: &'static str,
    traces: usize,
    sessions_per_core_second: f64,
    decisions_per_core_second: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let profile = Profile::on_demand();
    let traces: Vec<Trace> = if arguments.traces.is_empty() {
        vec![Trace::constant(2_000.0)?]
    } else {
        let sources = source::load(&arguments.traces, Some(Format::CsvIntervalEnds))?;
        sources.into_iter().map(|source| source.trace).collect()
    };
    let mut outcomes = Vec::new();
    for policy in ["buffer_based", "throughput", "dynamic", "mpc", "robust_mpc", "headroom"] {
        let outcome = measure(&profile, policy, &traces, arguments.seconds)?;
        print(&outcome, arguments.json)?;
        outcomes.push(outcome);
    }
    if let Some(python) = &arguments.peer {
        for played in peer::play(python, &profile.video(0.0)?, &traces, arguments.seconds)? {
            let ours = outcomes.iter().find(|outcome| outcome.policy == played.ours);
            print_peer(&played, ours, arguments.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays sessions of 48 segments over the traces, round and round, for `seconds`.
fn measure(profile: &Profile, policy: &'static str, traces: &[Trace], seconds: f64) -> anyhow::Result<Outcome> {
    let video = profile.video(0.0)?;
    let contender = Contender::parse(policy, profile.objective())?;
    let mut steps: Vec<Step> = Vec::new();
    let (mut sessions, mut decisions) = (0_u64, 0_u64);
    let (started, processor_before) = (Instant::now(), processor_seconds()?);
    while started.elapsed().as_secs_f64() < seconds {
        for trace in traces {
            let score = profile.play(&contender, &video, trace, &mut steps);
            ensure!(score.is_some(), "a trace that carries nothing");
            sessions += 1;
            // The first segment is fetched before anything is decided.
            decisions += steps.len() as u64 - 1;
        }
    }
    // Processor time, so that other work on the machine does not count.
    let elapsed = processor_seconds()? - processor_before;
    Ok(Outcome {
        policy,
        traces: traces.len(),
        sessions_per_core_second: sessions as f64 / elapsed,
        decisions_per_core_second: decisions as f64 / elapsed,
    })
}

/// Processor time of this thread (Linux `proc_pid_schedstat`: the first number, nanoseconds).
fn processor_seconds() -> anyhow::Result<f64> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path} (Linux only)"))?;
    let nanoseconds: f64 = text.split(' ').next().unwrap_or_default().parse().with_context(|| path.to_owned())?;
    Ok(nanoseconds / 1e9)
}

/// The peer's rates and how many times ours they go into.
#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print_peer(played: &peer::Played, ours: Option<&Outcome>, json: bool) -> anyhow::Result<()> {
    let (sessions, decisions) = (played.sessions as f64 / played.seconds, played.decisions as f64 / played.seconds);
    let ratio = ours.map(|ours| ours.decisions_per_core_second / decisions);
    if json {
        let line = serde_json::json!({
            "peer": format!("pensieve-ppo {}", played.agent), "policy": played.ours, "sessions_per_core_second": sessions,
            "decisions_per_core_second": decisions, "qoe": played.qoe, "ratio": ratio,
        });
        println!("{line}");
    } else {
        let ratio = ratio.map_or_else(String::new, |ratio| format!(", {} is {ratio:.0} times as fast", played.ours));
        println!("pensieve-ppo {:6} {sessions:>7.2} sessions/s {decisions:>14.1} decisions/s{ratio}", played.agent);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(outcome: &Outcome, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(outcome)?);
    } else {
        println!(
            "{:14} {:>12.0} sessions/s {:>14.0} decisions/s on one core, {} traces",
            outcome.policy, outcome.sessions_per_core_second, outcome.decisions_per_core_second, outcome.traces
        );
    }
    Ok(())
}
