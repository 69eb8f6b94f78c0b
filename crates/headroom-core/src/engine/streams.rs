//! The streams sessions play, and the ceilings over them.

use super::StreamSettings;
use crate::{ladder::RungIndex, qoe::picture, telemetry::StreamId, time::Timestamp, units::Bitrate};
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
    /// Picture quality of each rung of the ladder.
    pictures: Vec<f32>,
    pub(super) ceiling: Ceiling,
}

impl Target {
    fn new(stream: StreamId, settings: StreamSettings) -> Self {
        let pictures = settings.ladder.rungs().iter().map(picture).collect();
        Self { stream, settings, pictures, ceiling: Ceiling::default() }
    }

    /// Picture quality of a rung.
    pub(super) fn picture(&self, rung: RungIndex) -> f32 {
        self.pictures[usize::from(rung)]
    }
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
        Self {
            targets: vec![Target::new(StreamId(0), default)],
            positions: BTreeMap::from([(StreamId(0), 0)]),
            everyone: Ceiling::default(),
        }
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
        self.targets.push(Target::new(stream, settings));
        self.positions.insert(stream, position);
        position
    }

    pub(super) fn target(&self, position: u32) -> &Target {
        &self.targets[position as usize]
    }

    pub(super) fn configure(&mut self, stream: StreamId, settings: StreamSettings) {
        let position = self.index(stream) as usize;
        if position > 0 || stream.0 == 0 {
            let ceiling = self.targets[position].ceiling;
            self.targets[position] = Target { ceiling, ..Target::new(stream, settings) };
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
