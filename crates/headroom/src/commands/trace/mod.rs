//! `headroom trace`: read, make and draw network traces.

mod canvas;
mod import;
mod picture;
pub(crate) mod reading;
mod show;
mod sparkline;
mod synth;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use headroom_sim::trace::Trace;
use headroom_sim::trace::format::{csv, mahimahi};

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

/// A format that traces are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Target {
    /// Our CSV, with every column the trace has.
    #[default]
    Csv,
    /// Mahimahi's delivery opportunities: downlink throughput only.
    Mahimahi,
}

impl Target {
    /// The text of a trace. `note` says where it comes from; mahimahi's format has no place for it.
    fn emit(self, trace: &Trace, note: &str) -> anyhow::Result<String> {
        Ok(match self {
            Self::Csv => csv::emit_with_note(trace, note),
            Self::Mahimahi => mahimahi::emit(trace)?,
        })
    }

    /// Usual ending of a file name.
    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Mahimahi => "mahi",
        }
    }
}

/// Prints text on standard output; a reader that has gone is no error.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells a person something that is not the result.
#[expect(clippy::print_stderr, reason = "progress of a command, apart from its result on standard output")]
fn tell(text: &str) {
    eprintln!("{text}");
}
