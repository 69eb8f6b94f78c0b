//! One run of the benchmark: every contender over every window, on all cores.

use super::source::Source;
use anyhow::{Context, ensure};
use headroom_sim::{
    calibration::{RiskSample, Reliability},
    comparison::{Comparison, ContenderScores},
    contender::{Contender, Strategy},
    session::Step,
    profile::Profile,
    score::Score,
    trace::Trace,
    video::Video,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cores this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The windows of all traces, each with a video of its length.
pub(crate) struct AbrRun<'a> {
    profile: &'a Profile,
    /// Whether stall risks are sampled, too: twice the work.
    pub(super) sample_risk: bool,
    /// Each window with its video, and the trace it was cut from.
    pub(super) windows: Vec<Window>,
}

/// One stretch of a trace.
pub(super) struct Window {
    pub(super) source: usize,
    pub(super) name: String,
    pub(super) trace: Trace,
    pub(super) video: Video,
}

impl<'a> AbrRun<'a> {
    /// Cuts the traces into windows, at most `most` of each.
    pub(crate) fn cut(profile: &'a Profile, sources: &[Source], most: Option<u32>) -> anyhow::Result<Self> {
        let mut windows = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let cut = profile.windows(&source.trace);
            let keep = most.map_or(cut.len(), |most| most as usize);
            for (number, trace) in cut.into_iter().take(keep).enumerate() {
                let video = profile.video(trace.duration_s());
                // A stretch shorter than a segment or two holds no session.
                let Some(video) = video.ok().filter(|video| video.segments() > 1) else {
                    tracing::warn!("{}: too short for a session, skipped", source.name);
                    continue;
                };
                windows.push(Window { source: index, name: format!("{} #{number}", source.name), trace, video });
            }
        }
        ensure!(!windows.is_empty(), "no window of the traces carries a session");
        Ok(Self { profile, sample_risk: false, windows })
    }

    /// Plays all; the reference stands first among the contenders, the oracle last. Results stand in the order of windows and contenders, whatever thread made them.
    pub(crate) fn play(&self, contenders: &[Contender], threads: usize) -> anyhow::Result<Comparison> {
        let jobs = self.windows.len() * contenders.len();
        let bar = ProgressBar::new(jobs as u64).with_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len} sessions, {eta} left").context("progress bar")?,
        );
        let next = AtomicUsize::new(0);
        let worker = || {
            let mut done = Vec::new();
            let mut steps: Vec<Step> = Vec::new();
            loop {
                let job = next.fetch_add(1, Ordering::Relaxed);
                let Some(window) = self.windows.get(job / contenders.len()) else {
                    return done;
                };
                let contender = &contenders[job % contenders.len()];
                let score = self.profile.play(contender, &window.video, &window.trace, &mut steps);
                let mut samples = Vec::new();
                if let (Strategy::Policy(policy), true) = (contender.strategy(), self.sample_risk) {
                    self.profile.sample_risk(policy.as_ref(), &window.video, &window.trace, &mut samples);
                }
                done.push((job, score, samples));
                bar.inc(1);
            }
        };
        let mut results: Vec<Option<Score>> = vec![None; jobs];
        let mut risks: Vec<Vec<RiskSample>> = vec![Vec::new(); contenders.len()];
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
            for handle in workers {
                if let Ok(done) = handle.join() {
                    for (job, score, samples) in done {
                        results[job] = score;
                        risks[job % contenders.len()].extend(samples);
                    }
                }
            }
        });
        bar.finish_and_clear();
        let entry = |(position, contender): (usize, &Contender)| {
            let scores = (0..self.windows.len())
                .map(|window| {
                    results[window * contenders.len() + position]
                        .with_context(|| format!("{}: {} played nothing", self.windows[window].name, contender.name()))
                })
                .collect::<anyhow::Result<Vec<Score>>>()?;
            let client = contender.client().map(str::to_owned);
            let risk = Reliability::of(&risks[position]);
            Ok(ContenderScores { policy: contender.name().to_owned(), client, scores, risk })
        };
        let entries = contenders.iter().enumerate().map(entry).collect::<anyhow::Result<Vec<ContenderScores>>>()?;
        Ok(Comparison {
            profile: self.profile.name.to_owned(),
            trace_of_window: self.windows.iter().map(|window| window.source).collect(),
            reference: 0,
            oracle: entries.len() - 1,
            entries,
        })
    }
}
