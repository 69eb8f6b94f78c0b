//! The scale on which rates are remembered: a byte each, evenly spaced in the logarithm.

use std::sync::LazyLock;

/// Natural logarithm of the lowest rate told apart, 10 kbit/s: below it no rung of any ladder plays.
const LN_LOWEST: f32 = std::f32::consts::LN_10;
/// Step of the scale: 254 steps reach 10 Gbit/s (ln 10⁶ above the lowest, [`super::PLAUSIBLE_THROUGHPUT`]), so a step is 5.6 %.
const LN_STEP: f32 = 6.0 * std::f32::consts::LN_10 / 254.0;

/// The code of a rate given by its natural logarithm in kbit/s, from 1. Rates below the lowest, and NaN, take the first.
#[inline]
pub(super) fn code(ln_kbps: f32) -> u8 {
    let step = ((ln_kbps - LN_LOWEST) / LN_STEP).clamp(0.0, 254.0);
    // Adding 2²³ leaves the nearest integer in the low bits: a few instructions for many rates at once, where `round` and
    // `as` take each by itself. NaN has zeros there.
    ((step + 8_388_608.0).to_bits() as u8).saturating_add(1)
}

/// Natural logarithm of the rate in kbit/s that `code` stands for.
pub(super) fn ln_kbps(code: u8) -> f32 {
    LN_LOWEST + f32::from(code.saturating_sub(1)) * LN_STEP
}

/// Rates in kbit/s by code; code 0 stands for unknown and has rate 0.
pub(super) fn rates_kbps() -> &'static [f32; 256] {
    static RATES: LazyLock<[f32; 256]> = LazyLock::new(|| {
        let mut rates = std::array::from_fn(|code| ln_kbps(code as u8).exp());
        rates[0] = 0.0;
        rates
    });
    &RATES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_means_its_own_rate() {
        for known in 1..=u8::MAX {
            assert_eq!(code(ln_kbps(known)), known);
            assert_eq!(code(rates_kbps()[usize::from(known)].ln()), known);
        }
        assert!(rates_kbps().is_sorted());
        for (ln, expected) in [(f32::NEG_INFINITY, 1), (f32::NAN, 1), (f32::INFINITY, 255)] {
            assert_eq!(code(ln), expected, "{ln}");
        }
    }
}
