//! `headroom train risk`: what would correct the stall risk, learned from sessions on traces and synthetic links.

use crate::commands::bench::abr::source;
use anyhow::{Context, ensure};
use clap::Args;
use headroom_core::policy::{Dynamic, Headroom, Policy, Throughput};
use headroom_sim::{
    calibration::{RiskSample, fit},
    profile::Profile,
    trace::Trace,
    train::synthetic,
};
use std::{path::PathBuf, process::ExitCode};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces to play on, each brought to a mean of 16 Mbit/s.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    traces: Vec<PathBuf>,
    /// Synthetic links of 300 s to play on beside the traces.
    #[arg(long, value_name = "COUNT", default_value_t = 300)]
    synthetic: u64,
    /// Seed of the synthetic links.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Length of a synthetic link: one window of a profile, seconds.
const SYNTHETIC_S: usize = 300;
/// Mean to which traces are brought, kbit/s: the median level of the synthetic links.
const MEAN_KBPS: f64 = 16_000.0;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut links: Vec<Trace> = Vec::new();
    if !arguments.traces.is_empty() {
        for source in source::load(&arguments.traces, None)? {
            let scale = MEAN_KBPS / source.trace.mean_kbps().max(1.0);
            links.push(source.trace.scaled(scale).with_context(|| source.name)?);
        }
    }
    for number in 0..arguments.synthetic {
        links.push(synthetic::link(SYNTHETIC_S, arguments.seed.wrapping_add(number)).context("synthetic link")?);
    }
    ensure!(!links.is_empty(), "nothing to play on: give --traces or --synthetic");
    // Timid, bold and planning choices, at both buffers of live play: the risk must be honest for all.
    let policies: [&dyn Policy; 3] = [&Dynamic::default(), &Throughput::default(), &Headroom::default()];
    let mut samples: Vec<RiskSample> = Vec::new();
    for profile in [Profile::live(), Profile::low_latency()] {
        for window in links.iter().flat_map(|link| profile.windows(link)) {
            let Ok(video) = profile.video(window.duration_s()) else { continue };
            for policy in policies {
                profile.sample_risk(policy, &video, &window, &mut samples);
            }
        }
    }
    let (offset, slope) = fit(&samples);
    print(samples.len(), links.len(), offset, slope);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn print(choices: usize, links: usize, offset: f64, slope: f64) {
    println!(
        "{choices} choices on {links} links: offset {offset:.3}, slope {slope:.3} in log odds (0 and 1: nothing to correct)"
    );
}
