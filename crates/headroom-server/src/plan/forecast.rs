//! What an hourly series will be, and how sure that is.
//!
//! The model works on logarithms, because an audience grows and shrinks by shares. MSTL (Bandara, Hyndman and Bergmeir,
//! 2021) takes the rhythm of day and week out; what is left is a level that moves slowly and a deviation from it that
//! dies away; growth is a robust line. A share of the seasonal naive forecast (an hour is what it was a week ago) is
//! mixed in, since a mean of two forecasts errs less than either; that naive forecast alone is what must be beaten.
//! Intervals are conformal: quantiles of the errors made when the same question was asked at earlier times, so nothing is
//! assumed of their distribution. docs/adr/0010 says why no library of forecasts.

use headroom_core::statistics;
use serde::Serialize;

/// Hours of a day.
pub const DAY: usize = 24;

/// Hours of a week.
pub const WEEK: usize = 7 * DAY;

/// Hours without which nothing is forecast: two days to know a rhythm, one to see how wrong it is.
pub const LEAST_HOURS: usize = 3 * DAY;

/// Longest forecast, hours: four weeks. What lies further is growth, not rhythm.
pub const MOST_HOURS: usize = 4 * WEEK;

/// Share of values the interval leaves out on each side.
const TAIL: f64 = 0.1;

/// Earlier times at which the model is asked again, at most, one a day.
const ORIGINS: usize = 28;

/// Earlier forecasts of following days share most of their errors: so many count as one.
const CORRELATED: usize = 4;

/// Student's t at 0.9 over the normal quantile, for 1, 2, … degrees of freedom: few errors say little about the next.
const SMALL_SAMPLE: [f64; 8] = [2.402, 1.471, 1.278, 1.196, 1.152, 1.123, 1.104, 1.0];

/// Added to each value before its logarithm, as a share of the mean: an empty hour must not weigh as much as a peak.
const FLOOR: f64 = 0.03;

/// Length of the smoothing of a season, in seasons (Cleveland et al., 1990, §3.3): rhythms change over months.
const SEASON_SMOOTHING: usize = 31;

/// Share of the naive forecast from two days ahead on; below, it grows from nothing.
const NAIVE_SHARE: f64 = 0.25;

/// Weeks from which growth can be distinguished from chance.
const GROWTH_WEEKS: usize = 3;

/// What makes a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// As a week ago; with less than two weeks of past, as a day ago.
    SeasonalNaive,
    /// Rhythm, level, growth.
    Decomposed,
}

/// A series to come.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Forecast {
    /// What nine in ten values will exceed, for each hour.
    pub p10: Vec<f64>,
    /// What is as likely exceeded as not.
    pub p50: Vec<f64>,
    /// What one in ten values will exceed.
    pub p90: Vec<f64>,
    /// How the model did on this very past.
    pub skill: Skill,
}

/// How the model did at earlier times of the same series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Skill {
    /// Earlier times at which it was asked.
    pub origins: usize,
    /// Mean absolute error over that of the seasonal naive forecast of the same hours: below 1 it is worth its trouble.
    pub over_naive: Option<f64>,
}

/// The past is too short to forecast anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{hours} whole hours of history are too few: a forecast needs {LEAST_HOURS}, and two weeks to know a week's rhythm"
)]
pub struct TooShort {
    /// How long it is.
    pub hours: usize,
}

/// Forecasts `hours` values after `past`, [`MOST_HOURS`] at most.
///
/// # Errors
/// When `past` has less than [`LEAST_HOURS`] values.
pub fn forecast(past: &[f64], hours: usize) -> Result<Forecast, TooShort> {
    if past.len() < LEAST_HOURS {
        return Err(TooShort { hours: past.len() });
    }
    let hours = hours.min(MOST_HOURS);
    let errors = Errors::of(past, hours.clamp(1, WEEK));
    let p50 = point(Model::Decomposed, past, hours);
    let floor = floor(past);
    let shifted = |ahead: usize, quantile: f64| {
        let shift = errors.quantile(ahead, quantile);
        ((p50[ahead] + floor) * shift.exp() - floor).max(0.0)
    };
    let p10 = (0..hours).map(|ahead| shifted(ahead, TAIL)).collect();
    let p90 = (0..hours).map(|ahead| shifted(ahead, 1.0 - TAIL)).collect();
    Ok(Forecast { p10, p90, skill: errors.skill, p50 })
}

