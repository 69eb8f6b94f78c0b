//! `headroom train forecast`: the weights of the quantile forecast, from traces and synthetic links.

use crate::commands::bench::abr::source;
use anyhow::{Context, ensure};
use clap::Args;
use headroom_core::network::Network;
use headroom_sim::{
    trace::Trace,
    train::{
        forecast::{Example, Settings, draw_scale, examples_by_second, examples_by_transfer, fit},
        synthetic,
    },
};
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces to learn from. For weights that are passed on: only traces whose licence allows it.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Synthetic links of 600 s to learn from beside the traces.
    #[arg(long, value_name = "COUNT", default_value_t = 600)]
    synthetic: u64,
    /// Where the weights go.
    #[arg(long, value_name = "FILE", default_value = "models/forecast/quantile.bin")]
    out: PathBuf,
    /// Passes over the examples.
    #[arg(long, default_value_t = 6)]
    epochs: usize,
    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Length of a synthetic link in seconds.
const SYNTHETIC_S: usize = 600;
/// Of neighbouring examples, which are nearly equal, one in so many is kept.
const STRIDE: usize = 2;
/// Seeds of synthetic links and of scales are drawn from separate ranges.
const SCALE_SEEDS: u64 = 1 << 32;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut traces: Vec<Trace> = Vec::new();
    if !arguments.traces.is_empty() {
        for (number, source) in source::load(&arguments.traces, None)?.into_iter().enumerate() {
            let scale = draw_scale(source.trace.mean_kbps(), arguments.seed ^ (SCALE_SEEDS + number as u64));
            traces.push(source.trace.scaled(scale).with_context(|| source.name)?);
        }
    }
    for number in 0..arguments.synthetic {
        traces.push(synthetic::link(SYNTHETIC_S, arguments.seed.wrapping_add(number)).context("synthetic link")?);
    }
    ensure!(!traces.is_empty(), "nothing to learn from: give --traces or --synthetic");
    let mut examples: Vec<Example> = Vec::new();
    for (number, trace) in traces.iter().enumerate() {
        examples.extend(examples_by_second(trace).into_iter().step_by(STRIDE));
        examples.extend(examples_by_transfer(trace, arguments.seed ^ number as u64).into_iter().step_by(STRIDE));
    }
    ensure!(!examples.is_empty(), "no trace is longer than the ten seconds that a forecast looks ahead");
    tracing::info!("{} examples from {} links", examples.len(), traces.len());
    let settings = Settings { epochs: arguments.epochs, ..Settings::default() };
    let network = fit(&examples, settings, arguments.seed, |epoch| print(epoch.number, epoch.loss));
    std::fs::write(&arguments.out, network.to_bytes())
        .with_context(|| format!("cannot write {}", arguments.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the learning curve of the command")]
fn print(epoch: usize, loss: f64) {
    println!("epoch {epoch:3}  pinball loss {loss:.4}");
}
