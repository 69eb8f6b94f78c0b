//! What a session has seen of its link so far, as the engine keeps it.

use headroom_core::{
    forecast::{Forecast, History, quantile},
    policy::Evidence,
    time::Duration,
    units::Bitrate,
};

/// Past transfers and the forecast made from them.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    history: History,
    forecast: Forecast,
}

impl Observed {
    /// Adds a finished transfer of `bits` in `seconds`, before which the link was idle for `pause_s`, as far as `evidence` of
    /// it will be read.
    pub fn push(&mut self, pause_s: f64, bits: f64, seconds: f64, evidence: Evidence) {
        let (throughput, transfer_time) =
            (Bitrate::from_kbps_f64(bits / seconds / 1_000.0), Duration::from_secs_f64(seconds));
        if evidence == Evidence::Transfers {
            self.history.push_alone(throughput, transfer_time);
        } else {
            self.history.push_after(Duration::from_secs_f64(pause_s), throughput, transfer_time);
        }
    }

    /// The last transfers.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The forecast as of the last [`Observed::update_forecast`]; unknown before the first.
    #[must_use]
    pub fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// Brings the forecast up to date.
    pub fn update_forecast(&mut self) {
        self.forecast = quantile(&self.history);
    }
}
