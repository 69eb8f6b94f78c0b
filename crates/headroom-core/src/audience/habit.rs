//! What is usual for a stream, learned slowly, and how unusual the present is.

use crate::time::Duration;

/// A mean that forgets: what was usual over the last hour or so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    value: f64,
    /// Time learned from, seconds, up to a few half-lives: a young habit learns faster.
    learned_s: f64,
}

/// Half-life of a habit: an hour is several games long, and short against a day.
const HALF_LIFE_S: f64 = 3_600.0;
/// A guess that counts as much as this much experience, seconds.
const GUESS_S: f64 = 600.0;

impl Habit {
    /// A first guess, worth ten minutes of experience.
    pub(super) const fn guess(value: f64) -> Self {
        Self { value, learned_s: GUESS_S }
    }

    pub(super) const fn value(&self) -> f64 {
        self.value
    }

    /// Learns that it was `value` for `span`.
    pub(super) fn learn(&mut self, value: f64, span: Duration) {
        let span_s = span.as_secs_f64();
        // A plain mean at first, an exponential one once an hour is known.
        self.learned_s = (self.learned_s + span_s).min(HALF_LIFE_S / std::f64::consts::LN_2);
        self.value += (value - self.value) * (span_s / self.learned_s).min(1.0);
    }
}

/// How surprising `count` events are where `expected` are usual: the logarithm of the likelihood ratio of a raised Poisson
/// rate, the statistic of Kulldorff's scan (1997). The chance of such a count is at most e to the minus this (Chernoff).
pub(super) fn surprise(count: f64, expected: f64) -> f64 {
    if count <= expected { 0.0 } else { count * (count / expected).ln() - (count - expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_form_within_minutes_and_change_over_hours() {
        let mut habit = Habit::guess(0.0);
        for _ in 0..1_800 {
            habit.learn(1.0, Duration::from_secs(2));
        }
        assert!((0.6..0.95).contains(&habit.value()), "after an hour {}", habit.value());
        for _ in 0..150 {
            habit.learn(10.0, Duration::from_secs(2));
        }
        assert!(habit.value() < 2.0, "five minutes make no habit: {}", habit.value());
    }

    #[test]
    fn surprise_bounds_the_tail_of_poisson() {
        for (expected, count) in [(0.1_f64, 4), (1.0, 8), (10.0, 30), (100.0, 160)] {
            let term = |k: i32| {
                let log_factorial: f64 = (1..=k).map(|i| f64::from(i).ln()).sum();
                (f64::from(k) * expected.ln() - expected - log_factorial).exp()
            };
            let tail: f64 = (count..count + 200).map(term).sum();
            let bound = (-surprise(f64::from(count), expected)).exp();
            assert!(tail <= bound && bound < tail * 60.0, "{expected} {count}: {tail} {bound}");
        }
        assert_eq!(surprise(1.0, 2.0), 0.0);
    }
}
