//! A forecast in fifteen bytes, to be kept with every session.

use super::{Forecast, History, LEVELS, Quantile, scale};

/// The learned forecast on the scale of the [`super::Timeline`]: made when a transfer ends, read as often as one likes.
///
/// It differs from [`super::quantile`] by at most half a step of the scale, 2.8 %. The forecast itself is wrong by about
/// ten times as much (see models/forecast/CARD.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactForecast([[u8; LEVELS.len()]; 3]);

impl CompactForecast {
    /// The forecast after the transfers of `history`, by the weights that come with Headroom.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let Some(ln_quantiles) = Quantile::shipped().ln_quantiles(history) else {
            return Self::default();
        };
        Self(ln_quantiles.map(|quantiles| sorted(quantiles.map(scale::code))))
    }

    /// The same as rates; unknown before the first transfer.
    #[must_use]
    pub fn decode(&self) -> Forecast {
        let rates = scale::rates_kbps();
        let mut quantiles_kbps = [[0.0; LEVELS.len()]; 3];
        // Not `map`: nested, it is compiled to calls, which every decision of a tick would pay for.
        for (rate, code) in quantiles_kbps.as_flattened_mut().iter_mut().zip(self.0.as_flattened()) {
            *rate = rates[usize::from(*code)];
        }
        Forecast { quantiles_kbps }
    }

    /// Whether there is no evidence behind this forecast.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.0[0][4] == 0
    }
}

/// Sorts five codes without a branch: the nine exchanges of Knuth, TAOCP vol. 3 §5.3.4.
fn sorted(mut codes: [u8; 5]) -> [u8; 5] {
    for (low, high) in [(0, 1), (3, 4), (2, 4), (2, 3), (1, 4), (0, 3), (0, 2), (1, 3), (1, 2)] {
        (codes[low], codes[high]) = (codes[low].min(codes[high]), codes[low].max(codes[high]));
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{forecast::quantile, time::Duration, units::Bitrate};
    use proptest::prelude::*;

    #[test]
    fn sorts_every_order_of_five() {
        for number in 0..5_u32.pow(5) {
            let codes: [u8; 5] = std::array::from_fn(|place| (number / 5_u32.pow(place as u32) % 5) as u8);
            let mut expected = codes;
            expected.sort_unstable();
            assert_eq!(sorted(codes), expected);
        }
    }

    proptest! {
        #[test]
        fn lies_within_half_a_step_of_the_exact_forecast(
            transfers in proptest::collection::vec((100_u64..2_000_000, 50_u64..4_000), 0..20),
        ) {
            let mut history = History::default();
            for (kbps, millis) in transfers {
                history.push(Bitrate::kbps(kbps), Duration::from_millis(millis));
            }
            let (coded, exact) = (CompactForecast::of(&history), quantile(&history));
            prop_assert_eq!(coded.is_unknown(), exact.is_unknown());
            prop_assert_eq!(coded.decode().is_unknown(), exact.is_unknown());
            let pairs = coded.decode().quantiles_kbps.into_iter().flatten().zip(exact.quantiles_kbps.into_iter().flatten());
            for (coded, exact) in pairs.filter(|&(_, exact)| exact > 10.0 && exact < 1e7) {
                prop_assert!((coded / exact).ln().abs() < 0.0275, "{coded} for {exact}");
            }
        }
    }
}
