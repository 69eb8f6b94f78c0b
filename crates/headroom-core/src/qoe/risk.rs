//! Probability that a session stalls while it holds a rung for the next seconds.

use crate::{
    forecast::LEVELS,
    ladder::RungIndex,
    time::Duration,
    units::{Bitrate, Ratio},
    view::View,
};

/// Segments a decision is judged over: four 2 s segments span the longest forecast that is still worth something.
pub const RISK_SEGMENTS: usize = 3;

/// P(stall) when the next `count` segments are fetched at `rung`, read off the forecast's quantiles.
///
/// The buffer empties when `count` transfers outlast the buffer plus the media they add but the last:
/// so there is one throughput below which the session stalls, and its level in the forecast is the risk.
/// Zero when nothing is forecast: unknown is no alarm. It is not calibrated afterwards: `headroom train risk` finds nothing to
/// correct (offset 0.006, slope 1.024 in log odds).
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

/// The largest bit rate that `count` segments may have for [`stall_risk`] to stay within `risk`: that function inverted,
/// for segments of nominal size. No limit when nothing is forecast.
#[must_use]
pub fn carried_at(view: &View<'_>, risk: f32, count: usize) -> Bitrate {
    if view.forecast.is_unknown() {
        return Bitrate::MAX;
    }
    let segment = view.segment_duration.as_secs_f64();
    let (buffer, media) = (view.buffer_length.as_secs_f64(), count.max(1) as f64 * segment);
    // Throughput needed by a unit of bit rate: for the first transfer, and for the whole run.
    let needed = f64::max(segment / buffer.max(0.05), media / (buffer + media - segment).max(0.05));
    let kbps = kbps_at(view.forecast.scenarios(Duration::from_secs_f64(media)), risk);
    Bitrate::bps((f64::from(kbps) * 1_000.0 / needed) as u64)
}

/// The rate at `level` of a distribution given by its quantiles: [`level_of`] inverted.
fn kbps_at(quantiles: &[f32; 5], level: f32) -> f32 {
    match LEVELS.iter().position(|&known| level <= known) {
        Some(exact) if level >= LEVELS[exact] => quantiles[exact],
        Some(0) => quantiles[0] * (level / LEVELS[0]).max(0.0).sqrt(),
        Some(above) => {
            let share = (level - LEVELS[above - 1]) / (LEVELS[above] - LEVELS[above - 1]);
            quantiles[above - 1] * (quantiles[above] / quantiles[above - 1]).powf(share)
        }
        None => quantiles[4] * ((1.0 - LEVELS[4]) / (1.0 - level).max(0.0)).sqrt(),
    }
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
    use crate::{
        forecast::{Forecast, History},
        ladder::Ladder,
        time::Timestamp,
        view::{Guidance, Segments, Weights},
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_carried_is_what_risks_no_more(
            median in 200.0_f32..40_000.0,
            spread in 1.05_f32..3.0,
            buffer_ms in 0_u64..20_000,
            risk in 0.01_f32..0.99,
            count in 1_usize..6,
        ) {
            let quantiles: [f32; 5] = std::array::from_fn(|level| median * spread.powi(level as i32 - 2));
            let forecast = Forecast { quantiles_kbps: [quantiles; 3] };
            let ladder = Ladder::default();
            let view = View {
                now: Timestamp::EPOCH,
                ladder: &ladder,
                segment_duration: Duration::from_secs(2),
                segments: Segments::Nominal,
                buffer_length: Duration::from_millis(buffer_ms),
                buffer_capacity: Duration::from_secs(6),
                current: None,
                live_latency: None,
                history: &History::default(),
                forecast: &forecast,
                weights: Weights::default(),
                guidance: Guidance::default(),
            };
            let carried = carried_at(&view, risk, count).as_kbps();
            for rung in 0..=ladder.top() {
                let kbps = ladder.bitrate(rung).as_kbps();
                // At the border itself rounding decides.
                if (kbps / carried - 1.0).abs() > 1e-4 {
                    prop_assert_eq!(kbps < carried, stall_risk(&view, rung, count).get() <= risk, "{} of {}", kbps, carried);
                }
            }
        }
    }

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

    #[test]
    fn the_rate_at_a_level_has_that_level() {
        let quantiles = [1_000.0, 2_000.0, 3_000.0, 4_500.0, 9_000.0];
        for percent in 1..100 {
            let level = percent as f32 / 100.0;
            let kbps = kbps_at(&quantiles, level);
            assert!((level_of(&quantiles, kbps).get() - level).abs() < 1e-4, "{level} is at {kbps}");
        }
        assert_eq!((kbps_at(&quantiles, 0.0), kbps_at(&quantiles, 1.0)), (0.0, f32::INFINITY));
    }
}
