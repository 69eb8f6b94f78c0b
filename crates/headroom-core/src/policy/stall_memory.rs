//! A memory of stalls: each adds to it by its length, and it halves every minute.
//!
//! Links that go dead for half a minute are outside what the forecast was trained on: after a stall the next outage is likelier
//! than any forecast says. While stalls are fresh, advice does not exceed what the player would choose by itself.
//! Elsewhere it changes next to nothing (docs/algorithms/headroom.md).

use crate::time::Timestamp;

/// How much stalling is remembered, and as of when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct StallMemory {
    /// In hundredths.
    level: u16,
    /// In seconds, modulo 18 hours: no session is silent for so long.
    at_s: u16,
}

// Chosen on development traces: a threshold of 5 instead of 3 leaves `ucc5g-apps` at 1.10 times DYNAMIC's stalls, half-lives of 120 s
// cost quality for little.
/// Each stall counts for this much, and for its seconds up to [`MOST_S`] on top.
const EACH: f32 = 0.5;
const MOST_S: f32 = 4.0;
/// Time in which the memory halves, seconds.
const HALF_LIFE_S: f32 = 60.0;
/// From here on stalls are fresh. One of 2.5 s is, just.
const FRESH: f32 = 3.0;

impl StallMemory {
    /// Adds a stall of `seconds` that ended at `at`.
    pub(super) fn observe(&mut self, at: Timestamp, seconds: f64) {
        if seconds > 0.0 {
            let level = self.level_at(at) + EACH + (seconds as f32).min(MOST_S);
            *self = Self { level: (level * 100.0).round() as u16, at_s: whole_seconds(at) };
        }
    }

    /// Whether so much stalling is so recent that the player's own rule is not to be exceeded.
    pub(super) fn is_fresh(self, now: Timestamp) -> bool {
        self.level_at(now) >= FRESH
    }

    fn level_at(self, now: Timestamp) -> f32 {
        let passed_s = f32::from(whole_seconds(now).wrapping_sub(self.at_s));
        f32::from(self.level) / 100.0 * (-passed_s / HALF_LIFE_S).exp2()
    }
}

fn whole_seconds(at: Timestamp) -> u16 {
    (at.as_micros() / 1_000_000) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn stalls_are_remembered_by_length_and_forgotten_by_time() {
        let ended = Timestamp::from_millis(1_700_000_000_000);
        // (stalls in seconds, seconds since, fresh)
        for (stalls, since_s, fresh) in [
            (&[2.4][..], 0, false),
            (&[2.5], 0, true),
            (&[60.0], 0, true),
            (&[60.0], 30, true),
            (&[60.0], 40, false),
            (&[0.5, 0.5, 0.5], 0, true),
            (&[0.5, 0.5], 0, false),
            (&[4.0, 4.0], 90, true),
            (&[0.0], 0, false),
        ] {
            let mut memory = StallMemory::default();
            stalls.iter().for_each(|&seconds| memory.observe(ended, seconds));
            assert_eq!(memory.is_fresh(ended + Duration::from_secs(since_s)), fresh, "{stalls:?} after {since_s} s");
        }
    }
}
