//! One run of the benchmark: every contender over every window, on all cores.

use super::source::Set;
use anyhow::{Context, ensure};
use headroom_sim::{
    calibration::{Reliability, RiskSample},
    comparison::{Comparison, ContenderScores},
    contender::{Contender, Strategy},
    profile::Profile,
    score::Score,
    session::Step,
    trace::Trace,
    video::Video,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cores this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The contenders, and the parts that some of them play.
pub(crate) struct Lineup {
    pub(crate) contenders: Vec<Contender>,
    /// Position of the reference of gains and gaps.
    pub(crate) reference: usize,
    /// Position of the client alone.
    pub(crate) alone: usize,
    /// Position of the oracle, where it takes part.
    pub(crate) oracle: Option<usize>,
    /// Where the policies run.
    pub(crate) mode: &'static str,
}

/// The windows of all traces, each with a video of its length.
pub(crate) struct AbrRun<'a> {
    profile: &'a Profile,
    /// Whether stall risks are sampled, too: twice the work.
    pub(super) sample_risk: bool,
    /// Names of the sets.
    sets: Vec<String>,
    pub(super) windows: Vec<Window>,
}

/// One stretch of a trace.
pub(super) struct Window {
    set: usize,
    source: usize,
    pub(super) name: String,
    pub(super) trace: Trace,
    pub(super) video: Video,
}

impl<'a> AbrRun<'a> {
    /// Cuts the traces of all sets into windows, at most `most` of each.
    pub(crate) fn cut(profile: &'a Profile, sets: &[Set], most: Option<u32>) -> anyhow::Result<Self> {
        let mut windows = Vec::new();
        for (set, sources) in sets.iter().enumerate() {
            for (index, source) in sources.sources.iter().enumerate() {
                let cut = profile.windows(&source.trace);
                let keep = most.map_or(cut.len(), |most| most as usize);
                for (number, trace) in cut.into_iter().take(keep).enumerate() {
                    let video = profile.video(trace.duration_s());
                    // A stretch shorter than a segment or two holds no session.
                    let Some(video) = video.ok().filter(|video| video.segments() > 1) else {
                        tracing::warn!("{}: too short for a session, skipped", source.name);
                        continue;
                    };
                    windows.push(Window {
                        set,
                        source: index,
                        name: format!("{} #{number}", source.name),
                        trace,
                        video,
                    });
                }
            }
        }
        ensure!(!windows.is_empty(), "no window of the traces carries a session");
        let sets = sets.iter().map(|set| set.name.clone()).collect();
        Ok(Self { profile, sample_risk: false, sets, windows })
    }

    /// Plays all; one comparison for each set that has a window. Results stand in the order of windows and contenders, whatever thread
    /// made them.
    pub(crate) fn play(&self, lineup: &Lineup, threads: usize) -> anyhow::Result<Vec<Comparison>> {
        let contenders = &lineup.contenders;
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
        let mut risks: Vec<Vec<RiskSample>> = vec![Vec::new(); self.sets.len() * contenders.len()];
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
            for handle in workers {
                if let Ok(done) = handle.join() {
                    for (job, score, samples) in done {
                        results[job] = score;
                        let set = self.windows[job / contenders.len()].set;
                        risks[set * contenders.len() + job % contenders.len()].extend(samples);
                    }
                }
            }
        });
        bar.finish_and_clear();
        let mut comparisons = Vec::new();
        for (set, name) in self.sets.iter().enumerate() {
            let risks = &risks[set * contenders.len()..][..contenders.len()];
            if self.windows.iter().any(|window| window.set == set) {
                comparisons.push(self.comparison(lineup, (set, name), &results, risks)?);
            }
        }
        Ok(comparisons)
    }

    fn comparison(
        &self,
        lineup: &Lineup,
        (set, name): (usize, &str),
        results: &[Option<Score>],
        risks: &[Vec<RiskSample>],
    ) -> anyhow::Result<Comparison> {
        let windows: Vec<usize> = (0..self.windows.len()).filter(|&window| self.windows[window].set == set).collect();
        let count = lineup.contenders.len();
        let scores_of = |(position, contender): (usize, &Contender)| {
            let score = |&window: &usize| {
                results[window * count + position]
                    .with_context(|| format!("{}: {} played nothing", self.windows[window].name, contender.name()))
            };
            Ok(ContenderScores {
                policy: contender.name().to_owned(),
                client: contender.client().map(str::to_owned),
                objective: contender.objective().map(str::to_owned),
                scores: windows.iter().map(score).collect::<anyhow::Result<Vec<Score>>>()?,
                risk: Reliability::of(&risks[position]),
            })
        };
        Ok(Comparison {
            profile: self.profile.name.to_owned(),
            set: name.to_owned(),
            mode: lineup.mode,
            trace_of_window: windows.iter().map(|&window| self.windows[window].source).collect(),
            contenders: lineup.contenders.iter().enumerate().map(scores_of).collect::<anyhow::Result<_>>()?,
            reference: lineup.reference,
            alone: lineup.alone,
            oracle: lineup.oracle,
        })
    }
}
