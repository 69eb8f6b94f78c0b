//! Whether the servers of the origin answer: seen by every request, and asked now and then.

use super::origin::Address;
use headroom_cluster::lock::locked;
use std::sync::{
    Mutex,
    atomic::{AtomicU8, Ordering},
};

/// How one server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has asked yet.
    Unknown = 0,
    Up = 1,
    Down = 2,
}

/// What is known of one server.
#[derive(Debug)]
pub(super) struct Health {
    standing: AtomicU8,
    /// Why it is down.
    reason: Mutex<String>,
}

impl Default for Health {
    fn default() -> Self {
        Self { standing: AtomicU8::new(Standing::Unknown as u8), reason: Mutex::default() }
    }
}

impl Health {
    pub(super) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            0 => Standing::Unknown,
            1 => Standing::Up,
            _ => Standing::Down,
        }
    }

    /// It answered.
    pub(super) fn answered(&self, server: &Address) {
        if self.standing() != Standing::Up {
            let before = self.standing.swap(Standing::Up as u8, Ordering::Relaxed);
            if before == Standing::Down as u8 {
                tracing::info!(%server, "the origin answers again");
            }
        }
    }

    /// It did not.
    pub(super) fn failed(&self, server: &Address, reason: &str) {
        if self.standing.swap(Standing::Down as u8, Ordering::Relaxed) != Standing::Down as u8 {
            tracing::warn!(%server, reason, "the origin does not answer");
        }
        reason.clone_into(&mut locked(&self.reason));
    }

    /// Why it cannot be used; `None` when it can, as far as is known.
    pub(super) fn trouble(&self) -> Option<String> {
        match self.standing() {
            Standing::Up => None,
            Standing::Unknown => Some("not asked yet".to_owned()),
            Standing::Down => Some(locked(&self.reason).clone()),
        }
    }
}
