//! Quantities as types: a bit rate, a share, a signal level. Bare numbers live only on the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A bit rate in bits per second.
///
/// Serialised as kilobits per second (the unit of CMCD), so JSON keys that hold one end in `_kbps`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(u64);

impl Bitrate {
    /// Nothing at all.
    pub const ZERO: Self = Self(0);
    /// One terabit per second: more than any link of one viewer; larger input is rejected as implausible.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// From bits per second, capped at [`Bitrate::MAX`].
    #[must_use]
    pub const fn bps(bits_per_second: u64) -> Self {
        if bits_per_second > Self::MAX.0 { Self::MAX } else { Self(bits_per_second) }
    }

    /// From kilobits per second, capped at [`Bitrate::MAX`].
    #[must_use]
    pub const fn kbps(kilobits_per_second: u64) -> Self {
        Self::bps(kilobits_per_second.saturating_mul(1_000))
    }

    /// From megabits per second, capped at [`Bitrate::MAX`].
    #[must_use]
    pub const fn mbps(megabits_per_second: u64) -> Self {
        Self::bps(megabits_per_second.saturating_mul(1_000_000))
    }

    /// From fractional kilobits per second; what is not a number or negative becomes zero.
    #[must_use]
    pub fn from_kbps_f64(kilobits_per_second: f64) -> Self {
        // `as` saturates and maps NaN to zero, which is what unknown means here.
        Self::bps(rounded(kilobits_per_second * 1_000.0))
    }

    /// Bits per second.
    #[must_use]
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// Kilobits per second.
    #[must_use]
    pub fn as_kbps(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// Megabits per second.
    #[must_use]
    pub fn as_mbps(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }

    /// This rate times `factor` (a negative or undefined factor gives zero).
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self::bps(rounded(self.0 as f64 * factor))
    }
}

/// The nearest whole number; zero for NaN and below. `f64::round` is a call into the C library on plain x86-64, and units
/// are converted on every path.
#[inline]
pub(crate) fn rounded(value: f64) -> u64 {
    (value + 0.5) as u64
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000_000 => write!(f, "{:.0} kbit/s", self.as_kbps()),
            _ => write!(f, "{:.1} Mbit/s", self.as_mbps()),
        }
    }
}

impl Serialize for Bitrate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1_000 {
            0 => serializer.serialize_u64(self.0 / 1_000),
            _ => serializer.serialize_f64(self.as_kbps()),
        }
    }
}

impl<'de> Deserialize<'de> for Bitrate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kilobits = f64::deserialize(deserializer)?;
        if !(0.0..=Self::MAX.as_kbps()).contains(&kilobits) {
            return Err(D::Error::custom(format!("bit rate {kilobits} kbit/s is outside 0..=1e9")));
        }
        Ok(Self::from_kbps_f64(kilobits))
    }
}

/// A share of a whole, `0.0..=1.0`: loss, coverage, probability.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Ratio(f32);

impl Ratio {
    /// None of it.
    pub const ZERO: Self = Self(0.0);
    /// All of it.
    pub const ONE: Self = Self(1.0);

    /// A ratio, clamped into `0..=1`; what is not a number becomes zero.
    #[must_use]
    pub const fn clamped(value: f32) -> Self {
        if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, 1.0)) }
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> f32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f32::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&value) {
            return Err(D::Error::custom(format!("ratio {value} is outside 0..=1")));
        }
        Ok(Self(value))
    }
}

/// A mean opinion score on the five-point scale of ITU-T P.800: 1 bad … 5 excellent.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mos(f32);

impl Mos {
    /// The worst score.
    pub const BAD: Self = Self(1.0);
    /// The best score.
    pub const EXCELLENT: Self = Self(5.0);

    /// A score, clamped into `1..=5`; what is not a number becomes the worst.
    #[must_use]
    pub const fn clamped(value: f32) -> Self {
        if value.is_nan() { Self::BAD } else { Self(value.clamp(1.0, 5.0)) }
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrate_survives_json_to_the_bit() {
        for bits in [0, 1, 999, 1_000, 1_234_567, 20_000_000, 999_999_999_999] {
            let rate = Bitrate::bps(bits);
            let json = serde_json::to_string(&rate).unwrap();
            assert_eq!(serde_json::from_str::<Bitrate>(&json).unwrap(), rate, "{json}");
        }
    }

    #[test]
    fn implausible_numbers_are_refused_or_clamped() {
        for bad in ["-1", "1e10", "1e308"] {
            assert!(serde_json::from_str::<Bitrate>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Ratio>("1.01").is_err());
        assert_eq!(Bitrate::from_kbps_f64(f64::NAN), Bitrate::ZERO);
        assert_eq!(Bitrate::from_kbps_f64(f64::INFINITY), Bitrate::MAX);
        assert_eq!(Ratio::clamped(f32::NAN), Ratio::ZERO);
        assert_eq!(Mos::clamped(9.0), Mos::EXCELLENT);
    }
}
