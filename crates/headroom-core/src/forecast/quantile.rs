//! The learned forecast: a small network from the last sixteen seconds to fifteen quantiles.
//!
//! It answers relative to the link's own level ([`Features`]), so it is as good on links ten times as fast as on those it
//! was trained on, where both behave alike. Trained by `headroom train forecast` with the pinball loss (Koenker, Bassett:
//! "Regression Quantiles", Econometrica 1978); figures and training data stand in models/forecast/CARD.md.

use super::{Features, Forecast, HORIZONS, History, LEVELS};
use crate::network::{self, Dense, rectified};
use std::sync::LazyLock;

/// Units in each hidden layer: 2.2 thousand weights in all, about half a microsecond.
pub const WIDTH: usize = 32;
/// One output for each level of each horizon.
pub const OUTPUTS: usize = HORIZONS.len() * LEVELS.len();

/// The network: two hidden layers, outputs in logarithms relative to the reference level.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantile {
    /// Features to the first hidden layer.
    pub first: Dense<{ Features::COUNT }, WIDTH>,
    /// First to second hidden layer.
    pub second: Dense<WIDTH, WIDTH>,
    /// Second hidden layer to `output[horizon × 5 + level]`.
    pub last: Dense<WIDTH, OUTPUTS>,
}

/// Outputs further from the reference level than this (a factor of 400) count as this far: bounds a forecast on input
/// unlike anything seen in training.
const FARTHEST: f32 = 6.0;

impl Quantile {
    /// The weights that come with Headroom.
    ///
    /// # Panics
    /// Never: a test reads the file that is compiled in.
    #[must_use]
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Quantile> = LazyLock::new(|| {
            network::Network::from_bytes(include_bytes!("../../weights/forecast.bin"))
                .expect("invariant: the weights compiled in are of this shape")
        });
        &SHIPPED
    }

    /// Forecast from what a session has transferred; unknown before its first transfer.
    #[must_use]
    pub fn forecast(&self, history: &History) -> Forecast {
        let Some(ln_quantiles) = self.ln_quantiles(history) else {
            return Forecast::UNKNOWN;
        };
        let mut forecast = Forecast { quantiles_kbps: ln_quantiles.map(|quantiles| quantiles.map(f32::exp)) };
        for quantiles in &mut forecast.quantiles_kbps {
            // Levels are learned apart and may cross; sorting them never makes them worse (Chernozhukov,
            // Fernández-Val, Galichon: "Quantile and Probability Curves Without Crossing", Econometrica 2010).
            quantiles.sort_unstable_by(f32::total_cmp);
        }
        forecast
    }

    /// Natural logarithms of the quantiles in kbit/s, which may cross; `None` before the first transfer.
    pub(super) fn ln_quantiles(&self, history: &History) -> Option<[[f32; LEVELS.len()]; HORIZONS.len()]> {
        let features = Features::of(history)?;
        let outputs = self.outputs(&features.values);
        let (levels, _) = outputs.as_chunks::<{ LEVELS.len() }>();
        let ln_kbps = |relative: f32| features.ln_reference + relative.clamp(-FARTHEST, FARTHEST);
        Some(std::array::from_fn(|horizon| levels[horizon].map(ln_kbps)))
    }

    /// What the network answers for these features.
    #[must_use]
    pub fn outputs(&self, features: &[f32; Features::COUNT]) -> [f32; OUTPUTS] {
        let first = rectified(self.first.apply(features));
        let second = rectified(self.second.apply(&first));
        self.last.apply(&second)
    }
}

impl network::Network for Quantile {
    const MAGIC: [u8; 4] = *b"HRQ1";

    fn zero() -> Self {
        Self { first: Dense::zero(), second: Dense::zero(), last: Dense::zero() }
    }

    fn parameters(&self) -> Vec<&[f32]> {
        [self.first.parameters(), self.second.parameters(), self.last.parameters()].concat()
    }

    fn parameters_mut(&mut self) -> Vec<&mut [f32]> {
        let parts = [self.first.parameters_mut(), self.second.parameters_mut(), self.last.parameters_mut()];
        parts.into_iter().flatten().collect()
    }
}

/// Forecast by the weights that come with Headroom.
#[must_use]
pub fn quantile(history: &History) -> Forecast {
    Quantile::shipped().forecast(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{time::Duration, units::Bitrate};

    fn history(kbps: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::default();
        kbps.into_iter().for_each(|kbps| history.push(Bitrate::kbps(kbps), Duration::from_secs(1)));
        history
    }

    #[test]
    fn the_shipped_weights_know_steady_links_from_jumpy_ones() {
        assert!(quantile(&History::default()).is_unknown());
        let steady = quantile(&history([20_000; 16]));
        let jumpy = quantile(&history([20_000, 2_000].into_iter().cycle().take(16)));
        for forecast in [&steady, &jumpy] {
            for quantiles in &forecast.quantiles_kbps {
                assert!(quantiles.is_sorted(), "{quantiles:?}");
            }
        }
        let spread = |forecast: &Forecast| forecast.quantiles_kbps[1][4] / forecast.quantiles_kbps[1][0];
        assert!(spread(&jumpy) > 2.0 * spread(&steady), "{} {}", spread(&jumpy), spread(&steady));
        let median = steady.quantiles_kbps[0][2];
        assert!((16_000.0..24_000.0).contains(&median), "a steady link goes on: {median}");
    }

    #[test]
    fn absurd_histories_give_finite_forecasts() {
        for kbps in [1, u64::MAX] {
            let forecast = quantile(&history([kbps; 20]));
            assert!(forecast.quantiles_kbps.iter().flatten().all(|kbps| kbps.is_finite() && *kbps > 0.0), "{kbps}");
        }
    }
}
