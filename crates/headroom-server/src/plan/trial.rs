//! Is the forecast worth its trouble? Held-out days of an hourly series, one week forecast from each, beside the seasonal
//! naive forecast.

use super::forecast::{DAY, LEAST_HOURS, Model, WEEK, forecast, point};
use serde::Serialize;

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Trial {
    /// Times at which a week was forecast.
    pub origins: usize,
    /// Mean absolute error of the first day over the mean absolute seasonal difference of the past before the held-out
    /// days: the scaled error of Hyndman and Koehler (2006). Below 1 a forecast beats repeating last week in hindsight.
    pub mase_day: f64,
    /// The same of the whole week.
    pub mase_week: f64,
    /// The naive forecast's own.
    pub naive_mase_day: f64,
    /// The naive forecast's own of the whole week.
    pub naive_mase_week: f64,
    /// Share of held-out hours within the interval that should hold 0.8, first day.
    pub coverage_day: f64,
    /// The same of the whole week.
    pub coverage_week: f64,
}

/// Forecasts a week from the start of each of the last `held_out` days but the last seven, each time from all hours
/// before. `None` when the series is too short for it.
#[must_use]
pub fn trial(series: &[f64], held_out: usize) -> Option<Trial> {
    let first = series.len().checked_sub(held_out * DAY)?;
    let origins = held_out.checked_sub(7)? + 1;
    if first < (WEEK + DAY).max(LEAST_HOURS) {
        return None;
    }
    let differences = (WEEK..first).map(|hour| (series[hour] - series[hour - WEEK]).abs());
    let scale = differences.sum::<f64>() / (first - WEEK) as f64;
    let mut sums = Trial { origins, ..Trial::default() };
    for origin in (0..origins).map(|day| first + day * DAY) {
        let (past, after) = series.split_at(origin);
        let forecast = forecast(past, WEEK).ok()?;
        let naive = point(Model::SeasonalNaive, past, WEEK);
        for (ahead, actual) in after.iter().take(WEEK).enumerate() {
            let error = |values: &[f64]| (values[ahead] - actual).abs() / scale;
            let held = f64::from(u8::from((forecast.p10[ahead]..=forecast.p90[ahead]).contains(actual)));
            sums.mase_week += error(&forecast.p50);
            sums.naive_mase_week += error(&naive);
            sums.coverage_week += held;
            if ahead < DAY {
                sums.mase_day += error(&forecast.p50);
                sums.naive_mase_day += error(&naive);
                sums.coverage_day += held;
            }
        }
    }
    let (days, weeks) = ((origins * DAY) as f64, (origins * WEEK) as f64);
    for sum in [&mut sums.mase_day, &mut sums.naive_mase_day, &mut sums.coverage_day] {
        *sum /= days;
    }
    for sum in [&mut sums.mase_week, &mut sums.naive_mase_week, &mut sums.coverage_week] {
        *sum /= weeks;
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::synthetic::audience;

    /// The published table comes from `headroom bench plan`; this keeps the model from decaying unseen.
    #[test]
    fn the_forecast_beats_last_week() {
        let trial = trial(&audience(7, 8).total.egress_kbps, 14).unwrap();
        assert!(trial.mase_day < 0.9 * trial.naive_mase_day, "{trial:?}");
        assert!(trial.mase_week < trial.naive_mase_week, "{trial:?}");
        assert!(trial.coverage_week > 0.6, "{trial:?}");
    }

    #[test]
    fn a_short_series_is_not_tried() {
        assert_eq!(trial(&[1.0; 400], 14), None);
        assert_eq!(trial(&[1.0; 4 * WEEK], 6), None);
    }
}
