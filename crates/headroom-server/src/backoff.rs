//! Waiting longer after every failure, and never in step with others.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Shortest and longest wait: a second is polite, a minute still follows an outage closely.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Exponential waits with jitter over their upper half ("equal jitter", Brooker 2015).
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Things work: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait now.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        // The standard library's hasher is seeded from the system's random source.
        let random = RandomState::new().build_hasher().finish();
        wait / 2 + wait.mul_f64(random as f64 / u64::MAX as f64 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_differ() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.wait().as_secs_f64()).collect();
        for (wait, full) in waits.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]) {
            assert!((full / 2.0..=full).contains(wait), "{waits:?}");
        }
        assert_ne!(waits[7], waits[8]);
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}