/// Forecasts `hours` values after `past` without saying how sure that is.
#[must_use]
pub fn point(model: Model, past: &[f64], hours: usize) -> Vec<f64> {
    let naive = seasonal_naive(past, hours);
    if model == Model::SeasonalNaive {
        return naive;
    }
    // What cannot be decomposed, such as a series without any variation, is its own best forecast.
    let Some(mut values) = decomposed(past, hours) else { return naive };
    for (ahead, (value, naive)) in values.iter_mut().zip(naive).enumerate() {
        let share = NAIVE_SHARE * (ahead as f64 / (2 * DAY) as f64).min(1.0);
        *value += share * (naive - *value);
    }
    values
}

/// Growth of a week as a share, where the past is long enough to tell it from chance.
#[must_use]
pub fn weekly_growth(past: &[f64]) -> Option<f64> {
    slope(&logarithms(past)).map(|hourly| (hourly * WEEK as f64).exp() - 1.0)
}

fn seasonal_naive(past: &[f64], hours: usize) -> Vec<f64> {
    let season = if past.len() >= 2 * WEEK { WEEK } else { DAY };
    past.iter().skip(past.len().saturating_sub(season)).copied().cycle().take(hours).collect()
}

fn floor(past: &[f64]) -> f64 {
    (FLOOR * past.iter().sum::<f64>() / past.len().max(1) as f64).max(1e-6)
}

fn logarithms(past: &[f64]) -> Vec<f64> {
    let floor = floor(past);
    past.iter().map(|value| (value.max(0.0) + floor).ln()).collect()
}

fn decomposed(past: &[f64], hours: usize) -> Option<Vec<f64>> {
    let periods: &[usize] = if past.len() >= 2 * WEEK { &[DAY, WEEK] } else { &[DAY] };
    let logs = logarithms(past);
    let slope = slope(&logs).unwrap_or(0.0);
    let flat: Vec<f64> = logs.iter().enumerate().map(|(hour, log)| log - slope * hour as f64).collect();
    let smoothing = vec![SEASON_SMOOTHING; periods.len()];
    let parts = stlrs::Mstl::params().seasonal_lengths(&smoothing).fit(&flat, periods).ok()?;
    let rest: Vec<f64> = parts.trend().iter().zip(parts.remainder()).map(|(trend, noise)| trend + noise).collect();
    let level = Level::fit(&rest);
    let seasons: Vec<&[f64]> =
        parts.seasonal().iter().zip(periods).map(|(season, period)| &season[season.len() - period..]).collect();
    let floor = floor(past);
    let value = |ahead: usize| {
        let season: f64 = seasons.iter().map(|season| season[ahead % season.len()]).sum();
        let growth = slope * (past.len() + ahead) as f64;
        ((level.ahead(ahead + 1) + season + growth).exp() - floor).max(0.0)
    };
    let values: Vec<f64> = (0..hours).map(value).collect();
    values.iter().all(|value| value.is_finite()).then_some(values)
}

/// What is left without rhythm and growth.
struct Level {
    /// Exponentially weighted mean over days to weeks.
    slow: f64,
    /// How far the last hours are from it.
    deviation: f64,
    /// What is left of a deviation after an hour.
    decay: f64,
}

impl Level {
    /// Share of a new value in the mean of the last hours.
    const FAST: f64 = 0.5;

    /// Shares of a new value in the slow mean that are tried: a day, three, a week, two and four.
    const SLOW: [f64; 5] = [1.0 / 24.0, 1.0 / 72.0, 1.0 / 168.0, 1.0 / 336.0, 1.0 / 672.0];

    /// Decays that are tried: half-lives of two hours to six days.
    const DECAY: [f64; 6] = [0.7, 0.85, 0.93, 0.97, 0.985, 0.995];

    /// Hours ahead at which a pair of them is judged.
    const JUDGED: [usize; 5] = [1, 6, DAY, 3 * DAY, WEEK];

