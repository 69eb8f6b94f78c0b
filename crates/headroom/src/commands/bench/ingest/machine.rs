//! What the machine does by itself: which processor a thread runs on, and how evenly a processor works.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Keeps this thread, and what it starts meanwhile, on one processor until dropped, where there is another one: a client that
/// shares the server's processor waits for it and counts that as the server's time.
pub(super) struct Pinned(Option<CpuSet>);

impl Pinned {
    pub(super) fn to(processor: usize) -> Self {
        let before = sched_getaffinity(None).ok().filter(|allowed| allowed.count() > 1 && allowed.is_set(processor));
        if before.is_some() {
            let mut only = CpuSet::new();
            only.set(processor);
            // Refused means unpinned, which is only less exact.
            let _ = sched_setaffinity(None, &only);
        }
        Self(before)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = sched_setaffinity(None, before);
        }
    }
}

/// Steps of one piece of work: some 30 µs, far below any latency that matters.
const STEPS: u64 = 20_000;

/// How evenly a processor works that has nothing else to do: what each of many equal pieces of work took. On a virtual machine
/// it may stand still or crawl for tens of milliseconds, which no scheduler inside can see.
pub(super) struct Pace(Vec<Duration>);

impl Pace {
    /// Works on `processor` for `span`.
    pub(super) fn watch(processor: usize, span: Duration) -> Self {
        let _pinned = Pinned::to(processor);
        let began = Instant::now();
        let (mut pieces, mut before) = (Vec::new(), began);
        while before - began < span {
            // Knuth's linear congruential generator: every step waits for the one before.
            let end = (0..STEPS)
                .fold(1_u64, |state, step| black_box(state).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
            black_box(end);
            let now = Instant::now();
            pieces.push(now - before);
            before = now;
        }
        Self(pieces)
    }

    /// Latency that a share of `level` would not exceed of evenly spaced requests that keep this processor busy for `load` of
    /// the time and cost it the same each: what is left when nothing of a server is at fault.
    pub(super) fn queue_quantile_ms(&self, load: f64, level: f64) -> f64 {
        let piece_ms = self.0.iter().map(Duration::as_secs_f64).sum::<f64>() / self.0.len() as f64 * 1e3;
        let mut behind = 0.0_f64;
        // In pieces of work: what is behind after each, and the share of the requests that come meanwhile.
        let mut waits: Vec<(f64, f64)> = Vec::with_capacity(self.0.len());
        for took in &self.0 {
            let share = took.as_secs_f64() * 1e3 / piece_ms;
            behind = (behind + load * share - 1.0).max(0.0);
            waits.push((behind, share));
        }
        waits.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut left = level * self.0.len() as f64;
        let wait = waits.iter().find(|(_, share)| {
            left -= share;
            left <= 0.0
        });
        wait.or(waits.last()).map_or(f64::NAN, |(behind, _)| behind * piece_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_waits_for_a_processor_that_stands_still() {
        let even = Pace(vec![Duration::from_millis(1); 10_000]);
        assert_eq!(even.queue_quantile_ms(0.75, 1.0), 0.0);
        // Every second it stands still for 100 ms: three quarters of them are behind then, and a quarter of the speed is left to
        // catch up, so a third of all requests wait.
        let mut pieces = vec![Duration::from_millis(1); 1_000];
        pieces[500] = Duration::from_millis(100);
        let halting = Pace(pieces.repeat(20));
        assert_eq!(halting.queue_quantile_ms(0.75, 0.5), 0.0);
        let longest = halting.queue_quantile_ms(0.75, 1.0);
        assert!((70.0..90.0).contains(&longest), "{longest}");
        assert!(halting.queue_quantile_ms(0.75, 0.9) > 20.0);
    }
}
