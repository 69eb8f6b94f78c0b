//! Time as an argument. Nothing here reads a clock: the caller says what time it is.

use crate::units::rounded;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::ops::{Add, Sub};

/// A point in time, in microseconds since an epoch of the caller's choice (the server uses the Unix epoch).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch itself.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// From seconds since the epoch; negative or undefined becomes the epoch.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(rounded(seconds * 1e6))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time since `earlier`; zero when the clock stepped back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// A span of time in microseconds.
///
/// Serialised as milliseconds, so JSON keys that hold one end in `_ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// About 31 years: longer input is rejected as implausible.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// From microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// From fractional seconds; negative or undefined becomes zero.
    #[must_use]
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(rounded(seconds * 1e6))
    }

    /// Microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Self;
    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 1_000 {
            0 => serializer.serialize_u64(self.0 / 1_000),
            _ => serializer.serialize_f64(self.0 as f64 / 1_000.0),
        }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        if !(0.0..=Self::MAX.0 as f64 / 1_000.0).contains(&millis) {
            return Err(D::Error::custom(format!("duration {millis} ms is outside 0..=1e12")));
        }
        Ok(Self(rounded(millis * 1_000.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_steps_back_give_zero_not_panic() {
        assert_eq!(Timestamp::from_millis(1).since(Timestamp::from_millis(9)), Duration::ZERO);
        assert_eq!(Duration::ZERO - Duration::from_secs(1), Duration::ZERO);
    }

    #[test]
    fn duration_survives_json_to_the_microsecond() {
        for micros in [0, 1, 999, 1_000, 2_500_000, 1_234_567_891] {
            let span = Duration::from_micros(micros);
            let json = serde_json::to_string(&span).unwrap();
            assert_eq!(serde_json::from_str::<Duration>(&json).unwrap(), span, "{json}");
        }
        assert!(serde_json::from_str::<Duration>("-1").is_err());
    }
}
