//! `headroom trace`: read, make and draw network traces.

mod canvas;
mod import;
mod output;
mod picture;
pub(crate) mod reading;
mod show;
mod sparkline;
mod synth;
mod target;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use reading::Reading;

/// Network traces: data sets of others, seeded synthetic 5G, pictures and figures.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Turn trace files of known data sets into our CSV or into mahimahi's format.
    Import(import::Arguments),
    /// Make synthetic 5G traces, labelled as such.
    Synth(synth::Arguments),
    /// Draw traces and put their statistics side by side.
    Show(show::Arguments),
}

/// Runs the chosen subcommand.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import(arguments) => import::run(&arguments),
        Command::Synth(arguments) => synth::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
    }
}