    /// The pair that would have forecast `rest` best.
    fn fit(rest: &[f64]) -> Self {
        let start = rest.iter().take(DAY).sum::<f64>() / rest.len().clamp(1, DAY) as f64;
        let warm = rest.len().min(WEEK) / 2;
        let mut best = (f64::INFINITY, Self { slow: start, deviation: 0.0, decay: 0.0 });
        for share in Self::SLOW {
            for decay in Self::DECAY {
                let left = Self::JUDGED.map(|hours| decay.powi(hours as i32));
                let (mut slow, mut fast, mut error) = (start, start, 0.0);
                for (hour, value) in rest.iter().enumerate() {
                    fast += Self::FAST * (value - fast);
                    slow += share * (value - slow);
                    for (hours, left) in Self::JUDGED.iter().zip(left).filter(|_| hour >= warm) {
                        error +=
                            rest.get(hour + hours).map_or(0.0, |later| (later - slow - (fast - slow) * left).abs());
                    }
                }
                if error < best.0 {
                    best = (error, Self { slow, deviation: fast - slow, decay });
                }
            }
        }
        best.1
    }

    fn ahead(&self, hours: usize) -> f64 {
        self.slow + self.deviation * self.decay.powi(hours as i32)
    }
}

/// Median slope an hour over all pairs of days that are whole weeks apart (after Theil, 1950, and Sen, 1968): no single
/// day can bend it, and no weekday counts as growth. `None` where the past is short or the pairs do not agree.
fn slope(logs: &[f64]) -> Option<f64> {
    // Backwards in time: the last day is whole.
    let days: Vec<f64> = logs.rchunks_exact(DAY).map(|day| day.iter().sum::<f64>() / DAY as f64).collect();
    if days.len() < 7 * GROWTH_WEEKS {
        return None;
    }
    let pairs =
        (0..days.len()).flat_map(|later| (later + 7..days.len()).step_by(7).map(move |earlier| (later, earlier)));
    let rise = |(later, earlier): (usize, usize)| (days[later] - days[earlier]) / ((earlier - later) * DAY) as f64;
    let mut slopes: Vec<f64> = pairs.map(rise).collect();
    let share =
        |one_way: fn(&f64) -> bool| slopes.iter().filter(|slope| one_way(slope)).count() as f64 / slopes.len() as f64;
    let (rising, falling) = (share(|slope| *slope > 0.0), share(|slope| *slope < 0.0));
    // Of a steady audience about half of the pairs rise; two thirds one way is rare.
    if (rising - falling).abs() > 1.0 / 3.0 { statistics::median(&mut slopes, f64::total_cmp) } else { None }
}

/// Errors of earlier forecasts: logarithms of actual over forecast, by day ahead, sorted.
struct Errors {
    by_day: Vec<Vec<f64>>,
    skill: Skill,
}

impl Errors {
    fn of(past: &[f64], hours: usize) -> Self {
        let least = if past.len() >= 3 * WEEK { 2 * WEEK } else { 2 * DAY };
        let hours = hours.min(past.len() - least);
        let mut by_day = vec![Vec::new(); hours.div_ceil(DAY)];
        let (mut ours, mut naive, mut origins) = (0.0, 0.0, 0);
        let starts = (0..ORIGINS).map_while(|back| past.len().checked_sub(hours + back * DAY));
        for start in starts.take_while(|&start| start >= least) {
            let (before, after) = past.split_at(start);
            let floor = floor(before);
            let predicted = point(Model::Decomposed, before, hours);
            let repeated = seasonal_naive(before, hours);
            for (ahead, &actual) in after.iter().take(hours).enumerate() {
                by_day[ahead / DAY].push(((actual + floor) / (predicted[ahead] + floor)).ln());
                ours += (actual - predicted[ahead]).abs();
                naive += (actual - repeated[ahead]).abs();
            }
            origins += 1;
        }
        by_day.iter_mut().for_each(|errors| errors.sort_by(f64::total_cmp));
        Self { by_day, skill: Skill { origins, over_naive: (naive > 0.0).then_some(ours / naive) } }
    }

