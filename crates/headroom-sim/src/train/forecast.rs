//! Training of the quantile forecast (`headroom-core/src/forecast/quantile.rs`).
//!
//! One example is what a session knows at one moment and what the link then carried over the next 2, 4 and 10 s. Half the
//! examples see the link second by second, as drive tests log it, half as a player does: transfers and pauses of any length.

use super::{Adam, Average, backward, gradient::through_rectified, initialise, shuffled};
use crate::trace::{AtEnd, Trace};
use headroom_core::{
    forecast::{Features, HORIZONS, History, LEVELS, QUANTILE_OUTPUTS as OUTPUTS, Quantile},
    network::{Network, rectified},
    statistics::median,
    time::Duration,
    units::Bitrate,
};
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;

/// What is known at one moment and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// See [`Features`].
    pub features: [f32; Features::COUNT],
    /// Mean throughput of each horizon, as logarithm relative to the reference level.
    pub targets: [f32; HORIZONS.len()],
}

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples in one step.
    pub batch: usize,
    /// First learning rate; it falls linearly to a fiftieth.
    pub rate: f32,
    /// See [`Adam::new`].
    pub decay: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { epochs: 8, batch: 256, rate: 0.004, decay: 1e-4 }
    }
}

/// Mean pinball loss of the steps of one epoch, in units of ln throughput.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which, from 1.
    pub number: usize,
    /// Mean over examples, horizons and levels.
    pub loss: f64,
}

/// Targets lie within this (a factor of 150) of the reference level; what lies beyond says no more.
const FARTHEST: f32 = 5.0;
/// Rates below this count as this: 10 kbit/s, as in the features.
const LOWEST_KBPS: f64 = 10.0;
/// Longest gradient of one step.
const LONGEST_GRADIENT: f32 = 1.0;
/// Share of the newest weights in the average kept.
const AVERAGE_SHARE: f32 = 0.005;

/// Examples from a trace read second by second.
#[must_use]
pub fn examples_by_second(trace: &Trace) -> Vec<Example> {
    let mut examples = Vec::new();
    for run in seconds(trace) {
        let mut history = History::default();
        for now in 0..run.len() {
            history.push(Bitrate::from_kbps_f64(run[now].max(1.0)), Duration::from_secs(1));
            let Some(future) = run.get(now + 1..now + 11) else {
                break;
            };
            let mean = |horizon: Duration| {
                let seconds = horizon.as_secs_f64() as usize;
                future[..seconds].iter().sum::<f64>() / seconds as f64
            };
            examples.extend(example(&history, mean));
        }
    }
    examples
}

/// Examples from a trace seen by a player that fetches one to four seconds of media and then pauses, or does not.
///
/// Sizes and pauses are drawn from `seed`.
#[must_use]
pub fn examples_by_transfer(trace: &Trace, seed: u64) -> Vec<Example> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut cursor = trace.cursor(AtEnd::Stop);
    let mut examples = Vec::new();
    let mut history = History::default();
    let (mut now_s, mut pause_s) = (0.0, 0.0);
    // The player holds a share of the link for a while, then another: rungs are steady.
    let (mut held_s, mut held_share) = (0.0, 0.5);
    loop {
        if random.random_bool(0.05) {
            held_s = *[1.0, 2.0, 2.0, 4.0].get(random.random_range(0..4)).unwrap_or(&2.0);
            held_share = random.random_range(0.1..1.2);
        }
        let level_kbps = match history.harmonic_mean(5) {
            Some(kbps) => kbps,
            None => cursor.throughput_kbps_at(now_s).max(LOWEST_KBPS),
        };
        let scatter: f64 = random.sample(StandardNormal);
        let media_s: f64 = if held_s > 0.0 { held_s } else { 2.0 };
        let bits = level_kbps * 1_000.0 * media_s * held_share * (0.2 * scatter).exp();
        let Some(arrived_s) = cursor.finish_of(now_s, bits) else {
            return examples;
        };
        let transfer_s = (arrived_s - now_s).max(0.01);
        history.push_after(
            Duration::from_secs_f64(pause_s),
            Bitrate::from_kbps_f64((bits / transfer_s / 1_000.0).max(1.0)),
            Duration::from_secs_f64(transfer_s),
        );
        now_s = arrived_s;
        if now_s + 10.0 > trace.duration_s() {
            return examples;
        }
        let before = cursor.bits_until(now_s);
        let mut future = trace.cursor(AtEnd::Stop);
        examples.extend(example(&history, |horizon| {
            let seconds = horizon.as_secs_f64();
            (future.bits_until(now_s + seconds) - before) / seconds / 1_000.0
        }));
        pause_s = if random.random_bool(0.5) { (media_s - transfer_s).max(0.0) } else { 0.0 };
        now_s += pause_s;
    }
}

fn example(history: &History, mut mean_kbps: impl FnMut(Duration) -> f64) -> Option<Example> {
    let features = Features::of(history)?;
    let target = |horizon| {
        let ln_kbps = mean_kbps(horizon).max(LOWEST_KBPS).ln() as f32;
        (ln_kbps - features.ln_reference).clamp(-FARTHEST, FARTHEST)
    };
    Some(Example { features: features.values, targets: HORIZONS.map(target) })
}

