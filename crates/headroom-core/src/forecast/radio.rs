//! A forecast from radio measurements, for a link that has carried nothing yet.
//!
//! Signal and noise bound what a resource block carries: the truncated Shannon bound that 3GPP uses for LTE and NR system
//! studies (TR 36.942 clause A.2, TR 38.803 clause 5.2.7: attenuation 0.6, nothing below −10 dB). What a viewer gets of it hangs on
//! the width of the carrier and on who else is in the cell, of which the radio says little: RSRQ falls as resource blocks
//! fill. So the median follows the bound and the spread is wide. Radio values are worth nothing once throughput is known
//! (docs/algorithms/forecast.md), so this counts for little and only at the start.

use super::{Forecast, HORIZONS, LEVELS};

/// Seconds of a session's own history that count as much as its radio: half of what a cohort is worth.
pub const RADIO_WEIGHT_S: f32 = 0.1;

/// Attenuation of Shannon's bound (TR 36.942 table A.2).
const ATTENUATION: f32 = 0.6;
/// Most bit/s a hertz: 256QAM at rate 0.93 on one layer (TS 38.214 table 5.1.3.1-2), before [`LAYERS`].
const MOST_BITS_PER_HZ: f32 = 7.4;
/// No link below this (TR 36.942 table A.2).
const LEAST_SINR_DB: f32 = -10.0;
/// A phone receives two streams where the channel is good.
const LAYERS: f32 = 2.0;
/// Width of the carrier, MHz: the widest LTE carrier, the least that 5G is deployed on at scale.
const CARRIER_MHZ: f32 = 20.0;
/// Share of the cell a viewer finds free in the median (own choice: a cell that is half full).
const FREE_SHARE: f32 = 0.5;
/// RSRQ of an empty and of a full cell seen alone, dB: −3 is one resource element in two, −10.8 all twelve (TS 38.215 clause 5.1.3).
const EMPTY_RSRQ_DB: f32 = -3.0;
const FULL_RSRQ_DB: f32 = -10.8;
/// Thermal noise of a 15 kHz subcarrier (−174 dBm/Hz) through a receiver with a noise figure of 9 dB, as TR 36.942 has
/// it for phones, dBm.
const NOISE_DBM: f32 = -123.2;
/// Interference keeps SINR below what power alone would give: half of the decibels above noise (own choice).
const SINR_PER_DB_OF_POWER: f32 = 0.5;
/// Standard deviation of the natural logarithm around the median: the least that drive tests on 5G show within a session
/// (1.9 to 2.8, see `headroom-sim/src/train/synthetic.rs`).
const SPREAD: f32 = 1.9;
/// Standard normal quantiles at [`LEVELS`].
const NORMAL: [f32; LEVELS.len()] = [-1.281_551_6, -0.524_400_5, 0.0, 0.524_400_5, 1.281_551_6];

/// What is known of the radio: 3GPP TS 38.215 clause 5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signal {
    /// Reference signal received power, dBm.
    pub rsrp_dbm: Option<f32>,
    /// Reference signal received quality, dB.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise, dB.
    pub sinr_db: Option<f32>,
}

/// The forecast for a session of which only the radio is known; unknown without SINR and RSRP. It rises with each of the three
/// values, the others being equal.
#[must_use]
pub fn radio_prior(signal: &Signal) -> Forecast {
    let by_power = signal.rsrp_dbm.map(|rsrp| (rsrp - NOISE_DBM) * SINR_PER_DB_OF_POWER);
    let Some(sinr_db) = signal.sinr_db.or(by_power) else {
        return Forecast::UNKNOWN;
    };
    let sinr = 10_f32.powf(sinr_db.max(LEAST_SINR_DB) / 10.0);
    let bits_per_hz = (ATTENUATION * (1.0 + sinr).log2()).min(MOST_BITS_PER_HZ);
    let median_kbps = bits_per_hz * LAYERS * CARRIER_MHZ * 1_000.0 * free_share(signal.rsrq_db);
    Forecast { quantiles_kbps: [NORMAL.map(|normal| median_kbps * (SPREAD * normal).exp()); HORIZONS.len()] }
}

/// Share of the cell that is free: a fourth more than usual in an empty cell, a fourth less in a full one.
fn free_share(rsrq_db: Option<f32>) -> f32 {
    let empty = rsrq_db.map_or(0.5, |rsrq| ((rsrq - FULL_RSRQ_DB) / (EMPTY_RSRQ_DB - FULL_RSRQ_DB)).clamp(0.0, 1.0));
    FREE_SHARE * (0.75 + 0.5 * empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signal(rsrp: f32, rsrq: f32, sinr: f32) -> Signal {
        Signal { rsrp_dbm: Some(rsrp), rsrq_db: Some(rsrq), sinr_db: Some(sinr) }
    }

    #[test]
    fn nothing_known_says_nothing_and_power_alone_says_something() {
        assert!(radio_prior(&Signal::default()).is_unknown());
        assert!(radio_prior(&Signal { rsrq_db: Some(-9.0), ..Signal::default() }).is_unknown());
        let median = |rsrp| radio_prior(&Signal { rsrp_dbm: Some(rsrp), ..Signal::default() }).quantiles_kbps[0][2];
        assert!(median(-120.0) < median(-100.0) && median(-100.0) < median(-80.0));
    }

    proptest! {
        #[test]
        fn a_better_radio_never_promises_less(
            rsrp in -156.0_f32..-31.0, rsrq in -43.0_f32..20.0, sinr in -23.0_f32..40.0, more in 0.0_f32..20.0,
        ) {
            let before = radio_prior(&signal(rsrp, rsrq, sinr)).quantiles_kbps[1];
            prop_assert!(before.is_sorted() && before[0] > 0.0 && before[4].is_finite());
            for better in [signal(rsrp + more, rsrq, sinr), signal(rsrp, rsrq + more, sinr), signal(rsrp, rsrq, sinr + more)] {
                prop_assert!(radio_prior(&better).quantiles_kbps[1][2] >= before[2]);
            }
        }
    }
}
