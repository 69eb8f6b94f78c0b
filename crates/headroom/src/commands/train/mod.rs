//! `headroom train`: reproducible training, one file per model.

mod curve;
mod forecast;
mod policy;

use clap::Subcommand;
use std::process::ExitCode;

/// What to train.
#[derive(Subcommand)]
pub(crate) enum Model {
    /// The quantile forecast of throughput.
    Forecast(forecast::Arguments),
    /// The learned adaptation policy.
    Policy(policy::Arguments),
}

/// Trains the chosen model.
pub(crate) fn run(model: &Model) -> anyhow::Result<ExitCode> {
    match model {
        Model::Forecast(arguments) => forecast::run(arguments),
        Model::Policy(arguments) => policy::run(arguments),
    }
}
