//! A comparison of contenders over the same windows: means, differences to the client alone, intervals, and how much of the gap to
//! the oracle each closes.

mod paired;
mod row;
#[cfg(test)]
mod tests;

pub use paired::Delta;
pub use row::Row;

use crate::{calibration::Reliability, score::Score, statistics};

/// The scores of one contender: one for each window, in the same order for every contender.
#[derive(Clone, Debug, PartialEq)]
pub struct ContenderScores {
    /// Name of the contender.
    pub policy: String,
    /// The policy of the client, where `policy` runs on the server.
    pub client: Option<String>,
    /// What the engine optimises, where it has a choice.
    pub objective: Option<String>,
    /// Its sessions.
    pub scores: Vec<Score>,
    /// The stall risk of its choices against what then happened, where it was sampled.
    pub risk: Option<Reliability>,
}

/// The scores of all contenders over the same windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the profile.
    pub profile: String,
    /// Name of the set of traces.
    pub set: String,
    /// Where the policies run: `in-player`, `server-guided` or `advised`.
    pub mode: &'static str,
    /// Index of the trace each window was cut from, ascending.
    pub trace_of_window: Vec<usize>,
    /// One for each contender.
    pub contenders: Vec<ContenderScores>,
    /// Position of the reference of `qoe_gain` and `gap_closed`.
    pub reference: usize,
    /// Position of the client alone, the reference of `delta`.
    pub alone: usize,
    /// Position of the oracle, where it takes part.
    pub oracle: Option<usize>,
}

/// Seed of every bootstrap: the same scores give the same intervals.
const BOOTSTRAP_SEED: u64 = 7;

impl Comparison {
    /// One row for each contender, in their order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let traces = Traces::of(&self.trace_of_window);
        self.contenders.iter().map(|contender| Row::of(self, contender, &traces)).collect()
    }

    /// This comparison and another of the same contenders on other traces. Risk samples are not joined.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        let traces = self.trace_of_window.last().map_or(0, |last| last + 1);
        self.trace_of_window.extend(other.trace_of_window.iter().map(|trace| traces + trace));
        for (contender, more) in self.contenders.iter_mut().zip(other.contenders) {
            contender.scores.extend(more.scores);
            contender.risk = None;
        }
        self
    }
}

/// Which windows belong to which trace. Traces are resampled, not windows: windows of one trace are not independent.
struct Traces {
    windows: Vec<Vec<usize>>,
}

impl Traces {
    fn of(trace_of_window: &[usize]) -> Self {
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

    fn count(&self) -> usize {
        self.windows.len()
    }

    /// Sum and number of the values of each trace.
    fn sums(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let sum =
            |windows: &Vec<usize>| (windows.iter().map(|&window| values[window]).sum::<f64>(), windows.len() as f64);
        self.windows.iter().map(sum).collect()
    }

    /// 95 % interval of the mean of `values`.
    fn interval_of_mean(&self, values: &[f64]) -> [f64; 2] {
        let sums = self.sums(values);
        statistics::bootstrap(sums.len(), BOOTSTRAP_SEED, |drawn| {
            let (total, count) =
                drawn.iter().fold((0.0, 0.0), |(total, count), &trace| (total + sums[trace].0, count + sums[trace].1));
            total / count
        })
    }

    /// 95 % interval of the ratio of two means.
    fn interval_of_ratio(&self, numerator: &[f64], denominator: &[f64]) -> [f64; 2] {
        let (above, below) = (self.sums(numerator), self.sums(denominator));
        statistics::bootstrap(above.len(), BOOTSTRAP_SEED, |drawn| {
            let total = |sums: &[(f64, f64)]| drawn.iter().map(|&trace| sums[trace].0).sum::<f64>();
            total(&above) / total(&below)
        })
    }

    /// Mean of the values of each trace.
    fn means(&self, values: &[f64]) -> Vec<f64> {
        self.sums(values).into_iter().map(|(total, count)| total / count).collect()
    }
}
