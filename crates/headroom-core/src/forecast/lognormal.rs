//! A forecast without training: throughput spreads log-normally around its recent averages.

use super::{Forecast, HORIZONS, History};

/// Spread (standard deviation of the natural logarithm) assumed before a session has shown its own: own choice, not
/// fitted.
const PRIOR_SPREAD: f32 = 0.45;
/// How many observed changes the prior counts for.
const PRIOR_WEIGHT: f32 = 2.0;
/// The spread grows with the square root of the horizon, as a random walk does; this is the horizon it is stated for.
const SPREAD_HORIZON_S: f64 = 4.0;
/// Standard normal quantiles of levels 0.7 and 0.9 (0.3 and 0.1 mirror them).
const Z_70: f32 = 0.524_400_5;
const Z_90: f32 = 1.281_551_6;

/// Forecast around the smaller of the fast and slow averages, in kbit/s: down at once, up slowly.
///
/// `history` gives the session's own spread; with no average at all the forecast is unknown.
#[must_use]
pub fn lognormal(fast: Option<f32>, slow: Option<f32>, history: &History) -> Forecast {
    let centre = match (fast, slow) {
        (Some(fast), Some(slow)) => fast.min(slow),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => return Forecast::UNKNOWN,
    };
    let spread = own_spread(history);
    let mut forecast = Forecast::UNKNOWN;
    for (quantiles, horizon) in forecast.quantiles_kbps.iter_mut().zip(HORIZONS) {
        let sigma = spread * (horizon.as_secs_f64() / SPREAD_HORIZON_S).sqrt() as f32;
        let (near, far) = ((Z_70 * sigma).exp(), (Z_90 * sigma).exp());
        *quantiles = [centre / far, centre / near, centre, centre * near, centre * far];
    }
    forecast
}

/// Root mean square of the log changes between neighbouring transfers, shrunk towards the prior.
fn own_spread(history: &History) -> f32 {
    let (mut sum, mut count) = (PRIOR_WEIGHT * PRIOR_SPREAD * PRIOR_SPREAD, PRIOR_WEIGHT);
    let mut newer = None;
    for transfer in history.newest_first() {
        if let Some(newer) = newer {
            let change = f32::ln(newer / transfer.throughput_kbps);
            sum += change * change;
            count += 1.0;
        }
        newer = Some(transfer.throughput_kbps);
    }
    (sum / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{time::Duration, units::Bitrate};

    #[test]
    fn steady_sessions_get_narrow_forecasts_and_jumpy_ones_wide() {
        let history_of = |rates: &[u64]| {
            let mut history = History::default();
            rates.iter().for_each(|&kbps| history.push(Bitrate::kbps(kbps), Duration::from_secs(1)));
            history
        };
        let steady = lognormal(Some(5e3), Some(5e3), &history_of(&[5_000; 8]));
        let jumpy = lognormal(Some(5e3), Some(5e3), &history_of(&[1_000, 9_000, 1_000, 9_000, 1_000, 9_000]));
        assert!(steady.quantiles_kbps[1][0] > 2.0 * jumpy.quantiles_kbps[1][0]);
        for forecast in [steady, jumpy] {
            for quantiles in forecast.quantiles_kbps {
                assert!(quantiles.is_sorted(), "{quantiles:?}");
            }
        }
        assert!(lognormal(None, None, &History::default()).is_unknown());
    }
}
