//! How much traffic an answer needs, and what the traffic there is can find.

use super::{comparison::Sequence, normal};

/// Units that each of two equal arms needs to find `effect` with probability `power` in one test of level `alpha`, where one unit
/// alone has standard deviation `deviation` (the standard error of an arm's ratio times the root of its units).
#[must_use]
pub fn units_for_one_look(effect: f64, deviation: f64, alpha: f64, power: f64) -> f64 {
    let reach = normal::quantile(1.0 - 0.5 * alpha) + normal::quantile(power);
    2.0 * (reach * deviation / effect).powi(2)
}

/// Units that each of two equal arms needs to find `effect` with probability `power` by the time that many were seen, looking all
/// the time: when the interval of a [`Sequence`] planned for just that is narrow enough.
#[must_use]
pub fn units(effect: f64, deviation: f64, alpha: f64, power: f64) -> f64 {
    let effect = effect.abs();
    // Of the standard error; the detectable effect grows with it, so bisection finds it.
    let (mut low, mut high) = (0.0, effect);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        let planned = Sequence::new(middle, alpha);
        if minimum_detectable(&planned, middle, power) < effect { low = middle } else { high = middle }
    }
    2.0 * (deviation / low).powi(2)
}

/// The smallest difference that is found with probability `power` at a standard error, looking all the time.
#[must_use]
pub fn minimum_detectable(sequence: &Sequence, standard_error: f64, power: f64) -> f64 {
    sequence.half_width(standard_error) + normal::quantile(power) * standard_error
}
