//! `headroom bench crowd`: many viewers behind one bottleneck, with and without the engine's allocation.

use super::abr::{number::positive, source};
use anyhow::{Context, bail};
use clap::Args;
use headroom_core::{
    engine::{Config, PolicyKind},
    ladder::Ladder,
    qoe::Linear,
    time::Duration,
    units::Bitrate,
};
use headroom_sim::{
    contender::{Contender, Strategy},
    crowd::{Crowd, Guidance, Outcome},
    profile::{Profile, SIZE_SEED, SIZE_SPREAD},
    trace::Trace,
    video::Video,
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Trace of the bottleneck; the steady --capacity when absent.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// What the bottleneck carries, in Mbit/s; a trace is scaled to this mean.
    #[arg(long, default_value_t = 100.0, value_name = "MBPS", value_parser = positive)]
    capacity: f64,
    /// Numbers of viewers to play, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "8,16,32,64", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    viewers: Vec<u16>,
    /// How long they watch, in seconds.
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS", value_parser = positive)]
    seconds: f64,
    /// What the players run.
    #[arg(long, default_value = "dynamic", value_name = "NAME")]
    client: String,
    /// What the engine runs.
    #[arg(long, default_value = "headroom", value_name = "NAME")]
    policy: PolicyKind,
    /// Print one JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

/// The keys other programs rely on.
#[derive(Serialize)]
struct Row<'a> {
    viewers: u16,
    client: &'a str,
    /// `none`, `guided`, `cohort`: guided by an engine that pools what the viewers measure, or `allocated`: guided by one that is
    /// told the capacity.
    guidance: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let kbps = arguments.capacity * 1_000.0;
    let trace = match &arguments.trace {
        None => Trace::constant(kbps)?,
        Some(path) => {
            let sources = source::load(std::slice::from_ref(path), None)?;
            let trace = &sources.first().context("no trace")?.trace;
            trace.scaled(kbps / trace.mean_kbps())?
        }
    };
    let profile = Profile::live();
    let contender = Contender::parse(&arguments.client, profile.objective()).context("--client")?;
    let Strategy::Policy(client) = contender.strategy() else {
        bail!("--client {}: not a policy of a player", arguments.client);
    };
    let videos = videos(arguments.seconds)?;
    let qoe = Linear { stall_penalty: profile.stall_penalty, switch_penalty: 1.0 };
    let engine = |capacity_known, cohort| Guidance::Engine {
        config: Box::new(Config { policy: arguments.policy, ..Config::default() }),
        capacity_known,
        cohort,
    };
    if !arguments.json {
        print_head();
    }
    for &viewers in &arguments.viewers {
        let crowd = Crowd {
            trace: &trace,
            videos: &videos,
            viewers: usize::from(viewers),
            seconds: arguments.seconds,
            capacity_s: profile.buffer_s,
            qoe,
        };
        for (guidance, kind) in [
            ("none", Guidance::None),
            ("guided", engine(false, false)),
            ("cohort", engine(false, true)),
            ("allocated", engine(true, false)),
        ] {
            let outcome = crowd.play(client.as_ref(), &kind);
            print(&Row { viewers, client: &arguments.client, guidance, outcome }, arguments.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Two kinds of stream, so that ladders differ: the default one, and a lighter one up to 6 Mbit/s.
fn videos(seconds: f64) -> anyhow::Result<Vec<Video>> {
    let light = [300, 700, 1_500, 3_000, 6_000].map(Bitrate::kbps);
    let segment = Duration::from_secs(2);
    let segments = (seconds / 2.0).ceil() as usize + 4;
    [Ladder::default(), Ladder::from_bitrates(&light)?]
        .into_iter()
        .map(|ladder| Ok(Video::jittered(ladder, segment, segments, SIZE_SPREAD, SIZE_SEED)?))
        .collect()
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print_head() {
    println!(
        "{:>7} {:10} {:>10} {:>13} {:>6} {:>8} {:>7}",
        "viewers", "guidance", "total QoE", "worst tenth", "Jain", "stall %", "Mbit/s"
    );
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(row: &Row<'_>, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(row)?);
    } else {
        let outcome = &row.outcome;
        println!(
            "{:7} {:10} {:10.1} {:13.2} {:6.3} {:8.2} {:7.2}",
            row.viewers,
            row.guidance,
            outcome.qoe_total,
            outcome.qoe_worst_decile,
            outcome.jain,
            outcome.stall_ratio * 100.0,
            outcome.bitrate_mbps
        );
    }
    Ok(())
}
