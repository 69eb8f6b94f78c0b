//! What the demo says at the end: steered against alone, pair by pair.

use super::player::Progress;
use serde::Serialize;
use std::fmt;

/// The means of both halves and how the pairs differ.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) pairs: usize,
    pub(crate) alone: Means,
    pub(crate) steered: Means,
    /// Mean of steered − alone over pairs, with the 95 % interval of the paired t distribution.
    pub(crate) difference: Vec<Difference>,
}

/// Means over one half.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Means {
    pub(crate) live_qoe: f64,
    pub(crate) stall_s: f64,
    pub(crate) bitrate_mbps: f64,
    pub(crate) switches: f64,
    pub(crate) latency_s: f64,
}

/// One measure's paired difference.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    pub(crate) measure: &'static str,
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

type Measure = (&'static str, fn(&Progress) -> f64);

const MEASURES: [Measure; 5] = [
    ("live QoE (1 = perfect)", |p| p.qoe_sum / f64::from(p.segments.max(1))),
    ("stall seconds", |p| p.stalled_s),
    ("bit rate, Mbit/s", |p| p.mbps_sum / f64::from(p.segments.max(1))),
    ("switches", |p| f64::from(p.switches)),
    ("latency, s", |p| p.latency_sum_s / f64::from(p.segments.max(1))),
];

impl Verdict {
    /// Compares `(alone, steered)` pairs.
    pub(crate) fn new(pairs: &[(Progress, Progress)]) -> Self {
        let alone: Vec<&Progress> = pairs.iter().map(|pair| &pair.0).collect();
        let steered: Vec<&Progress> = pairs.iter().map(|pair| &pair.1).collect();
        let difference = MEASURES.map(|(measure, of)| {
            let differences: Vec<f64> = pairs.iter().map(|(alone, steered)| of(steered) - of(alone)).collect();
            let (mean, half_width) = paired_interval(&differences);
            Difference { measure, mean, low: mean - half_width, high: mean + half_width }
        });
        Self {
            pairs: pairs.len(),
            alone: Means::of(&alone),
            steered: Means::of(&steered),
            difference: difference.into(),
        }
    }
}

impl Means {
    fn of(half: &[&Progress]) -> Self {
        let count = half.len().max(1) as f64;
        let [live_qoe, stall_s, bitrate_mbps, switches, latency_s] =
            MEASURES.map(|(_, of)| half.iter().map(|progress| of(progress)).sum::<f64>() / count);
        Self { live_qoe, stall_s, bitrate_mbps, switches, latency_s }
    }

    fn values(&self) -> [f64; 5] {
        [self.live_qoe, self.stall_s, self.bitrate_mbps, self.switches, self.latency_s]
    }
}

/// Mean and half width of the 95 % interval of Student's t over paired differences; infinite for a single pair.
fn paired_interval(differences: &[f64]) -> (f64, f64) {
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count.max(1.0);
    let variance = differences.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, if differences.len() < 2 { f64::INFINITY } else { t_975(differences.len() - 1) * (variance / count).sqrt() })
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

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:>8} {:>8}   steered − alone (95 % interval, {} pairs)",
            "", "alone", "steered", self.pairs
        )?;
        let halves = self.alone.values().into_iter().zip(self.steered.values());
        for (difference, (alone, steered)) in self.difference.iter().zip(halves) {
            let Difference { measure, mean, low, high } = difference;
            let verdict = if *low > 0.0 || *high < 0.0 { "" } else { "  no difference shown" };
            writeln!(f, "{measure:<24} {alone:>8.2} {steered:>8.2}   {mean:+.2} ({low:+.2} … {high:+.2}){verdict}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_tables() {
        let (mean, half_width) = paired_interval(&[1.0, 2.0, 3.0, 4.0]);
        assert!((mean - 2.5).abs() < 1e-9);
        assert!((half_width - 3.182 * (5.0_f64 / 3.0).sqrt() / 2.0).abs() < 1e-3);
        for (freedom, expected) in [(11, 2.201), (30, 2.042), (120, 1.980)] {
            assert!((t_975(freedom) - expected).abs() < 3e-3, "{freedom}: {}", t_975(freedom));
        }
        assert!(paired_interval(&[1.0]).1.is_infinite(), "one pair shows nothing");
    }
}
