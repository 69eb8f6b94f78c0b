//! `headroom report`: what a server has seen, in sentences.

mod archive;
mod experiment;
mod observe;
mod power;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Report {
    /// What an experiment has shown so far: every metric of every arm against the control, with intervals.
    Experiment(experiment::Arguments),
    /// How much of your traffic an experiment needs, from the sessions in the archive.
    Power(power::Arguments),
    /// What would have changed: decisions that nobody was told, beside what players did by themselves.
    Observe(observe::Arguments),
}

pub(crate) fn run(report: Report) -> anyhow::Result<ExitCode> {
    match report {
        Report::Experiment(arguments) => experiment::run(&arguments),
        Report::Power(arguments) => power::run(&arguments),
        Report::Observe(arguments) => observe::run(arguments),
    }
}
