//! Windows by trace, and intervals over traces.

use crate::statistics;

/// Seed of every bootstrap: the same scores give the same intervals.
const BOOTSTRAP_SEED: u64 = 7;

/// Which windows belong to which trace. Traces are resampled, not windows: windows of one trace are not independent.
pub(super) struct Traces {
    windows: Vec<Vec<usize>>,
}

impl Traces {
    pub(super) fn of(trace_of_window: &[usize]) -> Self {
        let mut windows: Vec<Vec<usize>> = Vec::new();
        let mut last = None;
        for (window, &trace) in trace_of_window.iter().enumerate() {
            if last != Some(trace) {
                windows.push(Vec::new());
                last = Some(trace);
            }
            if let Some(windows) = windows.last_mut() {
                windows.push(window);
            }
        }
        Self { windows }
    }

    pub(super) fn count(&self) -> usize {
        self.windows.len()
    }

    /// Sum and number of the values of each trace.
    fn sums(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let sum =
            |windows: &Vec<usize>| (windows.iter().map(|&window| values[window]).sum::<f64>(), windows.len() as f64);
        self.windows.iter().map(sum).collect()
    }

    /// 95 % interval of the mean of `values`.
    pub(super) fn interval_of_mean(&self, values: &[f64]) -> [f64; 2] {
        let sums = self.sums(values);
        statistics::bootstrap(sums.len(), BOOTSTRAP_SEED, |drawn| {
            let (total, count) =
                drawn.iter().fold((0.0, 0.0), |(total, count), &trace| (total + sums[trace].0, count + sums[trace].1));
            total / count
        })
    }

    /// 95 % interval of the ratio of two means.
    pub(super) fn interval_of_ratio(&self, numerator: &[f64], denominator: &[f64]) -> [f64; 2] {
        let (above, below) = (self.sums(numerator), self.sums(denominator));
        statistics::bootstrap(above.len(), BOOTSTRAP_SEED, |drawn| {
            let total = |sums: &[(f64, f64)]| drawn.iter().map(|&trace| sums[trace].0).sum::<f64>();
            total(&above) / total(&below)
        })
    }

    /// Mean of the values of each trace.
    pub(super) fn means(&self, values: &[f64]) -> Vec<f64> {
        self.sums(values).into_iter().map(|(total, count)| total / count).collect()
    }
}
