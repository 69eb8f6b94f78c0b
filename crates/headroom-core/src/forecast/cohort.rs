//! What sessions that share a way to us measured lately: a forecast for one that has measured nothing yet, and a warning
//! for all when many of them fall at once.
//!
//! A cohort plays the same stream from the same edge over the same access network. A [`Pool`] keeps two things about it: how
//! its rates spread (a histogram in which every second of every session counts alike and fades by half in a minute), and how
//! far its rates lie below what each session was used to. The second is compared with what is usual there, for the rates of a
//! jumpy link lie below their own mean most of the time.

use super::{Forecast, HORIZONS, LEVELS};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Classes of rates.
const CLASSES: usize = 48;
/// Natural logarithm of the lowest rate told apart, 10 kbit/s, as on the scale of the timeline.
const LN_LOWEST: f32 = std::f32::consts::LN_10;
/// Width of a class: 48 of them reach 10 Gbit/s, a third more each.
const LN_WIDTH: f32 = 6.0 * std::f32::consts::LN_10 / CLASSES as f32;

/// Time after which what was measured counts half: a newcomer asks how the cell is now, and a minute of a few viewers is enough
/// to tell (own choice).
const FADE_S: f32 = 60.0;
/// A fall is judged over this half-life, and against the usual one over that of [`FADE_S`]: a little more than a tick.
const FALL_FADE_S: f32 = 3.0;
/// Session-seconds below which a pool has no forecast: three sessions of some segments.
const ENOUGH_S: f32 = 20.0;
/// Session-seconds at the usual level that every judgement of a fall starts with: one session alone cannot warn the others.
const FALL_PRIOR_S: f32 = 12.0;
/// A fall by less than a fourth is not worth a warning: sessions differ by as much by chance.
const LEAST_FALL: f32 = 0.29;
/// Standard deviation, in natural logarithms, of what the members are used to, from which on they do not share a link: a factor of
/// two. Behind one access network or address may lie links of a phone and of a fibre, and a newcomer may have either.
const LEAST_DISAGREEMENT: f32 = std::f32::consts::LN_2;
/// The largest change that one observation counts for, in natural logarithms (a factor of 7).
const FARTHEST_CHANGE: f32 = 2.0;

/// What one cohort measured. Pools of several engines add up ([`Pool::merge`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Session-seconds in each class of rates.
    classes: [f32; CLASSES],
    /// Changes against what each session was used to, in natural logarithms: just now, and usually.
    recent: Mean,
    usual: Mean,
    /// What each session is used to, in natural logarithms, and its square.
    level: Mean,
    level_squared: Mean,
    /// When the classes and means were faded last.
    at: Timestamp,
}

/// A weighted sum and its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f32,
    weight: f32,
}

impl Mean {
    fn observe(&mut self, value: f32, weight: f32) {
        self.sum += value * weight;
        self.weight += weight;
    }

    fn fade(&mut self, share: f32) {
        self.sum *= share;
        self.weight *= share;
    }
}

/// What is to be expected of a session of the cohort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CohortForecast {
    /// Rates in kbit/s at the levels [`LEVELS`]; zeros where too little was measured.
    pub quantiles_kbps: [f32; LEVELS.len()],
    /// Natural logarithm of what became of the rates within the last seconds: 0 for nothing unusual, below it for a fall.
    pub fall: f32,
}

impl Default for Pool {
    fn default() -> Self {
        let [recent, usual, level, level_squared] = [Mean::default(); 4];
        Self { classes: [0.0; CLASSES], recent, usual, level, level_squared, at: Timestamp::EPOCH }
    }
}

impl Pool {
    /// A session carried `kbps` for `seconds`, where it was used to `used_to_kbps`, if to anything.
    pub fn observe(&mut self, at: Timestamp, seconds: f32, kbps: f32, used_to_kbps: Option<f32>) {
        self.fade_to(at);
        self.classes[class(kbps)] += seconds;
        if let Some(used_to) = used_to_kbps {
            let change = (kbps.max(1.0) / used_to.max(1.0)).ln().clamp(-FARTHEST_CHANGE, FARTHEST_CHANGE);
            self.recent.observe(change, seconds);
            self.usual.observe(change, seconds);
            let level = used_to.max(1.0).ln();
            self.level.observe(level, seconds);
            self.level_squared.observe(level * level, seconds);
        }
    }

