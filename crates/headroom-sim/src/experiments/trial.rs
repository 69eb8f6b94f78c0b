//! One experiment on made-up viewers, looked at again and again.

use super::audience::Audience;
use headroom_core::{
    experiment::{BUCKETS, bucket},
    statistics::{Comparison, Moments, Sequence, power, sample_ratio_e_value},
};

/// How an experiment is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Viewers in all, both arms together.
    pub viewers: usize,
    /// Looks, evenly spread.
    pub looks: usize,
    /// Share of the stall time that the arm takes off: 0.1 is a tenth, 0 is an A/A experiment.
    pub effect: f64,
    /// The control's true ratio.
    pub stall_ratio: f64,
    /// Probability of an interval that ever misses.
    pub alpha: f64,
    /// Probability of a sample-ratio alarm where there is nothing.
    pub ratio_alpha: f64,
    /// Standard error of the difference at the planned size.
    pub planned_error: f64,
    /// Whether the first ten seconds are taken off as a covariate.
    pub is_adjusted: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Whether an interval at any look excluded zero.
    pub is_found: bool,
    /// Whether the interval at every look held the true difference.
    pub is_covered: bool,
    /// Whether the sample ratio alarmed at any look.
    pub is_ratio_alarm: bool,
    /// The difference at the end.
    pub comparison: Comparison,
}

/// Runs one experiment; its salt is made of the seed, so every experiment draws anew.
#[must_use]
pub fn trial(design: &Design, seed: u64) -> Trial {
    let mut audience = Audience::new(seed);
    let salt = format!("trial-{seed}");
    let sequence = Sequence::new(design.planned_error, design.alpha);
    let (mut arms, mut counts) = ([Moments::default(); 2], [0.0; 2]);
    let (mut is_found, mut is_covered, mut is_ratio_alarm) = (false, true, false);
    let compare = |arms: &[Moments; 2]| {
        if design.is_adjusted { Comparison::adjusted(&arms[0], &arms[1]) } else { Comparison::of(&arms[0], &arms[1]) }
    };
    let truth = -design.effect * design.stall_ratio;
    let batch = design.viewers.div_ceil(design.looks.max(1));
    for number in 0..design.viewers {
        let mut viewer = audience.viewer(1.0);
        let arm = usize::from(bucket(&salt, &viewer.id.to_string()) >= BUCKETS / 2);
        if arm == 1 {
            viewer.stalled_s *= 1.0 - design.effect;
        }
        arms[arm].add(viewer.stalled_s, viewer.watched_s, viewer.first_seconds);
        counts[arm] += 1.0;
        if (number + 1) % batch == 0 || number + 1 == design.viewers {
            let [low, high] = sequence.interval(&compare(&arms));
            is_found |= low > 0.0 || high < 0.0;
            is_covered &= low <= truth && truth <= high;
            is_ratio_alarm |= sample_ratio_e_value(&counts, &[0.5, 0.5]) >= (1.0 / design.ratio_alpha).ln();
        }
    }
    Trial { is_found, is_covered, is_ratio_alarm, comparison: compare(&arms) }
}

/// A seed of viewers that no experiment has.
const PILOT_SEED: u64 = 0x9e37_79b9;
/// The ratio is then known to about a percent.
const PILOT_VIEWERS: usize = 400_000;

/// What is known of the viewers before an experiment: the history that the power calculator reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pilot(Moments);

impl Pilot {
    /// From other viewers of the same kind.
    #[must_use]
    pub fn draw() -> Self {
        let mut audience = Audience::new(PILOT_SEED);
        let mut moments = Moments::default();
        for _ in 0..PILOT_VIEWERS {
            let viewer = audience.viewer(1.0);
            moments.add(viewer.stalled_s, viewer.watched_s, viewer.first_seconds);
        }
        Self(moments)
    }

    /// Seconds stalled for each second watched.
    #[must_use]
    pub fn stall_ratio(&self) -> f64 {
        self.0.ratio()
    }

    /// The design that the power calculator promises to find `effect` with this probability, with 20 looks.
    #[must_use]
    pub fn design(&self, effect: f64, alpha: f64, wanted: f64) -> Design {
        let deviation = (self.0.ratio_variance() * self.0.units()).sqrt();
        let units = power::units(effect * self.stall_ratio(), deviation, alpha, wanted);
        Design {
            viewers: (2.0 * units).ceil() as usize,
            looks: 20,
            effect,
            stall_ratio: self.stall_ratio(),
            alpha,
            ratio_alpha: 0.01,
            planned_error: (2.0 / units).sqrt() * deviation,
            is_adjusted: false,
        }
    }
}
