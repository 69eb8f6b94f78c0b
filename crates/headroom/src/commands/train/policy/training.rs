//! The command line of `headroom train policy`, and the training it asks for.

use crate::commands::bench::abr::source;
use crate::commands::train::curve::Curve;
use anyhow::Context;
use clap::{Args, ValueEnum};
use headroom_core::policy::learned::Scorer;
use headroom_sim::{
    trace::Trace,
    train::{
        policy::{Learner, Lesson, Settings, Stage, play},
        synthetic,
    },
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{ops::Range, path::PathBuf};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Files and folders of traces to play on beside the synthetic links, each brought to a mean of 16 Mbit/s. For weights
    /// that are passed on: only traces whose licence allows it.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub(super) traces: Vec<PathBuf>,
    /// Traces to play on as they are, in place of scaled ones.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub(super) unscaled: Vec<PathBuf>,
    /// Train once for each day of these traces, on the other days' beside the links above, play the `live` profile on the day left
    /// out, and print the table of all days; no weights are kept. A day is the date in a file's name.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub(super) leave_one_out: Vec<PathBuf>,
    /// Synthetic links of 600 s to play on.
    #[arg(long, value_name = "COUNT", default_value_t = 3000)]
    pub(super) synthetic: u64,
    /// Which player the weights are for.
    #[arg(long, value_enum, default_value = "live")]
    pub(super) stage: StageName,
    /// Rounds of playing and learning.
    #[arg(long, default_value_t = Settings::default().rounds)]
    pub(super) rounds: usize,
    /// Sessions in a round.
    #[arg(long, default_value_t = Settings::default().sessions)]
    pub(super) sessions: usize,
    /// Seed of everything that is drawn, below 2²³.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..1 << 23))]
    pub(super) seed: u64,
    /// Threads that play; the result does not depend on it.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: u16,
    /// Where the weights go; when absent the place of those of the stage, in models/policy.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Draw the learning curve here (SVG).
    #[arg(long, value_name = "FILE")]
    pub(super) curve: Option<PathBuf>,
}

/// Which player weights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StageName {
    /// Pensieve's environment, buffers of 2.5 to 5 segments.
    Live,
    /// The live edge, buffers of 2.5 to 4 s.
    Lowlatency,
}

/// Length of a synthetic link in seconds, and how far apart the links of neighbouring seeds are.
const SYNTHETIC_S: usize = 600;
const SYNTHETIC_SEEDS: u64 = 100_000;
/// Mean to which traces are brought, kbit/s: the median level of the synthetic links.
const MEAN_KBPS: f64 = 16_000.0;
/// Sessions of one seed: more than rounds × sessions ever are.
const SESSION_BITS: u32 = 40;

/// Plays and learns; the weights kept and the curve.
pub(super) fn train(arguments: &Arguments, links: &[Trace]) -> anyhow::Result<(Scorer, Curve)> {
    let stage = match arguments.stage {
        StageName::Live => Stage::Live,
        StageName::Lowlatency => Stage::LowLatency,
    };
    let settings = Settings { rounds: arguments.rounds, sessions: arguments.sessions, ..Settings::of(stage) };
    let mut learner = Learner::new(settings, arguments.seed);
    let bar = ProgressBar::new(settings.rounds as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rounds, {eta} left  {msg}").context("bar")?);
    let mut curve = Curve::default();
    for round in 0..settings.rounds {
        let first = (arguments.seed << SESSION_BITS) + (round * settings.sessions) as u64;
        let sessions = first..first + settings.sessions as u64;
        let lessons = play_all(learner.scorer(), links, &settings, sessions, usize::from(arguments.threads))?;
        let shortfall = learner.learn(lessons);
        curve.push(shortfall);
        bar.set_message(format!("shortfall {shortfall:.3}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((learner.average().clone(), curve))
}

/// The links to play on.
pub(super) fn links(arguments: &Arguments) -> anyhow::Result<Vec<Trace>> {
    let first = arguments.seed * SYNTHETIC_SEEDS;
    let mut links = (first..first + arguments.synthetic)
        .map(|seed| synthetic::link(SYNTHETIC_S, seed))
        .collect::<Result<Vec<Trace>, _>>()
        .context("synthetic link")?;
    if !arguments.traces.is_empty() {
        for source in source::load(&arguments.traces, None)? {
            let scale = MEAN_KBPS / source.trace.mean_kbps().max(1.0);
            links.push(source.trace.scaled(scale).with_context(|| source.name)?);
        }
    }
    if !arguments.unscaled.is_empty() {
        links.extend(source::load(&arguments.unscaled, None)?.into_iter().map(|source| source.trace));
    }
    Ok(links)
}

/// Plays the sessions on several threads; lessons stand in the order of the sessions, whatever thread made them.
fn play_all(
    scorer: &Scorer,
    links: &[Trace],
    settings: &Settings,
    sessions: Range<u64>,
    threads: usize,
) -> anyhow::Result<Vec<Lesson>> {
    let seeds: Vec<u64> = sessions.collect();
    let share = seeds.len().div_ceil(threads).max(1);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let part = |seeds: &[u64]| -> Vec<Lesson> {
            seeds.iter().flat_map(|&seed| play(scorer, links, settings, seed)).collect()
        };
        let workers: Vec<_> = seeds.chunks(share).map(|seeds| scope.spawn(move || part(seeds))).collect();
        workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    let mut lessons = Vec::new();
    for part in parts {
        lessons.extend(part.map_err(|_| anyhow::anyhow!("a session panicked"))?);
    }
    Ok(lessons)
}
