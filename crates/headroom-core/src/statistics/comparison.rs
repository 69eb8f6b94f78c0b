//! Two arms held against each other.

use super::{mixture::Mixture, moments::Moments, normal};
use serde::Serialize;

/// The difference of a ratio metric between an arm and the control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The control's ratio.
    pub control: f64,
    /// The arm's ratio.
    pub treated: f64,
    /// Arm less control.
    pub difference: f64,
    /// Standard error of the difference.
    pub standard_error: f64,
    /// Units of the smaller arm.
    pub units: f64,
}

impl Comparison {
    /// Without the covariate.
    #[must_use]
    pub fn of(control: &Moments, treated: &Moments) -> Self {
        let variance = control.ratio_variance() + treated.ratio_variance();
        Self::new(control.ratio(), treated.ratio(), variance, control.units().min(treated.units()))
    }

    /// With what the covariate explains taken off both (CUPED). Valid where the treatment cannot have touched the covariate: use
    /// what was seen before the first decision could act.
    #[must_use]
    pub fn adjusted(control: &Moments, treated: &Moments) -> Self {
        let (one, other) = (control.covariate_comoments(), treated.covariate_comoments());
        let spread = one.1 + other.1;
        if spread <= 0.0 {
            return Self::of(control, treated);
        }
        let slope = (one.0 + other.0) / spread;
        let units = control.units() + treated.units();
        let mean = (control.units() * control.mean_covariate() + treated.units() * treated.mean_covariate()) / units;
        let ratio = |moments: &Moments| {
            moments.ratio() - slope * (moments.mean_covariate() - mean) / moments.mean_denominator()
        };
        let variance = control.adjusted_variance(slope) + treated.adjusted_variance(slope);
        Self::new(ratio(control), ratio(treated), variance, control.units().min(treated.units()))
    }

    fn new(control: f64, treated: f64, variance: f64, units: f64) -> Self {
        Self { control, treated, difference: treated - control, standard_error: variance.sqrt(), units }
    }

    /// Whether there is enough to say anything.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        self.difference.is_finite() && self.standard_error.is_finite() && self.standard_error > 0.0
    }

    /// Interval of the difference that holds when looked at once, with probability 1 − `alpha`.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> [f64; 2] {
        let half = normal::quantile(1.0 - 0.5 * alpha) * self.standard_error;
        [self.difference - half, self.difference + half]
    }

    /// Probability of a difference as large by chance, when looked at once.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        2.0 * normal::probability_below(-(self.difference / self.standard_error).abs())
    }
}

/// Units of the smaller arm below which a [`Sequence`] says nothing: ratios of heavy tails are not yet normal. Own choice, tried by
/// `headroom bench experiment`.
pub const LEAST_UNITS: f64 = 1_000.0;

/// How intervals are made that hold at every look, however often.
///
/// The unit of time is information, the reciprocal of the squared standard error. A sequence is narrowest at the information
/// that it was planned for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequence {
    mixture: Mixture,
    alpha: f64,
}

impl Sequence {
    /// Narrowest when the standard error is `planned`; misses at any time with probability `alpha` at most.
    #[must_use]
    pub fn new(planned: f64, alpha: f64) -> Self {
        Self { mixture: Mixture::two_sided(1.0 / (planned * planned), alpha), alpha }
    }

    /// Half the width of the interval at a standard error.
    #[must_use]
    pub fn half_width(&self, standard_error: f64) -> f64 {
        let information = 1.0 / (standard_error * standard_error);
        self.mixture.two_sided_bound(information, self.alpha) / information
    }

    /// Interval of the difference.
    #[must_use]
    pub fn interval(&self, comparison: &Comparison) -> [f64; 2] {
        if !comparison.is_defined() || comparison.units < LEAST_UNITS {
            return [f64::NEG_INFINITY, f64::INFINITY];
        }
        let half = self.half_width(comparison.standard_error);
        [comparison.difference - half, comparison.difference + half]
    }

    /// Bound of the probability that evidence as strong against "no difference" was ever seen by chance.
    #[must_use]
    pub fn p_value(&self, comparison: &Comparison) -> f64 {
        if !comparison.is_defined() || comparison.units < LEAST_UNITS {
            return 1.0;
        }
        let information = comparison.standard_error.powi(-2);
        (-self.mixture.two_sided_log_evidence(comparison.difference * information, information)).exp().min(1.0)
    }
}
