//! Differences of pairs and how sure they are.

/// A mean and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// The sign of what is measured, where the interval is clear of zero.
    pub(crate) fn sign(self) -> Option<f64> {
        (self.low > 0.0 || self.high < 0.0).then(|| self.mean.signum())
    }
}

/// Mean and 95 % interval of Student's t over paired differences; without bounds for a single pair.
pub(crate) fn paired_interval(differences: &[f64]) -> Interval {
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count.max(1.0);
    let variance = differences.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half_width = match differences.len() {
        0 | 1 => f64::INFINITY,
        pairs => t_975(pairs - 1) * (variance / count).sqrt(),
    };
    Interval { mean, low: mean - half_width, high: mean + half_width }
}

/// 97.5 % quantile of Student's t. Tabulated to 10 degrees of freedom; beyond, Cornish–Fisher to second order, good to
/// 0.1 % there (Abramowitz and Stegun 26.7.5).
fn t_975(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    const Z: f64 = 1.959_964;
    let n = freedom as f64;
    match TABLE.get(freedom.wrapping_sub(1)) {
        Some(&tabulated) => tabulated,
        None => Z + (Z.powi(3) + Z) / (4.0 * n) + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * n * n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_tables() {
        let interval = paired_interval(&[1.0, 2.0, 3.0, 4.0]);
        assert!((interval.mean - 2.5).abs() < 1e-9);
        assert!((interval.high - 2.5 - 3.182 * (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-3);
        for (freedom, expected) in [(11, 2.201), (30, 2.042), (120, 1.980)] {
            assert!((t_975(freedom) - expected).abs() < 3e-3, "{freedom}: {}", t_975(freedom));
        }
        assert!(paired_interval(&[1.0]).high.is_infinite(), "one pair shows nothing");
        assert_eq!(
            [&[1.0, 3.0][..], &[-1.0, 1.1]].map(|differences| paired_interval(differences).sign()),
            [None, None]
        );
        assert_eq!(paired_interval(&[-1.0, -1.1, -0.9]).sign(), Some(-1.0));
    }
}
