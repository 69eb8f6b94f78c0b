//! Probability that a session stalls while it holds a rung for the next seconds.

use crate::{forecast::LEVELS, ladder::RungIndex, policy::View, time::Duration, units::Ratio};

/// P(stall) when the next `count` segments are fetched at `rung`, read off the forecast's quantiles.
///
/// The buffer empties when `count` transfers outlast the buffer plus the media they add but the last:
/// so there is one throughput below which the session stalls, and its level in the forecast is the risk.
/// Zero when nothing is forecast: unknown is no alarm.
#[must_use]
pub fn stall_risk(view: &View<'_>, rung: RungIndex, count: usize) -> Ratio {
    if view.forecast.is_unknown() {
        return Ratio::ZERO;
    }
    let count = view.segments_left(count).max(1);
    let segment = view.segment_duration.as_secs_f64();
    let bits: f64 = (0..count).map(|ahead| view.segment_bits(ahead, rung)).sum();
    let time_allowed = view.buffer_length.as_secs_f64() + (count - 1) as f64 * segment;
    // With one segment ahead only the first transfer matters; holding on, the whole run does.
    let first_kbps = view.segment_bits(0, rung) / 1_000.0 / view.buffer_length.as_secs_f64().max(0.05);
    let needed_kbps = first_kbps.max(bits / 1_000.0 / time_allowed.max(0.05));
    let horizon = Duration::from_secs_f64(count as f64 * segment);
    level_of(view.forecast.scenarios(horizon), needed_kbps as f32)
}

/// The level of `kbps` in a distribution given by its quantiles: log-linear between them, geometric tails beyond.
fn level_of(quantiles: &[f32; 5], kbps: f32) -> Ratio {
    let position = quantiles.partition_point(|&quantile| quantile < kbps);
    let level = match position {
        // Below the lowest quantile the level falls with the square of the rate, above the highest it rises alike.
        0 => LEVELS[0] * (kbps / quantiles[0]).powi(2),
        5 => 1.0 - (1.0 - LEVELS[4]) * (quantiles[4] / kbps).powi(2),
        _ => {
            let (below, above) = (quantiles[position - 1], quantiles[position]);
            let share = if above > below { (kbps / below).ln() / (above / below).ln() } else { 1.0 };
            LEVELS[position - 1] + share * (LEVELS[position] - LEVELS[position - 1])
        }
    };
    Ratio::clamped(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_rise_with_the_rate() {
        let quantiles = [1_000.0, 2_000.0, 3_000.0, 4_500.0, 9_000.0];
        for (kbps, expected) in [(1_000.0, 0.1), (3_000.0, 0.5), (9_000.0, 0.9)] {
            assert!((level_of(&quantiles, kbps).get() - expected).abs() < 1e-5, "{kbps}");
        }
        let levels: Vec<f32> = (1..200).map(|step| level_of(&quantiles, step as f32 * 100.0).get()).collect();
        assert!(levels.is_sorted(), "{levels:?}");
        assert!(levels[0] < 0.01 && levels[198] > 0.97);
    }
}
