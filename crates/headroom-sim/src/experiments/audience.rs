//! Viewers of an experiment.

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal, Poisson};
use rand_pcg::Pcg64Mcg;

/// One viewer with all sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewer {
    /// Identifier, as random as a keyed hash.
    pub id: u64,
    /// Seconds stalled.
    pub stalled_s: f64,
    /// Seconds watched.
    pub watched_s: f64,
    /// What the first ten seconds of the first session say of the link: the logarithm of its trouble, with noise.
    pub first_seconds: f64,
}

/// Draws viewers, one after the other.
///
/// Shapes are own choices: most viewers have no stall, about 0.2 % of the time is stalled, and a few viewers have most of it.
#[derive(Clone, Debug)]
pub struct Audience {
    random: Pcg64Mcg,
    trouble: LogNormal<f64>,
    watched: LogNormal<f64>,
    stall: LogNormal<f64>,
    more_sessions: Poisson<f64>,
    noise: LogNormal<f64>,
}

/// Stalls for each second watched of a viewer whose trouble is 1.
const STALLS_PER_S: f64 = 1.0 / 4_000.0;

impl Audience {
    /// The audience of a seed.
    ///
    /// # Panics
    /// Never: the shapes are constants that are valid.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let shape = |median: f64, sigma| LogNormal::new(median.ln(), sigma).expect("invariant: sigma is finite");
        Self {
            random: Pcg64Mcg::seed_from_u64(seed),
            trouble: shape(0.5, 1.2),
            watched: shape(420.0, 1.1),
            stall: shape(4.0, 1.1),
            more_sessions: Poisson::new(0.8).expect("invariant: the mean is above zero"),
            noise: shape(1.0, 0.5),
        }
    }

    /// The next viewer, whose stalls are `factor` times as long.
    pub fn viewer(&mut self, factor: f64) -> Viewer {
        let trouble = self.trouble.sample(&mut self.random);
        let sessions = 1 + self.more_sessions.sample(&mut self.random) as usize;
        let (mut stalled_s, mut watched_s) = (0.0, 0.0);
        for _ in 0..sessions {
            let watched = self.watched.sample(&mut self.random).min(14_400.0);
            watched_s += watched;
            stalled_s += factor * self.stalled_s(trouble, watched);
        }
        let first_seconds = (trouble * self.noise.sample(&mut self.random)).ln();
        Viewer { id: self.random.random(), stalled_s, watched_s, first_seconds }
    }

    /// Trouble of a viewer's link.
    pub fn trouble(&mut self) -> f64 {
        self.trouble.sample(&mut self.random)
    }

    /// Seconds stalled in so many seconds of watching.
    pub fn stalled_s(&mut self, trouble: f64, watched_s: f64) -> f64 {
        let expected = trouble * watched_s * STALLS_PER_S;
        let Ok(stalls) = Poisson::new(expected) else { return 0.0 };
        let stalls = stalls.sample(&mut self.random) as usize;
        (0..stalls).map(|_| self.stall.sample(&mut self.random)).sum::<f64>().min(watched_s)
    }
}