    /// What is to be expected at `at`.
    #[must_use]
    pub fn forecast(&self, at: Timestamp) -> CohortForecast {
        let seconds: f32 = self.classes.iter().sum();
        let quantiles_kbps =
            if seconds < ENOUGH_S { [0.0; LEVELS.len()] } else { LEVELS.map(|level| self.rate_at(level * seconds)) };
        CohortForecast { quantiles_kbps, fall: self.fall(at) }
    }

    /// Whether the sessions are used to about the same, so that one of them tells what another will have. Yes, where nobody is
    /// used to anything yet.
    #[must_use]
    pub fn members_agree(&self) -> bool {
        if self.level.weight <= 0.0 {
            return true;
        }
        let mean = self.level.sum / self.level.weight;
        let variance = self.level_squared.sum / self.level_squared.weight - mean * mean;
        variance < LEAST_DISAGREEMENT * LEAST_DISAGREEMENT
    }

    /// Adds what another pool of the same cohort holds.
    pub fn merge(&mut self, other: &Self) {
        let at = self.at.max(other.at);
        let mut other = other.clone();
        self.fade_to(at);
        other.fade_to(at);
        for (mine, theirs) in self.classes.iter_mut().zip(other.classes) {
            *mine += theirs;
        }
        let pairs = [
            (&mut self.recent, other.recent),
            (&mut self.usual, other.usual),
            (&mut self.level, other.level),
            (&mut self.level_squared, other.level_squared),
        ];
        for (mine, theirs) in pairs {
            mine.sum += theirs.sum;
            mine.weight += theirs.weight;
        }
    }

    /// When something was measured last.
    #[must_use]
    pub fn last_observed(&self) -> Timestamp {
        self.at
    }

    /// Lets what is older than `at` fade. Reports out of order count as of the newest.
    fn fade_to(&mut self, at: Timestamp) {
        let passed = at.since(self.at).as_secs_f64() as f32;
        if passed <= 0.0 {
            return;
        }
        self.at = at;
        let slow = (-std::f32::consts::LN_2 * passed / FADE_S).exp();
        self.classes.iter_mut().for_each(|seconds| *seconds *= slow);
        [&mut self.usual, &mut self.level, &mut self.level_squared].into_iter().for_each(|mean| mean.fade(slow));
        self.recent.fade((-std::f32::consts::LN_2 * passed / FALL_FADE_S).exp());
    }

    fn fall(&self, at: Timestamp) -> f32 {
        if self.usual.weight < ENOUGH_S {
            return 0.0;
        }
        let mut recent = self.recent;
        recent.fade((-std::f32::consts::LN_2 * at.since(self.at).as_secs_f64() as f32 / FALL_FADE_S).exp());
        let usual = self.usual.sum / self.usual.weight;
        let fall = (recent.sum - usual * recent.weight) / (recent.weight + FALL_PRIOR_S);
        if fall < -LEAST_FALL { fall } else { 0.0 }
    }

    /// The rate below which `seconds` of the pool lie: log-linear within a class.
    fn rate_at(&self, seconds: f32) -> f32 {
        let mut below = 0.0;
        for (number, &held) in self.classes.iter().enumerate() {
            if below + held >= seconds && held > 0.0 {
                let share = (seconds - below) / held;
                return (LN_LOWEST + (number as f32 + share) * LN_WIDTH).exp();
            }
            below += held;
        }
        (LN_LOWEST + CLASSES as f32 * LN_WIDTH).exp()
    }
}

fn class(kbps: f32) -> usize {
    // `as` saturates: what lies below the lowest class, and NaN, counts in it.
    (((kbps.ln() - LN_LOWEST) / LN_WIDTH) as usize).min(CLASSES - 1)
}

impl CohortForecast {
    /// The same without what it says to newcomers: only the fall of many is left.
    #[must_use]
    pub fn only_fall(self) -> Self {
        Self { fall: self.fall, ..Self::default() }
    }

