//! `headroom trace synth`: seeded synthetic traces.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use headroom_sim::trace::synth::{Preset, generate};

use super::output::{print, tell};
use super::reading;
use super::target::Target;

/// Make synthetic 5G traces, labelled as such. The same preset, seed, duration and step give the same file.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Kind of session: driving, static, walking (mmWave), midband, lte.
    #[arg(long, default_value_t = Preset::Driving)]
    preset: Preset,
    /// Seed: the same seed makes the same trace.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Length, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    duration: f64,
    /// Time between samples, seconds; the presets were fitted at 1.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    step: f64,
    /// Sessions, with the seeds that follow. More than one needs a directory.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    count: u64,
    /// What to write.
    #[arg(long, value_enum, default_value_t)]
    to: Target,
    /// Write here; standard output if absent. For several sessions, a directory.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Generates and writes.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { preset, duration, step, .. } = *arguments;
    let several = arguments.count > 1;
    if several {
        let directory = arguments.output.as_ref().context("several sessions need a directory: --output DIR")?;
        std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    }
    for index in 0..arguments.count {
        let seed = arguments.seed.wrapping_add(index);
        let trace = generate(preset, seed, duration, step)?;
        let note = format!("synthetic, not measured: preset {preset}, seed {seed}, {duration} s in steps of {step} s");
        let text = arguments.to.emit(&trace, &note)?;
        let Some(output) = &arguments.output else {
            print(&text)?;
            continue;
        };
        let path = if several {
            output.join(format!("synthetic-{preset}-{seed}.{}", arguments.to.ending()))
        } else {
            output.clone()
        };
        reading::write(&path, text.as_bytes())?;
        if !several {
            tell(&format!("{note} -> {}", path.display()));
        }
    }
    if several && let Some(output) = &arguments.output {
        tell(&format!("{} synthetic sessions of preset {preset} -> {}", arguments.count, output.display()));
    }
    Ok(ExitCode::SUCCESS)
}
