//! Forecasts for the first seconds of a session: from its own transfers alone, or with a prior from other sessions or the radio.
//!
//! A session begins every half minute of a recording. Forecasts are due when it has measured 0, 1, 2 and 3 seconds.

use super::{ErrorSums, Known};
use crate::{
    trace::{AtEnd, Trace},
    train::forecast::{Run, runs},
};
use headroom_core::{
    forecast::{Forecast, HORIZONS, PRIOR_WEIGHT_S, Pool, RADIO_WEIGHT_S, Signal, quantile, radio_prior},
    time::Timestamp,
};

/// Forecasts scored for each session: with 0, 1, 2 and 3 seconds known.
pub const MOMENTS: usize = 4;
/// Time between the sessions of one recording, seconds.
const BETWEEN_S: usize = 30;
/// Time zero means "never" in places.
const START_S: f64 = 1_000.0;

/// What a session knows of its link before its own first transfer.
#[derive(Clone, Debug, PartialEq)]
pub enum Prior {
    /// No prior.
    None,
    /// What other sessions measured. For a fair test they are from other days.
    Cohort(Box<Pool>),
    /// What the same link carried before the session began, as other sessions on it would have measured it.
    SameLink,
    /// The radio values of the moment.
    Radio,
}

/// What all seconds of `traces` together measured, none older than the others.
#[must_use]
pub fn pooled<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Pool {
    let mut pool = Pool::default();
    for run in traces.into_iter().flat_map(runs) {
        run.kbps.iter().for_each(|&kbps| pool.observe(Timestamp::from_secs_f64(START_S), 1.0, kbps as f32, None));
    }
    pool
}

impl Prior {
    /// The weight in seconds of own history that the engine gives it.
    #[must_use]
    pub fn weight_s(&self) -> f32 {
        if *self == Self::Radio { RADIO_WEIGHT_S } else { PRIOR_WEIGHT_S }
    }

    /// What it says to a session that began at `began` of a run and now stands at `now`.
    fn forecast(&self, trace: &Trace, run: &Run, began: usize, now: usize) -> Forecast {
        let clock = |second: usize| Timestamp::from_secs_f64(START_S + second as f64);
        match self {
            Self::None => Forecast::UNKNOWN,
            Self::Cohort(pool) => pool.forecast(Timestamp::from_secs_f64(START_S)).for_newcomer(),
            Self::SameLink => {
                let mut pool = Pool::default();
                for (second, &kbps) in run.kbps[..began].iter().enumerate() {
                    pool.observe(clock(second), 1.0, kbps as f32, None);
                }
                pool.forecast(clock(began)).for_newcomer()
            }
            Self::Radio => {
                let sample = trace.cursor(AtEnd::Hold).sample_at((run.start_s + now) as f64);
                let value =
                    |of: fn(&crate::trace::Sample) -> Option<f64>| sample.and_then(of).map(|value| value as f32);
                radio_prior(&Signal {
                    rsrp_dbm: value(|sample| sample.rsrp_dbm),
                    rsrq_db: value(|sample| sample.rsrq_db),
                    sinr_db: value(|sample| sample.sinr_db),
                })
            }
        }
    }
}

/// Forecasts the start of every session of `trace` with each of `priors`, weighted as so many seconds of own history;
/// `sums` are in the order of `priors`, one for each moment. Where nothing is known nothing is scored.
pub fn score_cold_starts(trace: &Trace, priors: &[(Prior, f32)], sums: &mut [[ErrorSums; MOMENTS]]) {
    for run in runs(trace) {
        for began in (0..run.kbps.len()).step_by(BETWEEN_S) {
            let mut known = Known::default();
            for moment in 0..MOMENTS {
                let now = began + moment;
                let Some(future) = run.kbps.get(now..now + 10) else { break };
                let carried =
                    HORIZONS.map(|horizon| crate::statistics::mean(&future[..horizon.as_secs_f64() as usize]));
                for ((prior, weight_s), sums) in priors.iter().zip(sums.iter_mut()) {
                    let prior = prior.forecast(trace, &run, began, now);
                    let forecast = quantile(&known.history).drawn_towards(&prior, known.history.seen_s(), *weight_s);
                    if !forecast.is_unknown() {
                        sums[moment].observe(&forecast, &carried);
                    }
                }
                known.observe(run.kbps[now]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Sample;

    /// A link that is at 8 Mbit/s in three seconds of four and nearly dead in the fourth.
    fn jumpy(seconds: usize) -> Trace {
        let sample = |second: usize| Sample {
            t_s: second as f64,
            throughput_kbps: if second % 4 == 3 { 50.0 } else { 8_000.0 },
            sinr_db: Some(5.0),
            ..Sample::default()
        };
        Trace::new((0..seconds).map(sample).collect(), seconds as f64).unwrap()
    }

    fn sums(priors: &[(Prior, f32)]) -> Vec<[ErrorSums; MOMENTS]> {
        let mut sums = vec![<[ErrorSums; MOMENTS]>::default(); priors.len()];
        score_cold_starts(&jumpy(301), priors, &mut sums);
        sums
    }

    #[test]
    fn a_prior_from_other_sessions_gives_a_forecast_before_the_first_transfer() {
        let pool = pooled([&jumpy(400)]);
        let priors = [Prior::None, Prior::Cohort(Box::new(pool)), Prior::SameLink, Prior::Radio].map(|prior| {
            let weight_s = prior.weight_s();
            (prior, weight_s)
        });
        let counts: Vec<usize> = sums(&priors).iter().map(|sums| sums[0].rows("", false)[0].count).collect();
        assert_eq!(counts, [0, 10, 9, 10], "beside the first session of the recording nobody sat");
        let medians: Vec<f64> = sums(&priors)[1].iter().map(|sums| sums.rows("", false)[1].mae_mbps).collect();
        assert!(medians.iter().all(|&mae_mbps| mae_mbps < 4.0), "{medians:?}");
    }

    #[test]
    fn a_prior_without_weight_changes_nothing_once_something_is_known() {
        let pool = Box::new(pooled([&Trace::constant(100_000.0).unwrap(), &jumpy(60)]));
        let [alone, ignored] = &sums(&[(Prior::None, 1.0), (Prior::Cohort(pool), 0.0)])[..] else { unreachable!() };
        for moment in 1..MOMENTS {
            let (alone, ignored) = (alone[moment].rows("", false), ignored[moment].rows("", false));
            for (alone, ignored) in alone.iter().zip(&ignored) {
                assert!((alone.mae_mbps - ignored.mae_mbps).abs() < 1e-4);
            }
        }
    }
}
