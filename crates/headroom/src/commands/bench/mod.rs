//! `headroom bench`: one file per benchmark.

pub(crate) mod abr;
mod alerts;
mod crowd;
mod engine;
mod experiment;
mod fleet;
mod forecast;
mod ingest;
mod plan;
mod players;
mod process;
mod sentiment;
mod simulator;
#[cfg(feature = "speech")]
mod speech;

use clap::Subcommand;
use std::process::ExitCode;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Benchmark {
    /// The simulator: sessions and decisions for each second of one core.
    Simulator(simulator::Arguments),
    /// Adaptation policies against each other and an oracle, on a folder of traces.
    Abr(Box<abr::Arguments>),
    /// The alert rules: incidents told of, how early, and pages on quiet days.
    Alerts(alerts::Arguments),
    /// Many viewers behind one bottleneck: alone, guided, and guided by an engine that knows its capacity.
    Crowd(crowd::Arguments),
    /// The engine alone: updates, a tick over every session, memory.
    Engine(engine::Arguments),
    /// Statistics of experiments on viewers whose truth is known: false alarms, power, guardrails, bottlenecks.
    #[command(visible_alias = "experiments")]
    Experiment(experiment::Arguments),
    /// A fleet of virtual sessions over HTTP, with history, archive and dashboard on: is everybody served in time?
    Fleet(fleet::Arguments),
    /// Throughput forecasts against what links then carried.
    Forecast(forecast::Arguments),
    /// The server beside nginx: requests and batch records per processor second, latency of `/decide`.
    Ingest(ingest::Arguments),
    /// The forecast of capacity on held-out days, beside repeating last week.
    Plan(plan::Arguments),
    Players(Box<players::Arguments>),
    /// Reading messages, beside ONNX Runtime and PyTorch on the same messages; the queue under load.
    Sentiment(sentiment::Arguments),
    /// Speech recognition: word errors, cost, silence; beside faster-whisper on the same weights.
    #[cfg(feature = "speech")]
    Speech(speech::Arguments),
}

/// Runs the chosen benchmark.
pub(crate) fn run(benchmark: Benchmark) -> anyhow::Result<ExitCode> {
    match benchmark {
        Benchmark::Simulator(arguments) => simulator::run(&arguments),
        Benchmark::Abr(arguments) => abr::run(&arguments),
        Benchmark::Alerts(arguments) => alerts::run(&arguments),
        Benchmark::Crowd(arguments) => crowd::run(&arguments),
        Benchmark::Engine(arguments) => engine::run(&arguments),
        Benchmark::Experiment(arguments) => experiment::run(&arguments),
        Benchmark::Fleet(arguments) => fleet::run(&arguments),
        Benchmark::Forecast(arguments) => forecast::run(&arguments),
        Benchmark::Ingest(arguments) => ingest::run(&arguments),
        Benchmark::Plan(arguments) => plan::run(&arguments),
        Benchmark::Players(arguments) => players::run(&arguments),
        Benchmark::Sentiment(arguments) => sentiment::run(&arguments),
        #[cfg(feature = "speech")]
        Benchmark::Speech(arguments) => speech::run(&arguments),
    }
}
