//! `headroom train`: reproducible training, one file per model.

mod curve;
mod forecast;
mod policy;
mod risk;
mod sentiment;

use clap::Subcommand;
use std::process::ExitCode;

/// What to train.
#[derive(Subcommand)]
pub(crate) enum Model {
    /// The quantile forecast of throughput.
    Forecast(forecast::Arguments),
    /// What would correct the stall risk: a logistic map of its log odds.
    Risk(risk::Arguments),
    /// The learned adaptation policy.
    Policy(policy::Arguments),
    /// The models that read messages (Python, PyTorch; restartable).
    Sentiment(sentiment::Arguments),
}

/// Trains the chosen model.
pub(crate) fn run(model: &Model) -> anyhow::Result<ExitCode> {
    match model {
        Model::Forecast(arguments) => forecast::run(arguments),
        Model::Risk(arguments) => risk::run(arguments),
        Model::Policy(arguments) => policy::run(arguments),
        Model::Sentiment(arguments) => sentiment::run(arguments),
    }
}
