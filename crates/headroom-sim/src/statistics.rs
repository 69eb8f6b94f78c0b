//! Means and their uncertainty. Everything is paired: values at the same index belong to the same window.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Resamples of a bootstrap: the 2.5 % and 97.5 % points then rest on 50 values each (Efron, Tibshirani 1993, §13.3: ≥ 1000).
const RESAMPLES: usize = 2_000;

/// Arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value below which `share` of the values lie, interpolated; NaN of nothing.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// 95 % interval of `statistic` over resamples of `groups` groups, by the percentile bootstrap.
///
/// `statistic` gets the indices of the groups drawn, with repetition. A group is what was drawn independently: windows of
/// one trace belong together, so a trace is the group.
pub fn bootstrap(groups: usize, seed: u64, mut statistic: impl FnMut(&[usize]) -> f64) -> [f64; 2] {
    if groups == 0 {
        return [f64::NAN; 2];
    }
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut drawn = vec![0; groups];
    let results: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.iter_mut().for_each(|index| *index = random.random_range(0..groups));
            statistic(&drawn)
        })
        .collect();
    [quantile(&results, 0.025), quantile(&results, 0.975)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.5), 2.5);
        assert_eq!(quantile(&values, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn interval_of_a_mean_has_the_width_theory_gives() {
        // 400 values of a sawtooth with standard deviation s: the interval is about mean ± 1.96 s / 20.
        let values: Vec<f64> = (0..400).map(|index| f64::from(index % 20)).collect();
        let interval =
            bootstrap(values.len(), 7, |drawn| drawn.iter().map(|&index| values[index]).sum::<f64>() / 400.0);
        let spread = (values.iter().map(|value| (value - 9.5).powi(2)).sum::<f64>() / 400.0).sqrt();
        let half = 1.96 * spread / 20.0;
        assert!((interval[0] - (9.5 - half)).abs() < 0.1 * half, "{interval:?}");
        assert!((interval[1] - (9.5 + half)).abs() < 0.1 * half, "{interval:?}");
        let again = bootstrap(values.len(), 7, |drawn| drawn.iter().map(|&index| values[index]).sum::<f64>() / 400.0);
        assert_eq!(interval, again);
    }
}
