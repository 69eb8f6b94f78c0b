//! `headroom train policy`: the weights of the learned policy, from sessions played in the simulator.

mod leave_one_out;
mod training;

pub(crate) use training::Arguments;

use anyhow::{Context, ensure};
use headroom_core::network::Network;
use std::{path::Path, process::ExitCode};
use training::{StageName, links, train};

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let links = links(arguments)?;
    if !arguments.leave_one_out.is_empty() {
        ensure!(arguments.stage == StageName::Live, "--leave-one-out plays the live profile: --stage live");
        leave_one_out::run(arguments, &links)?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(!links.is_empty(), "nothing to play on: give --traces or --synthetic");
    let (scorer, curve) = train(arguments, &links)?;
    let shipped = match arguments.stage {
        StageName::Live => "models/policy/learned.bin",
        StageName::Lowlatency => "models/policy/short.bin",
    };
    let out = arguments.out.as_deref().unwrap_or(Path::new(shipped));
    std::fs::write(out, scorer.to_bytes()).with_context(|| format!("cannot write {}", out.display()))?;
    if let Some(path) = &arguments.curve {
        std::fs::write(path, curve.svg("round", "expected shortfall against the best rung tried (top rungs)"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
