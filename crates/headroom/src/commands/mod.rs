//! One file per subcommand: its arguments and its `run`.

mod bench;
pub(crate) mod classifier;
mod classify;
mod control;
mod demo;
mod doctor;
mod link;
mod mode;
#[cfg(feature = "speech")]
pub(crate) mod models;
mod openapi;
mod plan;
mod replay;
mod report;
mod serve;
mod text;
mod token;
mod top;
mod trace;
mod train;
#[cfg(feature = "speech")]
mod voice;

use crate::logging;
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
    /// See the loop work: virtual players on synthetic LTE links (or traces), half of them steered.
    Demo(demo::Arguments),
    /// Say what a viewer would and see what follows: network, QoE, sentiment, action.
    Text(text::Arguments),
    /// Read messages: sentiment, aspects of the delivery, commands, language; one JSON object a line.
    Classify(classify::Arguments),
    /// See or set what a running server does with its decisions: steer, observe, or stand aside.
    Mode(mode::Arguments),
    /// Watch a running server in the terminal: sessions, scores, stalls, decisions.
    Top(top::Arguments),
    /// See what is installed, missing or misconfigured, and how to fix it.
    Doctor(doctor::Arguments),
    /// What will be carried in the next hours and weeks, when it no longer fits, what it costs, and what if.
    Plan(Box<plan::Arguments>),
    /// Print the HTTP interface as an OpenAPI document.
    Openapi(openapi::Arguments),
    /// Make a token of the public listener, or of the control listener.
    Token(token::Arguments),
    /// Say what a server has seen: what an experiment shows, how much traffic an answer needs, what would have changed.
    #[command(subcommand)]
    Report(report::Report),
    /// Turn an input log back into its decisions.
    Replay(replay::Arguments),
    /// Measure: most figures of docs/benchmarks.md come from here.
    #[command(subcommand)]
    Bench(bench::Benchmark),
    /// Train a model; the same data, settings and seed give the same weights.
    #[command(subcommand)]
    Train(train::Model),
    Link(Box<link::Arguments>),
    #[command(subcommand)]
    Trace(trace::Command),
    /// Turn speech into text: microphone, sound file or pipe.
    #[cfg(feature = "speech")]
    Voice(voice::Arguments),
    /// Fetch, list and check the weights that speech recognition needs.
    #[cfg(feature = "speech")]
    Models(models::Arguments),
}

/// Runs the chosen subcommand.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Text(arguments) => text::run(&arguments),
        Command::Classify(arguments) => classify::run(&arguments),
        Command::Mode(arguments) => mode::run(arguments),
        Command::Top(arguments) => top::run(arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Plan(arguments) => plan::run(*arguments),
        Command::Openapi(arguments) => Ok(openapi::run(&arguments)),
        Command::Token(arguments) => token::run(arguments),
        Command::Report(report) => report::run(report),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Bench(benchmark) => {
            logging::of_tool();
            bench::run(benchmark)
        }
        Command::Train(model) => {
            logging::of_tool();
            train::run(&model)
        }
        Command::Link(arguments) => link::run(*arguments),
        Command::Trace(command) => trace::run(command),
        #[cfg(feature = "speech")]
        Command::Voice(arguments) => voice::run(arguments),
        #[cfg(feature = "speech")]
        Command::Models(arguments) => models::run(&arguments),
    }
}

/// Prints an error and its causes on one line.
#[expect(clippy::print_stderr, reason = "the one place where the binary reports failure to a person")]
pub(crate) fn report(error: &anyhow::Error) {
    eprintln!("headroom: {error:#}");
}
