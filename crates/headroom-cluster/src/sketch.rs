//! Quantiles of many values in little room, mergeable: DDSketch (Masson, Rim and Lee, VLDB 2019).
//!
//! A value lands in the bin of its logarithm, so every quantile is right within [`ACCURACY`] of itself, and sketches of
//! different shards, minutes or machines add up to the sketch of all their values.

use std::collections::BTreeMap;

/// Largest relative error of a quantile: a MOS of 4 within 0.08, 10 Mbit/s within 0.2.
pub const ACCURACY: f64 = 0.02;

/// Largest index of a bin, either way: 1e-9 to 7e8 of the unit, beyond any rate, time or score here.
const EXTENT: i32 = 512;

/// Where values fell, by logarithmic bin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    bins: BTreeMap<i16, u64>,
}

/// Bytes that are no sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sketch")]
pub struct DecodeError;

impl Sketch {
    /// Adds a value. Only positive finite values count; what lies outside 1e-9 to 7e8 units falls into the outermost
    /// bins.
    pub fn add(&mut self, value: f64) {
        if value > 0.0 && value.is_finite() {
            let bin = (value.ln() / gamma().ln()).ceil().clamp(f64::from(-EXTENT), f64::from(EXTENT));
            *self.bins.entry(bin as i16).or_default() += 1;
        }
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Self) {
        for (&bin, count) in &other.bins {
            *self.bins.entry(bin).or_default() += count;
        }
    }

    /// Values added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().sum()
    }

    /// The values, as rounded, and how many there are of each.
    pub fn bins(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.bins.iter().map(|(&bin, &count)| (value(bin), count))
    }

    /// The value below which the share `quantile` (0 to 1) lies; `None` of nothing.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let count = self.count();
        let rank = (quantile.clamp(0.0, 1.0) * (count.saturating_sub(1)) as f64) as u64;
        let mut seen = 0;
        let bin = self.bins.iter().find_map(|(&bin, count)| {
            seen += count;
            (seen > rank).then_some(bin)
        })?;
        Some(value(bin))
    }

    /// Share of the values above `limit`, right within a bin; `None` of nothing.
    #[must_use]
    pub fn share_above(&self, limit: f64) -> Option<f64> {
        let above = |bin: i16| 2.0 * gamma().powi(i32::from(bin)) / (gamma() + 1.0) > limit;
        let over: u64 = self.bins.iter().filter(|(bin, _)| above(**bin)).map(|(_, count)| count).sum();
        let count = self.count();
        (count > 0).then(|| over as f64 / count as f64)
    }

    /// As bytes: pairs of bin distance and count, as variable-length integers.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bins.len() * 3);
        let mut previous = -EXTENT - 1;
        for (&bin, &count) in &self.bins {
            write_varint(&mut bytes, (i32::from(bin) - previous) as u64);
            write_varint(&mut bytes, count);
            previous = i32::from(bin);
        }
        bytes
    }

    /// From the bytes of [`Sketch::encode`].
    ///
    /// # Errors
    /// When the bytes were not written by it.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut bins = BTreeMap::new();
        let mut bin = i64::from(-EXTENT - 1);
        while !bytes.is_empty() {
            let distance = read_varint(&mut bytes).ok_or(DecodeError)?;
            let count = read_varint(&mut bytes).filter(|&count| count < 1 << 48).ok_or(DecodeError)?;
            bin += i64::try_from(distance).ok().filter(|distance| (1..=2_048).contains(distance)).ok_or(DecodeError)?;
            if bin > i64::from(EXTENT) {
                return Err(DecodeError);
            }
            bins.insert(bin as i16, count);
        }
        Ok(Self { bins })
    }
}

/// What stands for all values of a bin.
fn value(bin: i16) -> f64 {
    2.0 * gamma().powi(i32::from(bin)) / (gamma() + 1.0)
}

fn gamma() -> f64 {
    (1.0 + ACCURACY) / (1.0 - ACCURACY)
}

/// LEB128.
fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_the_accuracy_also_when_merged() {
        let (mut even, mut odd) = (Sketch::default(), Sketch::default());
        for value in 1..=100_000_u32 {
            if value % 2 == 0 { &mut even } else { &mut odd }.add(f64::from(value));
        }
        even.merge(&odd);
        for percent in [1, 10, 50, 90, 99, 100] {
            let (exact, found) = (f64::from(percent * 1_000), even.quantile(f64::from(percent) / 100.0).unwrap());
            assert!((found / exact - 1.0).abs() <= ACCURACY + 1e-4, "{percent} %: {found} against {exact}");
        }
        assert!((even.share_above(25_000.0).unwrap() - 0.75).abs() < ACCURACY, "{:?}", even.share_above(25_000.0));
        assert_eq!(Sketch::default().share_above(1.0), None);
        assert_eq!(Sketch::decode(&even.encode()), Ok(even));
    }

    #[test]
    fn only_what_was_encoded_is_decoded() {
        let mut sketch = Sketch::default();
        [0.0, -1.0, f64::NAN, f64::INFINITY].into_iter().for_each(|value| sketch.add(value));
        assert_eq!((sketch.count(), sketch.quantile(0.5)), (0, None));
        [1e-300, 1e300, 4.2].into_iter().for_each(|value| sketch.add(value));
        let bytes = sketch.encode();
        assert_eq!(Sketch::decode(&bytes), Ok(sketch));
        assert!(Sketch::decode(&bytes[..bytes.len() - 1]).is_err());
        for foreign in [&[0xff; 12][..], &[0, 1], &[0xff, 0x7f, 1], &[1]] {
            assert_eq!(Sketch::decode(foreign), Err(DecodeError), "{foreign:?}");
        }
    }
}
