//! Whether sessions reach the arms in the shares that were planned, looked at as often as one likes.

use super::normal::log_gamma;

/// Weight of the planned shares against what is counted: differences of some percent are found soonest. Own choice.
const CONCENTRATION: f64 = 100.0;

/// Logarithm of the evidence (e-value) that the counts do not follow `shares`, which add up to 1: a Dirichlet mixture around the
/// planned shares over the planned shares themselves. Ever above ln(1/α) with probability α at most when they do.
#[must_use]
pub fn sample_ratio_e_value(counts: &[f64], shares: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let arms = counts.iter().zip(shares).map(|(&count, &share)| {
        let prior = CONCENTRATION * share;
        let planned = if count > 0.0 { count * share.ln() } else { 0.0 };
        log_gamma(prior + count) - log_gamma(prior) - planned
    });
    log_gamma(CONCENTRATION) - log_gamma(CONCENTRATION + total) + arms.sum::<f64>()
}
