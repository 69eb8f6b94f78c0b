//! The streams sessions play, and the ceilings over them.

use super::StreamSettings;
use crate::{telemetry::StreamId, time::Timestamp, units::Bitrate};
use std::collections::BTreeMap;

/// Streams by position; position 0 is the default for sessions whose stream is unknown.
pub(super) struct Streams {
    targets: Vec<Target>,
    positions: BTreeMap<StreamId, u32>,
    /// Ceiling over every session.
    pub(super) everyone: Ceiling,
}

/// One stream.
pub(super) struct Target {
    pub(super) stream: StreamId,
    pub(super) settings: StreamSettings,
    pub(super) ceiling: Ceiling,
}

/// A limit set from outside.
#[derive(Clone, Copy, Default)]
pub(super) struct Ceiling {
    max_bitrate: Option<Bitrate>,
    until: Option<Timestamp>,
}

impl Ceiling {
    /// The limit in force at `now`.
    pub(super) fn at(self, now: Timestamp) -> Option<Bitrate> {
        self.max_bitrate.filter(|_| self.until.is_none_or(|until| now <= until))
    }
}

/// Streams known at most; later ones share the default settings, so stream names from the network cost bounded memory.
const MAX_STREAMS: usize = 65_536;

impl Streams {
    pub(super) fn new(default: StreamSettings) -> Self {
        let target = Target { stream: StreamId(0), settings: default, ceiling: Ceiling::default() };
        Self { targets: vec![target], positions: BTreeMap::from([(StreamId(0), 0)]), everyone: Ceiling::default() }
    }

    /// Position of `stream`, made on first sight with the default settings.
    pub(super) fn index(&mut self, stream: StreamId) -> u32 {
        if let Some(&position) = self.positions.get(&stream) {
            return position;
        }
        if self.targets.len() >= MAX_STREAMS {
            return 0;
        }
        let position = self.targets.len() as u32;
        let settings = self.targets[0].settings.clone();
        self.targets.push(Target { stream, settings, ceiling: Ceiling::default() });
        self.positions.insert(stream, position);
        position
    }

    pub(super) fn target(&self, position: u32) -> &Target {
        &self.targets[position as usize]
    }

    pub(super) fn configure(&mut self, stream: StreamId, settings: StreamSettings) {
        let position = self.index(stream) as usize;
        if position > 0 || stream.0 == 0 {
            self.targets[position].settings = settings;
        }
    }

    pub(super) fn override_all(&mut self, max_bitrate: Option<Bitrate>, until: Option<Timestamp>) {
        self.everyone = Ceiling { max_bitrate, until };
    }

    pub(super) fn override_stream(&mut self, stream: StreamId, max_bitrate: Option<Bitrate>, until: Option<Timestamp>) {
        let position = self.index(stream) as usize;
        self.targets[position].ceiling = Ceiling { max_bitrate, until };
    }
}
