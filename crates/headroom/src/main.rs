//! The `headroom` binary: composition root and command line.

mod chart;
mod commands;
mod demo;
#[cfg(test)]
mod documents;
#[cfg(feature = "speech")]
mod hearing;
mod link;
mod logging;
mod paired;
mod reading;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    end_quietly_with_the_reader();
    let arguments = commands::Arguments::parse();
    match commands::run(arguments) {
        Ok(code) => code,
        Err(error) => {
            commands::report(&error);
            ExitCode::from(2)
        }
    }
}

/// A reader of our output that has seen enough, such as `| head`, ends the program as it ends others: `println!` panics where
/// its pipe is closed, and that panic is no bug to report.
fn end_quietly_with_the_reader() {
    /// 128 and the number of SIGPIPE: what a shell shows for a program that such a pipe ended.
    const BROKEN_PIPE: i32 = 141;
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or_default();
        if words.starts_with("failed printing to stdout") && words.contains("Broken pipe") {
            std::process::exit(BROKEN_PIPE);
        }
        report(panic);
    }));
}
