//! Throughput of one session a few seconds ahead, from what it did so far.
//!
//! [`History`] keeps the last transfers, [`Ewma`] the fast and slow averages; [`Forecast`] is what policies read:
//! quantiles of the mean throughput over the next 2, 4 and 10 s. Before a session has a history, its cohort ([`Pool`]) or its
//! radio ([`radio_prior`]) gives the forecast.

mod coded;
mod cohort;
mod ewma;
mod features;
mod history;
mod lognormal;
mod prior;
mod quantile;
mod radio;
mod scale;
mod timeline;

pub use coded::CompactForecast;
pub use cohort::{CohortForecast, Pool};
pub use ewma::Ewma;
pub use features::Features;
pub use history::{History, Transfer};
pub use lognormal::lognormal;
pub use prior::{PRIOR_WEIGHT_S, SETTLED_S};
pub use quantile::{OUTPUTS as QUANTILE_OUTPUTS, Quantile, WIDTH as QUANTILE_WIDTH, quantile};
pub use radio::{RADIO_WEIGHT_S, Signal, radio_prior};
pub use timeline::Timeline;

use crate::{time::Duration, units::Bitrate};

/// Horizons of a forecast: one tick, two ticks, a live buffer.
pub const HORIZONS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(10)];

/// Levels of the quantiles of a forecast, ascending. Equal-mass scenarios: each stands for a fifth of the futures.
pub const LEVELS: [f32; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

/// Highest throughput one viewer's link is believed to have: ten times the 1 Gbit/s that 3GPP TS 22.261 table 7.1-1
/// wants a 5G user to experience at best. Anything above is a cache or a loopback and counts as this much; no session is
/// told to expect more.
pub const PLAUSIBLE_THROUGHPUT: Bitrate = Bitrate::mbps(10_000);

/// Quantiles of the mean throughput over each horizon, in kbit/s; zero everywhere when nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forecast {
    /// `quantiles_kbps[horizon][level]`, ascending within a horizon.
    pub quantiles_kbps: [[f32; 5]; 3],
}

impl Forecast {
    /// Nothing is known: policies hold.
    pub const UNKNOWN: Self = Self { quantiles_kbps: [[0.0; 5]; 3] };

    /// Whether there is no evidence behind this forecast.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.quantiles_kbps[0][4] <= 0.0
    }

    /// The median over the horizon nearest to `horizon`.
    #[must_use]
    pub fn median(&self, horizon: Duration) -> Bitrate {
        Bitrate::from_kbps_f64(f64::from(self.scenarios(horizon)[2]))
    }

    /// The five equal-mass scenarios, in kbit/s ascending, of the horizon nearest to `horizon`.
    #[must_use]
    pub fn scenarios(&self, horizon: Duration) -> &[f32; 5] {
        let seconds = horizon.as_secs_f64();
        // Borders at the geometric means of neighbouring horizons: 2.8 s and 6.3 s.
        let index = if seconds < 2.8 { 0 } else { usize::from(seconds >= 6.3) + 1 };
        &self.quantiles_kbps[index]
    }
}
