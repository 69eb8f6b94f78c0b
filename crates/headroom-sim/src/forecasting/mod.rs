//! Throughput forecasts against what the link then carried, for every forecast the engine has and for simple references.
//!
//! Links are read second by second ([`crate::train::forecast::seconds`]); a forecast is due every second once ten seconds are
//! known, for the mean of the next 2, 4 and 10 s. Whoever learned anything must not have seen the day it is scored on:
//! rows next to each other are nearly equal, so a split by row would only measure memory.

pub mod cold_start;
mod score;

pub use score::{ErrorSums, Row};

use crate::{trace::Trace, train::forecast::seconds};
use headroom_core::{
    forecast::{Ewma, Forecast, HORIZONS, History, Quantile, lognormal},
    time::Duration,
    units::Bitrate,
};

/// Seconds known before the first forecast counts, as in research on 5G traces (10 s of history).
pub const WARM_UP_S: usize = 10;
/// Half-lives in seconds of the averages: hls.js' live defaults, as in the engine.
const FAST_HALF_LIFE_S: f32 = 3.0;
const SLOW_HALF_LIFE_S: f32 = 9.0;
/// Samples of the arithmetic and harmonic means (Yin 2015 §6: five).
const WINDOW: usize = 5;

/// A forecasting method.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// The rate of the last second.
    LastValue,
    /// Arithmetic mean of the last five seconds.
    Mean,
    /// Harmonic mean of the last five seconds (FESTIVE, MPC).
    HarmonicMean,
    /// Exponentially weighted average with a half-life of 3 s (hls.js, dash.js).
    Ewma,
    /// The untrained interval forecast of the engine.
    Lognormal,
    /// A learned network.
    Quantile(Box<Quantile>),
}

impl Model {
    /// Whether it answers one number, not an interval.
    #[must_use]
    pub fn is_point(&self) -> bool {
        !matches!(self, Self::Lognormal | Self::Quantile(_))
    }

    fn forecast(&self, known: &Known) -> Forecast {
        let point = |kbps: f64| Forecast { quantiles_kbps: [[kbps as f32; 5]; HORIZONS.len()] };
        let newest = known.seconds.len().saturating_sub(WINDOW);
        match self {
            Self::LastValue => point(known.seconds.last().copied().unwrap_or(0.0)),
            Self::Mean => point(crate::statistics::mean(&known.seconds[newest..])),
            Self::HarmonicMean => point(known.history.harmonic_mean(WINDOW).unwrap_or(0.0)),
            Self::Ewma => point(known.fast.value(FAST_HALF_LIFE_S).map_or(0.0, f64::from)),
            Self::Lognormal => {
                lognormal(known.fast.value(FAST_HALF_LIFE_S), known.slow.value(SLOW_HALF_LIFE_S), &known.history)
            }
            Self::Quantile(network) => network.forecast(&known.history),
        }
    }
}

/// What a session knows after some seconds.
#[derive(Default)]
struct Known {
    seconds: Vec<f64>,
    history: History,
    fast: Ewma,
    slow: Ewma,
}

impl Known {
    fn observe(&mut self, kbps: f64) {
        self.seconds.push(kbps);
        // Nothing transferred in a second is still something seen: the lowest rate there is.
        self.history.push(Bitrate::from_kbps_f64(kbps.max(1.0)), Duration::from_secs(1));
        self.fast.observe(kbps as f32, 1.0, FAST_HALF_LIFE_S);
        self.slow.observe(kbps as f32, 1.0, SLOW_HALF_LIFE_S);
    }
}

/// Scores every model at every second of `trace`; `sums` are in the order of `models`.
pub fn score_forecasts(trace: &Trace, models: &[Model], sums: &mut [ErrorSums]) {
    for run in seconds(trace) {
        let mut known = Known::default();
        for now in 0..run.len() {
            known.observe(run[now]);
            let Some(future) = run.get(now + 1..now + 11) else {
                break;
            };
            if now + 1 < WARM_UP_S {
                continue;
            }
            let carried = HORIZONS.map(|horizon| {
                let seconds = horizon.as_secs_f64() as usize;
                crate::statistics::mean(&future[..seconds])
            });
            for (model, sums) in models.iter().zip(sums.iter_mut()) {
                sums.observe(&model.forecast(&known), &carried);
            }
        }
    }
}

/// The group a recording belongs to: the day in its name (eight digits that begin with 20), else the whole name.
/// Recordings of one day share cells, load and weather, so they are held out together.
#[must_use]
pub fn day(name: &str) -> &str {
    let is_day = |part: &&str| part.len() == 8 && part.starts_with("20") && part.bytes().all(|b| b.is_ascii_digit());
    name.split(|c: char| !c.is_ascii_alphanumeric()).find(is_day).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Sample;

    fn trace(kbps: impl IntoIterator<Item = f64>) -> Trace {
        let samples: Vec<Sample> = kbps
            .into_iter()
            .enumerate()
            .map(|(second, throughput_kbps)| Sample { t_s: second as f64, throughput_kbps, ..Sample::default() })
            .collect();
        let end_s = samples.len() as f64;
        Trace::new(samples, end_s).unwrap()
    }

    #[test]
    fn days_are_found_in_names() {
        assert_eq!(day("driving-20191216-122705"), "20191216");
        assert_eq!(day("Download_Driving_B_2019.12.14"), "Download_Driving_B_2019.12.14");
        assert_eq!(day("trace_10322"), "trace_10322");
    }

    #[test]
    fn a_steady_link_is_forecast_exactly_and_a_falling_one_is_overestimated() {
        let models = [Model::LastValue, Model::Ewma, Model::Lognormal];
        let mut sums = vec![ErrorSums::default(); 3];
        score_forecasts(&trace([5_000.0; 60]), &models, &mut sums);
        for (model, sums) in models.iter().zip(&sums) {
            for row in sums.rows("steady", model.is_point()) {
                assert!(row.mae_mbps < 0.01 && row.median_ape < 0.001, "{row:?}");
                assert_eq!(row.count, 41, "60 s less warm-up and horizon");
            }
        }
        let mut falling = vec![ErrorSums::default(); 3];
        score_forecasts(&trace((0..60).map(|second| 60_000.0 - 1_000.0 * f64::from(second))), &models, &mut falling);
        for sums in &falling {
            assert!(sums.rows("falling", true).iter().all(|row| row.overestimation_rate > 0.99));
        }
    }

    #[test]
    fn recorder_pauses_split_a_trace() {
        let mut samples = trace([1_000.0; 40]).samples().to_vec();
        samples.iter_mut().skip(20).for_each(|sample| sample.t_s += 30.0);
        let lengths: Vec<usize> = seconds(&Trace::new(samples, 70.0).unwrap()).iter().map(Vec::len).collect();
        assert_eq!(lengths, [20, 20]);
    }
}
