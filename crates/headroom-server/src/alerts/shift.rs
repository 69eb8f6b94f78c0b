//! Change points: a series that settled on a worse level than it used to have, at once or within minutes.
//!
//! Page's cumulative sum (1954), one-sided, over minutes: S ← max(0, S + r − 1), where r is the distance from the usual
//! value in usual deviations. It grows only while values lie more than one deviation on the bad side, so steps of 2.5
//! deviations and more are found within minutes and noise is not: with independent normal noise, 12 is reached once in
//! about 10¹⁰ minutes (Siegmund, 1985, §2.6). The change began where the sum last left zero. What is usual follows the series with a memory
//! of half an hour, so that the slow rhythm of a day does not count as a change.

/// Share of a new minute in what is usual.
const USUAL: f64 = 1.0 / 30.0;

/// Share of a new minute in the usual deviation.
const SPREAD: f64 = 1.0 / 60.0;

/// Minutes until it is known what is usual.
const WARM: u32 = 30;

/// Deviations by which a minute must be worse to count.
const SLACK: f64 = 1.0;

/// Deviations a single minute counts at most: a level takes longer than one minute.
const MOST: f64 = 4.0;

/// The sum from which a change is certain: the new level becomes the usual one.
pub(super) const CERTAIN: f64 = 12.0;

/// A series of minutes in which larger is worse.
#[derive(Debug, Clone, Default)]
pub(super) struct Shift {
    minutes: u32,
    usual: f64,
    variance: f64,
    sum: f64,
    /// Minutes since the sum left zero, and their values' sum.
    since: (u32, f64),
}

/// A level that may have changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    /// Page's sum.
    pub(super) sum: f64,
    /// Minutes ago it began.
    pub(super) minutes_ago: u32,
    /// The level before.
    pub(super) before: f64,
    /// The mean since.
    pub(super) since: f64,
}

impl Shift {
    /// Takes in a minute's value. Deviations below `least` count as that: smaller changes go unnoticed.
    pub(super) fn observe(&mut self, value: f64, least: f64) {
        if self.sum >= CERTAIN {
            // Told of once; from now on this is how it is.
            *self = Self {
                usual: self.since.1 / f64::from(self.since.0.max(1)),
                variance: self.variance,
                minutes: WARM,
                ..Self::default()
            };
        }
        self.minutes = self.minutes.saturating_add(1);
        let share = |share: f64| share.max(1.0 / f64::from(self.minutes));
        let (of_level, of_spread) = (share(USUAL), share(SPREAD));
        let error = value - self.usual;
        let deviation = self.variance.sqrt().max(least);
        let bounded = if self.minutes > WARM { error.clamp(-MOST * deviation, MOST * deviation) } else { error };
        if self.minutes > WARM {
            self.sum = (self.sum + bounded / deviation - SLACK).max(0.0);
            self.since = if self.sum > 0.0 { (self.since.0 + 1, self.since.1 + value) } else { (0, 0.0) };
        }
        self.usual += of_level * bounded;
        if self.minutes > 1 {
            self.variance += of_spread * (bounded * bounded - self.variance);
        }
    }

    /// How things stand.
    pub(super) fn change(&self) -> Change {
        let (minutes_ago, values) = self.since;
        let since = if minutes_ago > 0 { values / f64::from(minutes_ago) } else { self.usual };
        Change { sum: self.sum, minutes_ago, before: self.usual, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The first minute of `values` at which the sum says certain.
    fn found(values: impl IntoIterator<Item = f64>) -> Option<(usize, Change)> {
        let mut shift = Shift::default();
        values.into_iter().enumerate().find_map(|(minute, value)| {
            shift.observe(value, 0.01);
            (shift.change().sum >= CERTAIN).then(|| (minute, shift.change()))
        })
    }

    #[test]
    fn a_step_is_found_and_dated() {
        let mut random = Random::new(1);
        let noise: Vec<f64> = (0..200).map(|_| random.normal()).collect();
        let (minute, change) =
            found(noise.iter().enumerate().map(|(minute, noise)| if minute < 120 { *noise } else { noise + 4.0 }))
                .unwrap();
        assert!((120..132).contains(&minute), "{minute}");
        assert!((minute + 1 - change.minutes_ago as usize).abs_diff(120) <= 2, "{minute}: {change:?}");
        assert!((change.since - 4.0).abs() < 1.0 && change.before < 2.0, "{change:?}");
    }

    #[test]
    fn noise_tides_and_single_minutes_are_no_change() {
        let mut random = Random::new(2);
        // A hundred days of noise on a tide of six deviations, with a wild minute every hour or so.
        let values = (0..144_000).map(|minute| {
            let tide = 3.0 * (f64::from(minute) / 1_440.0 * std::f64::consts::TAU).sin();
            let wild = if random.uniform() < 1.0 / 60.0 { 20.0 } else { 0.0 };
            tide + random.normal() + wild
        });
        assert_eq!(found(values), None);
        assert_eq!(found(std::iter::repeat_n(0.0, 100).chain([0.005; 100])), None, "too little to feel");
    }

    #[test]
    fn a_change_is_told_once() {
        let mut shift = Shift::default();
        let mut certain = 0;
        for minute in 0..600 {
            shift.observe(if minute < 100 { 0.0 } else { 1.0 }, 0.1);
            certain += u32::from(shift.change().sum >= CERTAIN);
        }
        assert_eq!(certain, 1);
    }
}
