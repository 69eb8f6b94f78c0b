//! `headroom report`: what a server has seen, in sentences.

mod archive;
mod experiment;
mod power;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Report {
    /// What an experiment has shown so far: every metric of every arm against the control, with intervals.
    Experiment(experiment::Arguments),
    /// How much of your traffic an experiment needs, from the sessions in the archive.
    Power(power::Arguments),
}

pub(crate) fn run(report: Report) -> anyhow::Result<ExitCode> {
    match report {
        Report::Experiment(arguments) => experiment::run(&arguments),
        Report::Power(arguments) => power::run(&arguments),
    }
}
