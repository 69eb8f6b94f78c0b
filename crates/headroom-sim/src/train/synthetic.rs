//! Synthetic links for training: many kinds, drawn at random, so that what is learned does not hang on one network.
//!
//! Each trace draws its own kind: a level that changes at random moments (cells, load), fluctuation around it (first-order
//! autoregression in the logarithm), a ceiling (subscription, cell), coverage holes, and outages. The ranges are set so that
//! the traces spread around what drive tests on 5G show: standard deviation of the logarithm 1.9 to 2.8 and autocorrelation
//! 0.4 to 0.7 after one second and 0.1 to 0.5 after five (UCC 5G downloads, Raca et al., MMSys 2020; Lumos5G, Narayanan et
//! al., IMC 2020, has 1.2 to 2.6, 0.6 to 0.8 and 0 to 0.5). Outages of one to a few seconds come from hand-over and blocked
//! beams at random moments, and periodically: satellite links are planned anew every 15 s, and drive tests restart their
//! download every 10 to 15 s. Periods are drawn around 14 s, nine in ten from 10 to 20.
//!
//! This is training material, coarser than `headroom trace synth`, which also draws the radio values.

use crate::trace::{BuildError, Sample, Trace};
use rand::{RngExt, SeedableRng};
use rand_distr::{Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Rates below this are outages, kbit/s.
const SILENCE_KBPS: f64 = 20.0;
/// No sample is faster, kbit/s.
const FASTEST_KBPS: f64 = 400_000.0;
/// Shortest time between outages, seconds.
const SHORTEST_PAUSE_S: f64 = 2.0;

/// How outages come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outages {
    None,
    /// At random moments, this many seconds apart on average.
    Random(f64),
    /// Every so many seconds, with this standard deviation.
    Periodic {
        period_s: f64,
        jitter_s: f64,
    },
}

/// The parameters of one link.
#[derive(Clone, Copy, Debug, PartialEq)]
struct LinkModel {
    /// Median level, as the logarithm of kbit/s, and how far levels spread around it.
    ln_kbps: f64,
    level_spread: f64,
    /// How long a level lasts on average.
    level_dwell_s: f64,
    /// Fluctuation around the level that remembers, for so long, and that does not.
    slow_spread: f64,
    slow_memory_s: f64,
    fast_spread: f64,
    /// No rate is above this, as the logarithm of kbit/s.
    ln_ceiling: f64,
    outages: Outages,
    /// Typical length of an outage.
    outage_s: f64,
    /// Share of outages that leave something of the rate.
    partial: f64,
    /// Share of outages after which the level is another.
    new_level: f64,
    /// Coverage holes: how often, how long, and how deep in units of the logarithm.
    hole_every_s: f64,
    hole_s: f64,
    hole_depth: f64,
}

impl LinkModel {
    fn draw(random: &mut Pcg64Mcg) -> Self {
        // A median of 16 Mbit/s; nine in ten from 3 to 80.
        let ln_kbps = 16_000_f64.ln() + normal(random);
        let period_s = 14.0 * (0.22 * normal(random)).exp();
        let mut unit = || random.random::<f64>();
        Self {
            ln_kbps,
            level_spread: 0.3 + 1.5 * unit(),
            level_dwell_s: 8.0 * 15_f64.powf(unit()),
            slow_spread: 0.03 + 0.4 * unit() * unit(),
            slow_memory_s: 1.0 + 8.0 * unit(),
            fast_spread: 0.02 + 0.3 * unit() * unit(),
            ln_ceiling: if unit() < 0.4 { ln_kbps + 0.2 + 0.8 * unit() } else { f64::INFINITY },
            outages: match (unit() * 7.0) as u8 {
                0 => Outages::None,
                1 => Outages::Random(15.0 + 100.0 * unit()),
                _ => Outages::Periodic { period_s, jitter_s: 0.8 * unit() * unit() },
            },
            outage_s: 0.6 + 2.4 * unit(),
            partial: 0.4 * unit(),
            new_level: 0.9 * unit(),
            hole_every_s: if unit() < 0.6 { 30.0 + 200.0 * unit() } else { f64::INFINITY },
            hole_s: 3.0 * 12_f64.powf(unit()),
            hole_depth: 1.0 + 4.0 * unit(),
        }
    }

    fn level(&self, random: &mut Pcg64Mcg) -> f64 {
        self.ln_kbps + self.level_spread * normal(random)
    }

    fn first_outage_s(&self, random: &mut Pcg64Mcg) -> f64 {
        match self.outages {
            Outages::None => f64::INFINITY,
            Outages::Random(mean_s) => waiting_time(mean_s, random),
            Outages::Periodic { period_s, .. } => random.random::<f64>() * period_s,
        }
    }

    /// From the end of an outage of `lasted_s` to the next.
    fn next_outage_s(&self, lasted_s: f64, random: &mut Pcg64Mcg) -> f64 {
        match self.outages {
            Outages::None => f64::INFINITY,
            Outages::Random(mean_s) => waiting_time(mean_s, random),
            Outages::Periodic { period_s, jitter_s } => {
                (period_s - lasted_s + jitter_s * normal(random)).max(SHORTEST_PAUSE_S)
            }
        }
    }
}

