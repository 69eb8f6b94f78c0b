//! Boundaries that a sum of independent noise crosses at any time with at most a given probability.

use super::normal;

/// The normal mixture (Robbins 1970; Howard and others 2021, proposition 5 and equation 14): narrowest at the variance that it
/// is tuned for, valid at every other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    rho: f64,
}

impl Mixture {
    /// Nearly narrowest at `variance` for two-sided boundaries of probability `alpha`.
    #[must_use]
    pub fn two_sided(variance: f64, alpha: f64) -> Self {
        let log = 2.0 * (1.0 / alpha).ln();
        Self { rho: variance / (log + (1.0 + log).ln()) }
    }

    /// Nearly narrowest at `variance` for one-sided boundaries of probability `alpha`.
    #[must_use]
    pub fn one_sided(variance: f64, alpha: f64) -> Self {
        Self::two_sided(variance, 2.0 * alpha)
    }

    /// Distance from zero that a sum of this variance is ever beyond, on either side, with probability `alpha` at most.
    #[must_use]
    pub fn two_sided_bound(&self, variance: f64, alpha: f64) -> f64 {
        let total = variance + self.rho;
        (total * (2.0 * (1.0 / alpha).ln() + (total / self.rho).ln())).sqrt()
    }

    /// Height that a sum of this variance is ever above with probability `alpha` at most.
    #[must_use]
    pub fn one_sided_bound(&self, variance: f64, alpha: f64) -> f64 {
        let target = (1.0 / alpha).ln();
        // The evidence grows with the sum, and the two-sided boundary of twice the probability is above the solution.
        let (mut low, mut high) = (0.0, self.two_sided_bound(variance, alpha) + 1.0);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.log_evidence(middle, variance) < target { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }

    /// Logarithm of the evidence (e-value) that a sum of this variance has a mean above zero.
    #[must_use]
    pub fn log_evidence(&self, sum: f64, variance: f64) -> f64 {
        let total = variance + self.rho;
        0.5 * (4.0 * self.rho / total).ln()
            + sum * sum / (2.0 * total)
            + normal::probability_below(sum / total.sqrt()).ln()
    }

    /// Logarithm of the evidence (e-value) that a sum of this variance has a mean other than zero.
    #[must_use]
    pub fn two_sided_log_evidence(&self, sum: f64, variance: f64) -> f64 {
        let total = variance + self.rho;
        0.5 * (self.rho / total).ln() + sum * sum / (2.0 * total)
    }
}
