//! The one clock of the server: Unix time that never steps.

use headroom_core::time::Timestamp;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Reads the wall clock once, then counts with the monotonic clock: an operator or NTP may set the wall clock back or
/// forth without a session ageing by hours or a report coming from the future.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_at_micros: u64,
}

impl Clock {
    /// A clock that agrees with the wall clock now.
    pub fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at_micros: since_epoch.as_micros() as u64 }
    }

    /// Microseconds since the Unix epoch, never less than an earlier answer.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.started_at_micros + self.started.elapsed().as_micros() as u64)
    }
}
