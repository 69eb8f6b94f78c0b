//! The streams sessions play, and the ceilings over them.

use super::StreamSettings;
use crate::{
    ladder::RungIndex, objective::Objective, policy::Weights, qoe::picture, telemetry::StreamId, time::Timestamp,
    units::Bitrate,
};
use std::collections::BTreeMap;

/// Streams by position; position 0 is the default for sessions whose stream is unknown.
pub(super) struct Streams {
    targets: Vec<Target>,
    positions: BTreeMap<StreamId, u16>,
    /// Ceiling over every session.
    pub(super) everyone: Ceiling,
    /// Ordered for every session.
    pub(super) objective: Option<Objective>,
}

/// One stream.
pub(super) struct Target {
    pub(super) stream: StreamId,
    pub(super) settings: StreamSettings,
    /// Picture quality of each rung of the ladder.
    pictures: Vec<f32>,
    pub(super) ceiling: Ceiling,
    /// Ordered for the stream.
    pub(super) objective: Option<Objective>,
    /// What its audience makes the objectives worth.
    pub(super) weights: Weights,
    stalls: RecentStalls,
}

/// Buffers that ran dry, each counting for e⁻¹ after half a minute.
#[derive(Clone, Copy, Default)]
struct RecentStalls {
    count: f64,
    at: Timestamp,
}

/// The window complaints are counted over.
const STALL_MEMORY_S: f64 = 30.0;

impl RecentStalls {
    fn at(self, now: Timestamp) -> f64 {
        self.count * (-now.since(self.at).as_secs_f64() / STALL_MEMORY_S).exp()
    }
}

impl Target {
    fn new(stream: StreamId, settings: StreamSettings) -> Self {
        let pictures = settings.ladder.rungs().iter().map(picture).collect();
        Self {
            stream,
            settings,
            pictures,
            ceiling: Ceiling::default(),
            objective: None,
            weights: Weights::default(),
            stalls: RecentStalls::default(),
        }
    }

    /// Buffers that ran dry within half a minute, about.
    pub(super) fn recent_stalls(&self, now: Timestamp) -> f64 {
        self.stalls.at(now)
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

/// Streams known at most, as many as a session's record can point to; later ones share the default settings, so stream names
/// from the network cost bounded memory.
const MAX_STREAMS: usize = 65_536;

impl Streams {
    pub(super) fn new(default: StreamSettings) -> Self {
        Self {
            targets: vec![Target::new(StreamId::UNKNOWN, default)],
            positions: BTreeMap::from([(StreamId::UNKNOWN, 0)]),
            everyone: Ceiling::default(),
            objective: None,
        }
    }

    /// Position of `stream`, made on first sight with the default settings.
    pub(super) fn index(&mut self, stream: StreamId) -> u16 {
        if let Some(&position) = self.positions.get(&stream) {
            return position;
        }
        if self.targets.len() >= MAX_STREAMS {
            return 0;
        }
        let position = self.targets.len() as u16;
        let settings = self.targets[0].settings.clone();
        self.targets.push(Target::new(stream, settings));
        self.positions.insert(stream, position);
        position
    }

    /// What is known of `stream`; the default where nothing is.
    pub(super) fn known(&self, stream: StreamId) -> &Target {
        self.target(self.positions.get(&stream).copied().unwrap_or(0))
    }

    pub(super) fn target(&self, position: u16) -> &Target {
        &self.targets[usize::from(position)]
    }

    pub(super) fn configure(&mut self, stream: StreamId, settings: StreamSettings) {
        let position = usize::from(self.index(stream));
        if position > 0 || stream.is_unknown() {
            let Target { ceiling, objective, weights, stalls, .. } = self.targets[position];
            self.targets[position] = Target { ceiling, objective, weights, stalls, ..Target::new(stream, settings) };
        }
    }

    /// Every stream by position.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Takes note of a buffer that ran dry.
    pub(super) fn note_stall(&mut self, position: u16, at: Timestamp) {
        let stalls = &mut self.targets[usize::from(position)].stalls;
        *stalls = RecentStalls { count: stalls.at(at) + 1.0, at: stalls.at.max(at) };
    }

    /// Sets what the objectives of a stream are worth.
    pub(super) fn weigh(&mut self, stream: StreamId, weights: Weights) {
        let position = usize::from(self.index(stream));
        // Position 0 stands for all streams that are not known.
        if position > 0 || stream.is_unknown() {
            self.targets[position].weights = weights.bounded();
        }
    }

    pub(super) fn override_all(&mut self, max_bitrate: Option<Bitrate>, until: Option<Timestamp>) {
        self.everyone = Ceiling { max_bitrate, until };
    }

    /// Orders what steering is for, for every session or those of a stream.
    pub(super) fn order_objective(&mut self, stream: Option<StreamId>, objective: Option<Objective>) {
        match stream {
            Some(stream) => {
                let position = usize::from(self.index(stream));
                // Position 0 stands for all streams that are not known.
                if position > 0 || stream.is_unknown() {
                    self.targets[position].objective = objective;
                }
            }
            None => self.objective = objective,
        }
    }

    pub(super) fn override_stream(&mut self, stream: StreamId, max_bitrate: Option<Bitrate>, until: Option<Timestamp>) {
        let position = usize::from(self.index(stream));
        if position > 0 || stream.is_unknown() {
            self.targets[position].ceiling = Ceiling { max_bitrate, until };
        }
    }
}