    /// The forecast for a session that has measured nothing itself: the same for every horizon. Unknown where too little was
    /// measured.
    #[must_use]
    pub fn for_newcomer(&self) -> Forecast {
        Forecast { quantiles_kbps: [self.quantiles_kbps; HORIZONS.len()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: f64) -> Timestamp {
        Timestamp::from_secs_f64(1_000.0 + second)
    }

    /// `sessions` report every second at `kbps`, used to `used_to`.
    fn watch(pool: &mut Pool, from: u32, to: u32, sessions: u32, kbps: f32, used_to: f32) {
        for at in from..to {
            for session in 0..sessions {
                let late = f64::from(session) / f64::from(sessions);
                pool.observe(second(f64::from(at) + late), 1.0, kbps, Some(used_to));
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_measured() {
        let mut pool = Pool::default();
        assert!(pool.forecast(second(0.0)).for_newcomer().is_unknown());
        for at in 0..100 {
            pool.observe(second(f64::from(at) / 100.0), 1.0, 1_000.0 * 1.05_f32.powi(at * 37 % 100), None);
        }
        let forecast = pool.forecast(second(1.0));
        for (quantile, level) in forecast.quantiles_kbps.into_iter().zip(LEVELS) {
            let expected = 1_000.0 * 1.05_f32.powf(100.0 * level);
            assert!((quantile / expected).ln().abs() < LN_WIDTH / 2.0, "{quantile} for {expected}");
        }
        assert!(!forecast.for_newcomer().is_unknown());
    }

    #[test]
    fn the_past_fades() {
        let mut pool = Pool::default();
        watch(&mut pool, 0, 30, 5, 2_000.0, 2_000.0);
        watch(&mut pool, 400, 430, 5, 20_000.0, 20_000.0);
        assert!(pool.forecast(second(430.0)).quantiles_kbps[0] > 15_000.0);
    }

    #[test]
    fn many_that_fall_at_once_warn_and_one_alone_does_not() {
        let mut pool = Pool::default();
        watch(&mut pool, 0, 60, 10, 8_000.0, 8_000.0);
        assert_eq!(pool.forecast(second(60.0)).fall, 0.0);
        let mut alone = pool.clone();
        alone.observe(second(60.0), 2.0, 500.0, Some(8_000.0));
        assert_eq!(alone.forecast(second(60.5)).fall, 0.0);
        watch(&mut pool, 60, 64, 10, 2_000.0, 8_000.0);
        let fall = pool.forecast(second(64.0)).fall;
        assert!((-1.4..-0.4).contains(&fall), "to a quarter is −1.39 once all have said it: {fall}");
        assert_eq!(pool.forecast(second(90.0)).fall, 0.0, "old news");
    }

    #[test]
    fn members_on_links_of_their_own_kind_disagree() {
        // (kbit/s of one half, of the other, agree)
        for (slow, fast, agree) in [(8_000.0, 8_000.0, true), (5_000.0, 12_000.0, true), (2_000.0, 60_000.0, false)] {
            let mut pool = Pool::default();
            assert!(pool.members_agree(), "nothing is known");
            for at in 0..30 {
                watch(&mut pool, at, at + 1, 3, slow, slow);
                watch(&mut pool, at, at + 1, 3, fast, fast);
            }
            assert_eq!(pool.members_agree(), agree, "{slow} and {fast}");
            let mut sum = Pool::default();
            sum.merge(&pool);
            assert_eq!(sum.members_agree(), agree, "{slow} and {fast} over engines");
        }
    }

    #[test]
    fn a_jumpy_cohort_is_not_falling_for_ever() {
        let mut pool = Pool::default();
        for at in 0..200 {
            for session in 0..10 {
                // Half of the seconds lie at a tenth of what the session is used to.
                let kbps = if (at * 7 + session * 3) % 10 < 5 { 800.0 } else { 8_000.0 };
                pool.observe(second(f64::from(at)), 1.0, kbps, Some(8_000.0));
            }
        }
        assert_eq!(pool.forecast(second(200.0)).fall, 0.0);
    }

    #[test]
    fn pools_of_several_engines_are_one_pool() {
        let (mut whole, mut parts) = (Pool::default(), [Pool::default(), Pool::default()]);
        for at in 0..200 {
            let (kbps, moment) = (1_000.0 * 1.3_f32.powi(at % 9), second(f64::from(at) / 4.0));
            whole.observe(moment, 1.0, kbps, Some(3_000.0));
            parts[at as usize % 2].observe(moment, 1.0, kbps, Some(3_000.0));
        }
        let [mut first, second_part] = parts;
        first.merge(&second_part);
        let (one, two) = (whole.forecast(second(50.0)), first.forecast(second(50.0)));
        for (one, two) in one.quantiles_kbps.into_iter().zip(two.quantiles_kbps) {
            assert!((one / two - 1.0).abs() < 1e-3, "{one} {two}");
        }
        assert!((one.fall - two.fall).abs() < 1e-4);
    }
}
