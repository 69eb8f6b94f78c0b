//! `headroom train sentiment`: the recipe of training/, from pinned packages to the files in models/.

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Arguments of `headroom train sentiment`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How much of the recipe.
    #[arg(value_enum, default_value_t = Part::Full)]
    part: Part,
    /// Where the models go [default: models of the checkout; of `large` and `reduced` a folder of their own in the cache,
    /// which is SENTIMENT_CACHE or `.setup/sentiment`].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of the recipe.
    #[arg(long, value_name = "DIR", default_value = "training")]
    recipe: PathBuf,
}

/// What of the recipe is run.
#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Both shipped models, from the packages: an hour of one core.
    Full,
    /// Both, on from the shipped files with the present text: a quarter of that.
    Renew,
    /// The same, but the English one is taught by the large model, which is made first: an hour and more.
    Taught,
    /// The optional large English model, for `--models` of the commands that read messages.
    Large,
    /// A few hundred messages through every step, to test the recipe; its model is thrown away.
    Reduced,
}

impl Part {
    /// The script's word for it.
    fn option(self) -> Option<&'static str> {
        match self {
            Self::Full => None,
            Self::Renew => Some("--renew"),
            Self::Taught => Some("--taught"),
            Self::Large => Some("--large"),
            Self::Reduced => Some("--reduced"),
        }
    }
}

impl Arguments {
    /// The script with its options.
    fn command(&self) -> Command {
        let mut command = Command::new(self.recipe.join("train.sh"));
        command.args(self.part.option());
        if let Some(out) = &self.out {
            command.arg("--out").arg(out);
        }
        command
    }
}

/// Runs `train.sh` and hands its exit on. Ctrl+C stops it at the last checkpoint; the next run goes on from there.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut command = arguments.command();
    let script = PathBuf::from(command.get_program());
    ensure!(script.is_file(), "no recipe at {}; run this in a checkout or name it with --recipe", script.display());
    let status = command.status().with_context(|| format!("cannot start {}", script.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn every_part_is_an_option_the_script_knows() {
        let script = include_str!("../../../../../training/train.sh");
        for part in Part::value_variants() {
            let name = part.to_possible_value().unwrap();
            let line = Line::try_parse_from(["", name.get_name(), "--out", "there", "--recipe", "r"]).unwrap();
            let command = line.arguments.command();
            let given: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
            let option = part.option();
            assert_eq!(given, option.into_iter().chain(["--out", "there"]).collect::<Vec<_>>());
            assert!(option.is_none_or(|option| script.contains(&format!("    {option}) "))), "{option:?}");
            assert_eq!(command.get_program(), "r/train.sh");
        }
        assert!(Line::try_parse_from([""]).unwrap().arguments.command().get_args().next().is_none());
        assert!(Line::try_parse_from(["", "large", "taught"]).is_err(), "one at a time");
    }
}