/// A link of `seconds` one-second samples.
///
/// # Errors
/// When `seconds` is 0 or more than a trace holds.
pub fn link(seconds: usize, seed: u64) -> Result<Trace, BuildError> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let model = LinkModel::draw(&mut random);
    let mut interruptions = Interruptions::new(&model, &mut random);
    let fade = (-1.0 / model.slow_memory_s).exp();
    let mut level = model.level(&mut random);
    let mut slow = 0.0;
    let mut samples = Vec::new();
    for second in 0..seconds {
        let t_s = second as f64;
        if random.random::<f64>() < 1.0 / model.level_dwell_s {
            level = model.level(&mut random);
        }
        slow = fade * slow + (1.0 - fade * fade).sqrt() * model.slow_spread * normal(&mut random);
        let (share, new_level) = interruptions.second(t_s, &model, &mut random);
        if new_level {
            level = model.level(&mut random);
        }
        let ln_kbps = (level + slow + model.fast_spread * normal(&mut random)).min(model.ln_ceiling);
        let kbps = ln_kbps.exp() * share;
        let throughput_kbps = if kbps < SILENCE_KBPS { 0.0 } else { kbps.min(FASTEST_KBPS) };
        samples.push(Sample { t_s, throughput_kbps, ..Sample::default() });
    }
    Trace::new(samples, seconds as f64)
}

/// Outages and holes of one link as they come.
struct Interruptions {
    next_outage_s: f64,
    outage_left_s: f64,
    outage_rest: f64,
    /// Share of the rate in the first second after an outage: transport starts slowly again.
    recovery: f64,
    hole_left_s: f64,
    hole_depth: f64,
}

impl Interruptions {
    fn new(model: &LinkModel, random: &mut Pcg64Mcg) -> Self {
        let next_outage_s = model.first_outage_s(random);
        Self { next_outage_s, outage_left_s: 0.0, outage_rest: 0.0, recovery: 1.0, hole_left_s: 0.0, hole_depth: 0.0 }
    }

    /// Share of the rate that the second from `t_s` on carries, and whether the level changes with it.
    fn second(&mut self, t_s: f64, model: &LinkModel, random: &mut Pcg64Mcg) -> (f64, bool) {
        let mut new_level = false;
        if t_s >= self.next_outage_s {
            let mut lasts_s = model.outage_s * random.random_range(0.4..1.6);
            if matches!(model.outages, Outages::Random(_)) {
                lasts_s *= random.random_range(0.5..2.0);
            }
            new_level = random.random::<f64>() < model.new_level;
            self.outage_left_s = lasts_s;
            self.outage_rest = if random.random::<f64>() < model.partial { random.random_range(0.0..0.3) } else { 0.0 };
            self.recovery = random.random_range(0.1..0.9);
            self.next_outage_s = t_s + lasts_s + model.next_outage_s(lasts_s, random);
        }
        if self.hole_left_s <= 0.0 && random.random::<f64>() < 1.0 / model.hole_every_s {
            self.hole_left_s = waiting_time(model.hole_s, random);
            self.hole_depth = model.hole_depth * random.random_range(0.5..1.5);
        }
        let mut share = 1.0;
        if self.outage_left_s > 0.0 {
            share -= self.outage_left_s.min(1.0) * (1.0 - self.outage_rest);
            self.outage_left_s -= 1.0;
        } else {
            share = std::mem::replace(&mut self.recovery, 1.0);
        }
        if self.hole_left_s > 0.0 {
            share *= (-self.hole_depth).exp();
            self.hole_left_s -= 1.0;
        }
        (share, new_level)
    }
}

fn normal(random: &mut Pcg64Mcg) -> f64 {
    random.sample(StandardNormal)
}

fn waiting_time(mean_s: f64, random: &mut Pcg64Mcg) -> f64 {
    let unit: f64 = random.sample(Exp1);
    mean_s * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_link_and_links_differ() {
        assert_eq!(link(300, 5), link(300, 5));
        assert_ne!(link(300, 5), link(300, 6));
        assert!(link(0, 5).is_err());
    }

    #[test]
    fn links_spread_over_the_rates_of_a_live_ladder_and_some_fall_silent() {
        let links: Vec<Trace> = (0..200).map(|seed| link(600, seed).unwrap()).collect();
        let share = |holds: &dyn Fn(&Trace) -> bool| links.iter().filter(|link| holds(link)).count();
        let (slow, fast) = (share(&|link| link.mean_kbps() < 8_000.0), share(&|link| link.mean_kbps() > 30_000.0));
        assert!(slow > 20 && fast > 20, "{slow} {fast}");
        let silent = |link: &Trace| link.samples().iter().any(|sample| sample.throughput_kbps == 0.0);
        assert!((100..195).contains(&share(&silent)), "{}", share(&silent));
    }
}
