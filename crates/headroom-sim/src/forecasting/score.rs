//! Figures of merit of a forecast.

use headroom_core::{
    forecast::{Forecast, HORIZONS, LEVELS},
    statistics::median,
};
use serde::Serialize;

/// One line of the result: one model at one horizon. The names of the fields are keys that other programs read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the forecasting method.
    pub model: String,
    /// How far ahead, seconds.
    pub horizon_s: f64,
    /// Mean absolute error of the median, Mbit/s.
    pub mae_mbps: f64,
    /// Median of |error| / carried, where anything was carried.
    pub median_ape: f64,
    /// Mean pinball loss over the five levels, Mbit/s; a point forecast answers the same at every level.
    pub pinball: f64,
    /// Share of outcomes between the levels 0.1 and 0.9; none for point forecasts.
    pub coverage80: Option<f64>,
    /// Share of outcomes below the median.
    pub overestimation_rate: f64,
    /// Forecasts scored.
    pub count: usize,
}

/// Error sums of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ErrorSums {
    horizons: [Sums; HORIZONS.len()],
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    count: usize,
    absolute: f64,
    relative: Vec<f32>,
    pinball: f64,
    covered: usize,
    overestimated: usize,
}

impl ErrorSums {
    /// Scores one forecast against the mean rates that followed, kbit/s.
    pub fn observe(&mut self, forecast: &Forecast, carried_kbps: &[f64; HORIZONS.len()]) {
        for ((sums, quantiles), &carried) in self.horizons.iter_mut().zip(&forecast.quantiles_kbps).zip(carried_kbps) {
            let median = f64::from(quantiles[2]);
            let error = (median - carried).abs();
            sums.count += 1;
            sums.absolute += error;
            if carried > 0.0 {
                sums.relative.push((error / carried) as f32);
            }
            for (&quantile, level) in quantiles.iter().zip(LEVELS) {
                let (short, level) = (carried - f64::from(quantile), f64::from(level));
                sums.pinball += if short > 0.0 { level * short } else { (level - 1.0) * short };
            }
            let interval = f64::from(quantiles[0])..=f64::from(quantiles[4]);
            sums.covered += usize::from(interval.contains(&carried));
            sums.overestimated += usize::from(median > carried);
        }
    }

    /// Adds what another set of sums saw.
    pub fn merge(&mut self, other: Self) {
        for (sums, other) in self.horizons.iter_mut().zip(other.horizons) {
            sums.count += other.count;
            sums.absolute += other.absolute;
            sums.relative.extend(other.relative);
            sums.pinball += other.pinball;
            sums.covered += other.covered;
            sums.overestimated += other.overestimated;
        }
    }

    /// The figures, one row for each horizon; nothing scored gives rows of zeros.
    #[must_use]
    pub fn rows(&self, model: &str, is_point: bool) -> Vec<Row> {
        let row = |(sums, horizon): (&Sums, headroom_core::time::Duration)| {
            let count = sums.count.max(1) as f64;
            let mut relative = sums.relative.clone();
            let median_ape = median(&mut relative, f32::total_cmp).map_or(0.0, f64::from);
            Row {
                model: model.to_owned(),
                horizon_s: horizon.as_secs_f64(),
                mae_mbps: sums.absolute / count / 1_000.0,
                median_ape,
                pinball: sums.pinball / count / LEVELS.len() as f64 / 1_000.0,
                coverage80: (!is_point).then(|| sums.covered as f64 / count),
                overestimation_rate: sums.overestimated as f64 / count,
                count: sums.count,
            }
        };
        self.horizons.iter().zip(HORIZONS).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_definitions() {
        let mut tally = ErrorSums::default();
        let forecast = Forecast { quantiles_kbps: [[1_000.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0]; 3] };
        tally.observe(&forecast, &[5_000.0, 500.0, 0.0]);
        let rows = tally.rows("model", false);
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.horizon_s, row.mae_mbps, row.median_ape, row.coverage80, row.overestimation_rate))
            .collect();
        assert_eq!(
            seen,
            [
                (2.0, 1.0, f64::from(0.2_f32), Some(1.0), 0.0),
                (4.0, 3.5, 7.0, Some(0.0), 1.0),
                (10.0, 4.0, 0.0, Some(0.0), 1.0)
            ]
        );
        // Shortfalls 4, 3, 1, −1, −3 Mbit/s at levels .1 .3 .5 .7 .9.
        let pinball = (0.1 * 4.0 + 0.3 * 3.0 + 0.5 * 1.0 + 0.3 * 1.0 + 0.1 * 3.0) / 5.0;
        assert!((rows[0].pinball - pinball).abs() < 1e-6, "{}", rows[0].pinball);
        let mut twice = tally.clone();
        twice.merge(tally);
        assert_eq!(twice.rows("model", false)[0].count, 2);
    }
}
