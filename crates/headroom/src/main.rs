//! The `headroom` binary: composition root and command line.

mod chart;
mod commands;
mod demo;
#[cfg(feature = "speech")]
mod hearing;
mod link;
mod reading;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    match commands::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            commands::report(&error);
            ExitCode::from(2)
        }
    }
}
