//! What a session has seen of its link so far, as the engine keeps it.

use headroom_core::{
    forecast::{Ewma, Forecast, History, lognormal},
    time::Duration,
    units::Bitrate,
};

/// Half-lives of the averages in seconds of transfer: those of the engine (hls.js live defaults 3 and 9).
const FAST_HALF_LIFE_S: f32 = 3.0;
const SLOW_HALF_LIFE_S: f32 = 9.0;

/// Past transfers and the forecast made from them.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    history: History,
    forecast: Forecast,
    fast: Ewma,
    slow: Ewma,
    /// Transfers in the history that the averages have not seen: they are only kept for those who forecast.
    unseen: usize,
}

impl Observed {
    /// Adds a finished transfer of `bits` in `seconds`, before which the link was idle for `pause_s`.
    pub fn push(&mut self, pause_s: f64, bits: f64, seconds: f64) {
        let throughput = Bitrate::from_kbps_f64(bits / seconds / 1_000.0);
        self.history.push_after(Duration::from_secs_f64(pause_s), throughput, Duration::from_secs_f64(seconds));
        self.unseen = (self.unseen + 1).min(self.history.len());
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
        let new: Vec<_> = self.history.newest_first().take(self.unseen).collect();
        for transfer in new.into_iter().rev() {
            let (kbps, seconds) = (transfer.throughput_kbps, transfer.seconds);
            self.fast.observe(kbps, seconds, FAST_HALF_LIFE_S);
            self.slow.observe(kbps, seconds, SLOW_HALF_LIFE_S);
        }
        self.unseen = 0;
        let (fast, slow) = (self.fast.value(FAST_HALF_LIFE_S), self.slow.value(SLOW_HALF_LIFE_S));
        self.forecast = lognormal(fast, slow, &self.history);
    }
}