    /// Quantile of the error so many hours ahead, never surer than of an earlier day. Beyond what was compared, errors
    /// grow like those of a random walk.
    fn quantile(&self, ahead: usize, quantile: f64) -> f64 {
        let day = ahead / DAY;
        let known = day.min(self.by_day.len() - 1);
        let of_day = |errors: &Vec<f64>| {
            // Conformal: the next error is as likely to fall into each of the gaps between the sorted ones.
            let rank = (quantile * (errors.len() + 1) as f64 - 1.0).round().max(0.0) as usize;
            errors.get(rank.min(errors.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        let sides = self.by_day[..=known].iter().map(of_day);
        let error = if quantile < 0.5 { sides.fold(0.0, f64::min) } else { sides.fold(0.0, f64::max) };
        let freedom = (self.skill.origins / CORRELATED).clamp(1, SMALL_SAMPLE.len());
        error * SMALL_SAMPLE[freedom - 1] * ((day + 1) as f64 / (known + 1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bumps a day, higher at weekends, growing by 2 % a week.
    fn rhythm(hours: usize) -> Vec<f64> {
        let value = |hour: usize| {
            let bump = |at: f64| (-(((hour % DAY) as f64 - at) / 3.0).powi(2)).exp();
            let weekend = if (hour / DAY) % 7 >= 5 { 1.5 } else { 1.0 };
            1_000.0 * (0.2 + bump(13.0) / 2.0 + bump(20.0)) * weekend * 1.02_f64.powf(hour as f64 / WEEK as f64)
        };
        (0..hours).map(value).collect()
    }

    #[test]
    fn a_rhythm_that_grows_goes_on_growing() {
        let all = rhythm(10 * WEEK);
        let (past, after) = all.split_at(8 * WEEK);
        let growth = weekly_growth(past).unwrap();
        assert!((growth - 0.02).abs() < 0.002, "{growth}");
        let forecast = forecast(past, 2 * WEEK).unwrap();
        let error =
            |values: &[f64]| values.iter().zip(after).map(|(value, actual)| (value - actual).abs()).sum::<f64>();
        let naive = error(&point(Model::SeasonalNaive, past, 2 * WEEK));
        assert!(error(&forecast.p50) < 0.5 * naive, "{} against {naive}", error(&forecast.p50));
        assert!(forecast.skill.origins == ORIGINS && forecast.skill.over_naive < Some(0.7), "{:?}", forecast.skill);
        for ahead in 0..2 * WEEK {
            // Beside rounding of the logarithm's way back.
            assert!(forecast.p10[ahead] <= forecast.p50[ahead] * (1.0 + 1e-9));
            assert!(forecast.p50[ahead] <= forecast.p90[ahead] * (1.0 + 1e-9));
        }
    }

    #[test]
    fn short_and_strange_pasts_are_no_trouble() {
        assert_eq!(forecast(&rhythm(71), 24), Err(TooShort { hours: 71 }));
        for hours in [72, 100, 335, 336, 350, 503, 504] {
            let forecast = forecast(&rhythm(hours), MOST_HOURS + 9).unwrap();
            assert_eq!(forecast.p50.len(), MOST_HOURS);
            assert!(forecast.p90.iter().all(|value| value.is_finite()), "{hours}");
        }
        for past in [vec![0.0; 400], vec![7.0; 400], [vec![0.0; 399], vec![1e9]].concat()] {
            let forecast = forecast(&past, 48).unwrap();
            assert!(forecast.p90.iter().chain(&forecast.p10).all(|value| value.is_finite() && *value >= 0.0));
        }
        assert!(forecast(&[0.0; 400], 48).unwrap().p90.iter().all(|value| *value < 1e-6));
        assert_eq!(weekly_growth(&[5.0; 4 * WEEK]), None);
    }

    #[test]
    fn a_daily_rhythm_is_known_before_a_weekly_one() {
        let past = rhythm(5 * DAY);
        let forecast = forecast(&past, DAY).unwrap();
        let peak = (0..DAY).max_by(|&a, &b| forecast.p50[a].total_cmp(&forecast.p50[b]));
        assert_eq!(peak, Some(20));
    }
}
