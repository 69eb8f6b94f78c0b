//! What learned models see of a link: twenty numbers, relative to the link's own level.
//!
//! Rates enter as logarithms relative to a reference level, and models answer relative to it too. A link ten times as fast
//! gives the same features, so what was learned on 3G and 4G holds on 5G as far as the links behave alike.

use super::{History, Timeline, scale};

/// The features of one session's history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// Natural logarithm of the reference level in kbit/s.
    pub ln_reference: f32,
    /// See [`Features::of`].
    pub values: [f32; Self::COUNT],
}

/// Share of the reference level that one second older adds: a half-life of 2 s, the shortest horizon.
const FADE: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Features further from the reference than this (a factor of 55) count as this far.
const FARTHEST: f32 = 4.0;
/// Transfers shorter than this count as this long.
const SHORTEST_S: f32 = 0.05;

impl Features {
    /// How many there are.
    pub const COUNT: usize = Timeline::SECONDS + 4;

    /// The sixteen last seconds (newest first), the newest transfer's rate and duration, the spread of the seconds, and
    /// the share of them that is known. `None` before the first transfer.
    #[must_use]
    pub fn of(history: &History) -> Option<Self> {
        let newest = history.newest()?;
        let (seconds, known) = history.timeline().newest_first();
        let ln_reference = reference(&seconds[..known.max(1)]);
        let relative = |ln_kbps: f32| (ln_kbps - ln_reference).clamp(-FARTHEST, FARTHEST);
        let mut values = [0.0; Self::COUNT];
        for (value, code) in values.iter_mut().zip(seconds) {
            *value = relative(scale::ln_kbps(code));
        }
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in &values[..known] {
            sum += value;
            squares += value * value;
        }
        let count = known.max(1) as f32;
        let mean = sum / count;
        values[Timeline::SECONDS..].copy_from_slice(&[
            relative(newest.throughput_kbps.max(1.0).ln()),
            newest.seconds.max(SHORTEST_S).ln().min(FARTHEST),
            (squares / count - mean * mean).max(0.0).sqrt(),
            known as f32 / Timeline::SECONDS as f32,
        ]);
        Some(Self { ln_reference, values })
    }
}

/// Logarithm of the fading mean of the rates of these codes, newest first.
fn reference(codes: &[u8]) -> f32 {
    let rates_kbps = scale::rates_kbps();
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for &code in codes {
        sum += weight * rates_kbps[usize::from(code)];
        weights += weight;
        weight *= FADE;
    }
    (sum / weights).ln()
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
    fn a_faster_link_of_the_same_shape_gives_the_same_features() {
        let shape = [500, 800, 300, 900, 100, 700];
        let slow = Features::of(&history(shape)).unwrap();
        let fast = Features::of(&history(shape.map(|kbps| kbps * 100))).unwrap();
        assert!((fast.ln_reference - slow.ln_reference - 100_f32.ln()).abs() < 0.06);
        for (slow, fast) in slow.values.iter().zip(&fast.values) {
            assert!((slow - fast).abs() < 0.12, "{slow} {fast}");
        }
    }

    #[test]
    fn nothing_known_gives_no_features() {
        assert_eq!(Features::of(&History::default()), None);
        let one = Features::of(&history([5_000])).unwrap();
        assert!((one.ln_reference - 5_000_f32.ln()).abs() < 0.03);
        assert!(one.values[..17].iter().all(|value| value.abs() < 0.06), "{one:?}");
        assert!((one.values[19] - 1.0 / 16.0).abs() < 1e-6);
    }
}
