//! One file per subcommand: its arguments and its `run`.

mod bench;
mod demo;
mod link;
mod replay;
mod serve;
mod trace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Real-time QoS optimiser for live game streaming.
#[derive(Parser)]
#[command(name = "headroom", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: edge, CMCD in, CMSD and decisions out.
    Serve(serve::Arguments),
    /// See the loop work: virtual players on replayed 5G links, half of them steered.
    Demo(demo::Arguments),
    /// Turn an input log back into its decisions.
    Replay(replay::Arguments),
    /// Measure: every figure in docs/benchmarks.md comes from here.
    #[command(subcommand)]
    Bench(bench::Benchmark),
    Link(Box<link::Arguments>),
    #[command(subcommand)]
    Trace(trace::Command),
}

/// Runs the chosen subcommand.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Bench(benchmark) => bench::run(benchmark),
        Command::Link(arguments) => link::run(*arguments),
        Command::Trace(command) => trace::run(command),
    }
}

/// Prints an error and its causes on one line.
#[expect(clippy::print_stderr, reason = "the one place where the binary reports failure to a person")]
pub(crate) fn report(error: &anyhow::Error) {
    eprintln!("headroom: {error:#}");
}
