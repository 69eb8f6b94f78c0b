//! `headroom train sentiment`: the recipe of training/, from pinned packages to the files in models/.

use anyhow::{Context, ensure};
use clap::Args;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Arguments of `headroom train sentiment`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A few hundred messages through every step, to test the recipe; its model is thrown away.
    #[arg(long)]
    reduced: bool,
    /// Go on from the shipped models with the present text instead of from the packages: a quarter of the time.
    #[arg(long, conflicts_with = "reduced")]
    renew: bool,
    /// Where the models go [default: models of the checkout].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of the recipe.
    #[arg(long, value_name = "DIR", default_value = "training")]
    recipe: PathBuf,
}

/// Runs `train.sh` and hands its exit on. Ctrl+C stops it at the last checkpoint; the next run goes on from there.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let script = arguments.recipe.join("train.sh");
    ensure!(script.is_file(), "no recipe at {}; run this in a checkout or name it with --recipe", script.display());
    let mut command = Command::new(&script);
    if arguments.reduced {
        command.arg("--reduced");
    }
    if arguments.renew {
        command.arg("--renew");
    }
    if let Some(out) = &arguments.out {
        command.arg("--out").arg(out);
    }
    let status = command.status().with_context(|| format!("cannot start {}", script.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
