//! The modes in force: what may be told to whom. Read for every answer, written when an operator says so.

use crate::{
    by_id::ById,
    lock::{read_locked, write_locked},
};
use headroom_core::{mode::Mode, telemetry::StreamId};
use std::sync::{
    RwLock,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

/// Mode of everybody and of the streams that have their own.
#[derive(Debug)]
pub(crate) struct Modes {
    everybody: AtomicU8,
    /// Whether any stream has its own: nearly always none has, and then no lock is taken.
    any_own: AtomicBool,
    own: RwLock<ById<StreamId, Mode>>,
}

impl Default for Modes {
    fn default() -> Self {
        Self { everybody: AtomicU8::new(Mode::default() as u8), any_own: AtomicBool::default(), own: RwLock::default() }
    }
}

impl Modes {
    /// What holds for sessions of a stream.
    pub(crate) fn of(&self, stream: StreamId) -> Mode {
        let everybody = Mode::ALL[usize::from(self.everybody.load(Ordering::Acquire)).min(Mode::ALL.len() - 1)];
        if !self.any_own.load(Ordering::Acquire) {
            return everybody;
        }
        everybody.of_stream(read_locked(&self.own).get(&stream).copied())
    }

    pub(crate) fn set_everybody(&self, mode: Mode) {
        self.everybody.store(mode as u8, Ordering::Release);
    }

    /// Gives a stream its own mode, or takes it back with `None`.
    pub(crate) fn set_stream(&self, stream: StreamId, mode: Option<Mode>) {
        let mut own = write_locked(&self.own);
        match mode {
            Some(mode) => {
                own.insert(stream, mode);
            }
            None => {
                own.remove(&stream);
            }
        }
        self.any_own.store(!own.is_empty(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_everybody_until_it_has_its_own() {
        let modes = Modes::default();
        let (one, other) = (StreamId(1), StreamId(2));
        assert_eq!((modes.of(one), modes.of(other)), (Mode::Steer, Mode::Steer));
        modes.set_stream(one, Some(Mode::Observe));
        assert_eq!((modes.of(one), modes.of(other)), (Mode::Observe, Mode::Steer));
        modes.set_everybody(Mode::Off);
        assert_eq!((modes.of(one), modes.of(other)), (Mode::Off, Mode::Off));
        modes.set_everybody(Mode::Observe);
        modes.set_stream(one, Some(Mode::Steer));
        assert_eq!((modes.of(one), modes.of(other)), (Mode::Steer, Mode::Observe));
        modes.set_stream(one, None);
        assert_eq!((modes.of(one), modes.of(other)), (Mode::Observe, Mode::Observe));
    }
}
