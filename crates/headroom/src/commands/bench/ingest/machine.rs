//! What the machine does by itself: which processor a thread runs on, and how often a processor is not there at all.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::time::{Duration, Instant};

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

/// A gap in a loop that only reads the clock: longer than any interrupt, so something else had the processor.
const GAP: Duration = Duration::from_micros(500);

/// What a processor that has nothing to do but this loses to others: on a virtual machine to the host, which no scheduler inside
/// can see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    /// Share of the time.
    pub(super) share: f64,
    pub(super) longest: Duration,
}

/// Reads the clock on `processor` for `span`.
pub(super) fn watch(processor: usize, span: Duration) -> Lost {
    let _pinned = Pinned::to(processor);
    let (began, mut before) = (Instant::now(), Instant::now());
    let (mut lost, mut longest) = (Duration::ZERO, Duration::ZERO);
    while before - began < span {
        let now = Instant::now();
        if now - before > GAP {
            lost += now - before;
            longest = longest.max(now - before);
        }
        before = now;
    }
    Lost { share: lost.as_secs_f64() / span.as_secs_f64(), longest }
}
