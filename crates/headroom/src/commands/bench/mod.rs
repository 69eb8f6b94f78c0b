//! `headroom bench`: one file per benchmark.

mod engine;

use clap::Subcommand;
use std::process::ExitCode;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Benchmark {
    /// The engine alone: updates, a tick over every session, memory.
    Engine(engine::Arguments),
}

/// Runs the chosen benchmark.
pub(crate) fn run(benchmark: Benchmark) -> anyhow::Result<ExitCode> {
    match benchmark {
        Benchmark::Engine(arguments) => engine::run(&arguments),
    }
}