/// Seconds of a trace that follow each other without a gap.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Where in the trace it begins.
    pub start_s: usize,
    /// Mean rate of each second, kbit/s.
    pub kbps: Vec<f64>,
}

/// The trace second by second in kbit/s, cut where its recorder paused.
#[must_use]
pub fn seconds(trace: &Trace) -> Vec<Vec<f64>> {
    runs(trace).into_iter().map(|run| run.kbps).collect()
}

/// The trace second by second, cut where its recorder paused.
///
/// A pause is a step of more than 3 s in a trace whose steps are mostly shorter than 1.5 s; of it the first second counts.
#[must_use]
pub fn runs(trace: &Trace) -> Vec<Run> {
    const LONGEST_STEP_S: f64 = 3.0;
    let mut steps: Vec<f64> = (0..trace.samples().len())
        .filter_map(|index| trace.bounds_of(index))
        .map(|(start_s, end_s)| end_s - start_s)
        .collect();
    let Some(usual_s) = median(&mut steps, f64::total_cmp) else { return Vec::new() };
    let mut cursor = trace.cursor(AtEnd::Stop);
    let mut runs = Vec::new();
    let (mut run, mut before) = (Run { start_s: 0, kbps: Vec::new() }, 0.0);
    for second in 0..trace.duration_s() as usize {
        let (start_s, end_s) = (second as f64, second as f64 + 1.0);
        let bits = cursor.bits_until(end_s);
        let index = trace.samples().partition_point(|sample| sample.t_s <= start_s).saturating_sub(1);
        let paused = trace
            .bounds_of(index)
            .is_some_and(|(from_s, to_s)| usual_s < 1.5 && to_s - from_s > LONGEST_STEP_S && start_s >= from_s + 1.0);
        if !paused {
            run.kbps.push((bits - before) / 1_000.0);
        } else {
            let next = Run { start_s: second + 1, kbps: Vec::new() };
            let ended = std::mem::replace(&mut run, next);
            if !ended.kbps.is_empty() {
                runs.push(ended);
            }
        }
        before = bits;
    }
    runs.push(run);
    runs
}

/// Draws a factor that brings a link of mean `mean_kbps` to between 3 and 100 Mbit/s, evenly on a logarithmic scale: what
/// a live ladder is for.
#[must_use]
pub fn draw_scale(mean_kbps: f64, seed: u64) -> f64 {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let ln_kbps: f64 = random.random_range(3e3_f64.ln()..1e5_f64.ln());
    ln_kbps.exp() / mean_kbps.max(1.0)
}

/// Trains a network from `seed` on; `watch` sees every epoch.
pub fn fit(examples: &[Example], settings: Settings, seed: u64, mut watch: impl FnMut(Epoch)) -> Quantile {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut network = Quantile::zero();
    initialise(&mut network.first, Features::COUNT, &mut random);
    initialise(&mut network.second, headroom_core::forecast::QUANTILE_WIDTH, &mut random);
    let mut adam = Adam::new(&network, settings.decay);
    let mut average = Average::new(AVERAGE_SHARE);
    let steps = settings.epochs * examples.len().div_ceil(settings.batch);
    let mut step = 0;
    for number in 1..=settings.epochs {
        let mut loss = 0.0;
        for batch in shuffled(examples.len(), &mut random).chunks(settings.batch) {
            let mut gradient = Quantile::zero();
            for &index in batch {
                loss += f64::from(learn(&network, &examples[index], 1.0 / batch.len() as f32, &mut gradient));
            }
            let rate = settings.rate * (1.0 - step as f32 / steps as f32).max(0.02);
            adam.step(&mut network, &gradient, rate, LONGEST_GRADIENT);
            average.observe(&network);
            step += 1;
        }
        watch(Epoch { number, loss: loss / examples.len() as f64 });
    }
    average.network().clone()
}

/// Adds the gradient of the pinball loss of one example, and returns its mean loss.
fn learn(network: &Quantile, example: &Example, weight: f32, gradient: &mut Quantile) -> f32 {
    let first = rectified(network.first.apply(&example.features));
    let second = rectified(network.second.apply(&first));
    let outputs = network.last.apply(&second);
    let mut slopes = [0.0; OUTPUTS];
    let mut loss = 0.0;
    for (index, slope) in slopes.iter_mut().enumerate() {
        let (target, level) = (example.targets[index / LEVELS.len()], LEVELS[index % LEVELS.len()]);
        let error = target - outputs[index];
        let by_output = if error > 0.0 { -level } else { 1.0 - level };
        loss -= by_output * error / OUTPUTS as f32;
        *slope = by_output * weight;
    }
    let by_second = backward(&network.last, &second, &slopes, &mut gradient.last);
    let by_first = backward(&network.second, &first, &through_rectified(by_second, &second), &mut gradient.second);
    backward(&network.first, &example.features, &through_rectified(by_first, &first), &mut gradient.first);
    loss
}
