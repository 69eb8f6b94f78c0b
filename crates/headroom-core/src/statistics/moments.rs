//! Means and co-moments of several quantities over independent units, one pass, mergeable.

use serde::{Deserialize, Serialize};

/// Of each unit three quantities: the numerator and the denominator of a ratio, and a covariate from before the treatment
/// (zero where there is none).
///
/// A unit is what was drawn: all sessions of a viewer are one. Updates and merges are those of Welford (1962) and Chan, Golub,
/// LeVeque (1983), so nothing cancels however long an experiment runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    units: f64,
    mean: [f64; 3],
    comoments: [[f64; 3]; 3],
}

const NUMERATOR: usize = 0;
const DENOMINATOR: usize = 1;
const COVARIATE: usize = 2;

impl Moments {
    /// Adds a unit. Values that are not finite count as nothing: a broken report must not void an experiment.
    pub fn add(&mut self, numerator: f64, denominator: f64, covariate: f64) {
        let values = [numerator, denominator, covariate];
        if values.iter().all(|value| value.is_finite()) {
            self.merge(&Self { units: 1.0, mean: values, comoments: [[0.0; 3]; 3] });
        }
    }

    /// Adds the units of `other`.
    pub fn merge(&mut self, other: &Self) {
        let units = self.units + other.units;
        if units <= 0.0 {
            return;
        }
        let apart: [f64; 3] = std::array::from_fn(|k| other.mean[k] - self.mean[k]);
        let weight = self.units * other.units / units;
        for i in 0..3 {
            for j in 0..3 {
                self.comoments[i][j] += other.comoments[i][j] + apart[i] * apart[j] * weight;
            }
        }
        for (mean, apart) in self.mean.iter_mut().zip(apart) {
            *mean += apart * other.units / units;
        }
        self.units = units;
    }

    /// Number of units.
    #[must_use]
    pub const fn units(&self) -> f64 {
        self.units
    }

    /// Mean denominator of a unit.
    #[must_use]
    pub const fn mean_denominator(&self) -> f64 {
        self.mean[DENOMINATOR]
    }

    /// Mean covariate of a unit.
    #[must_use]
    pub const fn mean_covariate(&self) -> f64 {
        self.mean[COVARIATE]
    }

    /// Sum of the numerators over the sum of the denominators; NaN without denominators.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.mean[NUMERATOR] / self.mean[DENOMINATOR]
    }

    /// Variance of [`Moments::ratio`] by the delta method; infinite of fewer than two units.
    #[must_use]
    pub fn ratio_variance(&self) -> f64 {
        self.adjusted_variance(0.0)
    }

    /// Variance of the ratio after `slope` times the covariate was taken off each unit's residual.
    pub(super) fn adjusted_variance(&self, slope: f64) -> f64 {
        if self.units < 2.0 || self.mean[DENOMINATOR] <= 0.0 {
            return f64::INFINITY;
        }
        // The residual of a unit is numerator − ratio × denominator; its mean is zero.
        let weights = [1.0, -self.ratio(), -slope];
        let mut squares = 0.0;
        for (row, one) in self.comoments.iter().zip(weights) {
            for (comoment, other) in row.iter().zip(weights) {
                squares += one * other * comoment;
            }
        }
        let variance = squares.max(0.0) / (self.units - 1.0);
        variance / (self.units * self.mean[DENOMINATOR] * self.mean[DENOMINATOR])
    }

    /// Co-moment of residual and covariate, and co-moment of the covariate with itself.
    pub(super) fn covariate_comoments(&self) -> (f64, f64) {
        let [by_numerator, by_denominator, by_itself] = self.comoments[COVARIATE];
        let residual = if self.mean[DENOMINATOR] > 0.0 { by_numerator - self.ratio() * by_denominator } else { 0.0 };
        (residual, by_itself)
    }
}
