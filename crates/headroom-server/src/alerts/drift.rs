//! Encoder drift: the media time of what a publisher sends beside the wall clock.
//!
//! An encoder in real time makes a second of media a second. One that falls behind makes its viewers' latency grow until
//! their buffers run dry, long before its frame rate says so; one that runs ahead reads from a file or has a wrong clock. The
//! share of either is small and steady, so it is a straight line through the offsets of the last minutes (least squares) that
//! tells it from the jitter of single reports.

use headroom_core::time::{Duration, Timestamp};
use std::collections::VecDeque;

/// Rounds the rate is taken from: three minutes.
const ROUNDS: usize = 18;

/// Rounds from which a line is worth reading.
const ENOUGH: usize = 4;

/// Media that is further ahead of the last report than this, beyond the time that has passed, is a jump of the time stamps
/// and no drift.
const JUMP: Duration = Duration::from_secs(10);

/// A publisher's media time beside the wall clock, since it began.
#[derive(Debug)]
pub(super) struct Drift {
    began: (Timestamp, Duration),
    last: (Timestamp, Duration),
    /// Seconds since it began, and how far behind the wall clock its media was, ms.
    offsets: VecDeque<(f64, f64)>,
}

impl Drift {
    /// From the first report: when it was made, and the media time it named.
    pub(super) fn new(at: Timestamp, media: Duration) -> Self {
        Self { began: (at, media), last: (at, media), offsets: VecDeque::from([(0.0, 0.0)]) }
    }

    /// Takes in a report. One that was taken in before changes nothing; media time that went back or jumped is a new begin.
    pub(super) fn observe(&mut self, at: Timestamp, media: Duration) {
        let passed = at.since(self.last.0);
        if passed == Duration::ZERO {
            return;
        }
        if media < self.last.1 || media - self.last.1 > passed + JUMP {
            *self = Self::new(at, media);
            return;
        }
        self.last = (at, media);
        let elapsed_s = at.since(self.began.0).as_secs_f64();
        if self.offsets.len() == ROUNDS {
            self.offsets.pop_front();
        }
        self.offsets.push_back((elapsed_s, (elapsed_s - (media - self.began.1).as_secs_f64()) * 1_000.0));
    }

    /// How far the media is behind the wall clock since the publisher began, ms; negative: ahead.
    pub(super) fn accumulated_ms(&self) -> f64 {
        self.offsets.back().map_or(0.0, |&(_, offset)| offset)
    }

    /// How much further behind it falls in a minute, ms; `None` while too little is known.
    pub(super) fn ms_per_minute(&self) -> Option<f64> {
        let count = self.offsets.len() as f64;
        if self.offsets.len() < ENOUGH {
            return None;
        }
        let sums = self.offsets.iter().fold((0.0, 0.0), |sums, (x, y)| (sums.0 + x, sums.1 + y));
        let (middle, mean) = (sums.0 / count, sums.1 / count);
        let (mut across, mut along) = (0.0, 0.0);
        for (x, y) in &self.offsets {
            across += (x - middle) * (y - mean);
            along += (x - middle) * (x - middle);
        }
        (along > 0.0).then(|| across / along * 60.0)
    }

    /// Both in words.
    pub(super) fn evidence(&self) -> String {
        let way = |value: f64, behind: &'static str, ahead: &'static str| if value < 0.0 { ahead } else { behind };
        let accumulated = self.accumulated_ms();
        let minutes = self.last.0.since(self.began.0).as_secs_f64() / 60.0;
        let beside = way(accumulated, "behind", "ahead of");
        let mut text =
            format!("media time is {:.0} ms {beside} the wall clock after {minutes:.0} min", accumulated.abs());
        if let Some(rate) = self.ms_per_minute() {
            text += &format!(", {} by {:.0} ms a minute", way(rate, "falling behind", "running ahead"), rate.abs());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report every ten seconds from an encoder of this speed, each late by what `late_ms` says.
    fn reported(rounds: u64, speed: f64, late_ms: impl Fn(u64) -> u64) -> Drift {
        let at = |round: u64| Timestamp::from_millis(1_000_000 + round * 10_000 + late_ms(round));
        let media = |round: u64| Duration::from_secs_f64(5.0 + round as f64 * 10.0 * speed);
        let mut drift = Drift::new(at(0), media(0));
        for round in 1..=rounds {
            drift.observe(at(round), media(round));
            drift.observe(at(round), media(round));
        }
        drift
    }

    #[test]
    fn drift_is_told_from_jitter() {
        let jitter = |round: u64| round.wrapping_mul(2_654_435_761) % 200;
        for (speed, rate, accumulated) in [(1.0, 0.0, 0.0), (0.98, 1_200.0, 12_000.0), (1.01, -600.0, -6_000.0)] {
            let drift = reported(60, speed, jitter);
            let found = (drift.ms_per_minute().unwrap(), drift.accumulated_ms());
            assert!((found.0 - rate).abs() < 50.0, "{speed}: {found:?}");
            assert!((found.1 - accumulated).abs() < 201.0, "{speed}: {found:?}");
        }
        assert_eq!(reported(2, 0.5, |_| 0).ms_per_minute(), None, "two steps are no line");
        // A crystal that is 100 parts in a million slow is seen, and is not much.
        let crystal = reported(360, 0.999_9, |_| 0);
        assert!((crystal.ms_per_minute().unwrap() - 6.0).abs() < 0.1 && (crystal.accumulated_ms() - 360.0).abs() < 1.0);
        assert_eq!(
            reported(60, 0.98, |_| 0).evidence(),
            "media time is 12000 ms behind the wall clock after 10 min, falling behind by 1200 ms a minute"
        );
    }

    #[test]
    fn an_encoder_that_stands_still_drifts_and_one_that_starts_again_does_not() {
        let mut drift = reported(30, 1.0, |_| 0);
        let (at, media) = drift.last;
        for round in 1..=6 {
            drift.observe(at + Duration::from_secs(round * 10), media);
        }
        assert_eq!(drift.accumulated_ms(), 60_000.0);
        drift.observe(at + Duration::from_secs(70), Duration::ZERO);
        assert_eq!((drift.accumulated_ms(), drift.ms_per_minute()), (0.0, None));
        drift.observe(at + Duration::from_secs(80), Duration::from_secs(3_600));
        assert_eq!(drift.accumulated_ms(), 0.0, "time stamps jumped");
    }
}
