//! What to expect of a link before it has shown itself, and how that gives way to what it shows.

use super::{Forecast, History};

/// Seconds of a session's own history that count as much as its cohort. A session's own first second says more than any
/// number of others; what the cohort adds is how far things may yet move. Chosen on permissively licensed traces, see
/// docs/algorithms/forecast.md.
pub const PRIOR_WEIGHT_S: f32 = 0.2;

/// Own history beyond which a prior is not looked at any more: it would count for less than a twentieth.
pub const SETTLED_S: f32 = 4.0;

impl Forecast {
    /// This forecast of a session that has seen `own_s` seconds of its link, drawn towards `prior`, which counts as
    /// `weight_s` seconds: quantile by quantile, in logarithms. Where one is unknown the other stands.
    #[must_use]
    pub fn drawn_towards(&self, prior: &Self, own_s: f32, weight_s: f32) -> Self {
        if prior.is_unknown() {
            return *self;
        }
        if self.is_unknown() {
            return *prior;
        }
        let own_share = own_s / (own_s + weight_s);
        let mut drawn = *self;
        let quantiles = drawn.quantiles_kbps.as_flattened_mut().iter_mut();
        for (own, prior) in quantiles.zip(prior.quantiles_kbps.as_flattened()) {
            *own = prior * (*own / prior).powf(own_share);
        }
        drawn
    }

    /// This forecast at `factor` times the rates.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        Self { quantiles_kbps: self.quantiles_kbps.map(|quantiles| quantiles.map(|kbps| kbps * factor)) }
    }
}

impl History {
    /// How much of its link a session has seen, for [`Forecast::drawn_towards`]: seconds, or transfers where those were
    /// shorter, for a fast link shows as much in a fifth of a second.
    #[must_use]
    pub fn seen_s(&self) -> f32 {
        (self.timeline().known_s()).max(self.len() as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{time::Duration, units::Bitrate};
    use proptest::prelude::*;

    fn flat(kbps: f32) -> Forecast {
        Forecast { quantiles_kbps: [[0.5, 0.8, 1.0, 1.2, 2.0].map(|share| share * kbps); 3] }
    }

    #[test]
    fn own_history_takes_over() {
        let (own, prior) = (flat(8_000.0), flat(1_000.0));
        assert_eq!(Forecast::UNKNOWN.drawn_towards(&prior, 0.0, 1.0), prior);
        assert_eq!(own.drawn_towards(&Forecast::UNKNOWN, 0.0, 1.0), own);
        let medians: Vec<f32> =
            [0.0, 1.0, 3.0, 14.0, 1e9].map(|own_s| own.drawn_towards(&prior, own_s, 1.0).quantiles_kbps[1][2]).into();
        assert!(medians.is_sorted(), "{medians:?}");
        assert!((medians[0] - 1_000.0).abs() < 1.0 && (medians[4] - 8_000.0).abs() < 1.0, "{medians:?}");
        assert!((medians[1] - 8_000_f32.sqrt() * 1_000_f32.sqrt()).abs() < 1.0, "equal weight: {medians:?}");
    }

    #[test]
    fn short_transfers_count_as_seconds() {
        let mut history = History::default();
        assert_eq!(history.seen_s(), 0.0);
        history.push(Bitrate::mbps(100), Duration::from_millis(100));
        assert_eq!(history.seen_s(), 1.0);
        history.push(Bitrate::mbps(100), Duration::from_secs(5));
        assert!((history.seen_s() - 5.1).abs() < 0.02, "{}", history.seen_s());
    }

    proptest! {
        #[test]
        fn quantiles_stay_in_order(own in 100.0_f32..1e6, prior in 100.0_f32..1e6, own_s in 0.0_f32..20.0) {
            let drawn = flat(own).drawn_towards(&flat(prior), own_s, PRIOR_WEIGHT_S);
            for quantiles in drawn.quantiles_kbps {
                prop_assert!(quantiles.is_sorted());
                prop_assert!(quantiles[2] > own.min(prior) * 0.999 && quantiles[2] < own.max(prior) * 1.001);
            }
        }
    }
}
