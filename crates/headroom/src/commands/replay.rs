//! `headroom replay`: the decisions of an input log, once more.

use anyhow::{Context, bail};
use clap::Args;
use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    path::PathBuf,
    process::ExitCode,
};

/// Decisions go to standard output, one JSON object a line, byte for byte those of `serve --log-decisions`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Input log of `headroom serve --log-inputs`.
    log: PathBuf,
    /// Write the decisions here instead.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[expect(clippy::print_stderr, reason = "what the replay went through is for people; decisions go to standard output")]
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let log = File::open(&arguments.log).with_context(|| format!("cannot open {}", arguments.log.display()))?;
    let log = BufReader::new(log);
    let replayed = match &arguments.output {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
            headroom_server::replay(log, BufWriter::new(file))
        }
        None => headroom_server::replay(log, BufWriter::new(io::stdout().lock())),
    };
    let replayed = replayed.with_context(|| format!("cannot replay {}", arguments.log.display()))?;
    eprintln!("{} inputs, {} outputs", replayed.inputs, replayed.outputs);
    if replayed.lost > 0 {
        bail!("the log lost {} inputs when it was written: decisions after the gap may differ", replayed.lost);
    }
    Ok(ExitCode::SUCCESS)
}
