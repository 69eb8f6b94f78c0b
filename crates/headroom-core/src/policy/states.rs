//! What each policy remembers of a session: plain data, one structure a policy. [`Memory`](super::Memory) holds one of them.

use super::measured::Averages;
use crate::ladder::{Ladder, RungIndex};

/// Errors that RobustMPC remembers: its window.
pub(super) const ERRORS: usize = 5;
/// Rungs that LoL+ remembers, the highest of the ladder.
pub(super) const REMEMBERED_RUNGS: usize = 8;
/// LoL+ keeps coordinates to ten bits, of which one value is left for "not learned yet".
pub(super) const COORDINATE_BITS: usize = 10;

/// What BOLA-E remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BolaEMemory {
    pub(super) averages: Averages,
    pub(super) buffer: VirtualBuffer,
    /// Decisions taken, up to [`super::measured::LAST_SHARE`] and two.
    pub(super) decisions: u8,
}

/// What the throughput rule of dash.js remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DashThroughputMemory {
    pub(super) averages: Averages,
    /// Decisions taken, up to [`super::measured::LAST_SHARE`] and one.
    pub(super) decisions: u8,
}

/// What DYNAMIC remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DynamicMemory {
    pub(super) averages: Averages,
    pub(super) buffer: VirtualBuffer,
    /// Whether BOLA-E took the last decision.
    pub(super) bola_decides: bool,
    /// Decisions of BOLA-E, as it counts them.
    pub(super) bola_decisions: u8,
    /// Decisions of the throughput rule, up to [`super::measured::LAST_SHARE`] and one.
    pub(super) throughput_decisions: u8,
}

/// What L2A remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct L2aMemory {
    /// Weight of each rung, in 255ths.
    pub(super) weights: [u8; Ladder::MAX_RUNGS],
    pub(super) multiplier: f32,
    /// The rung last chosen; `None` while starting up.
    pub(super) last: Option<RungIndex>,
}

/// What LoL+ remembers of a session: where the highest rungs stand on the map.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LolpMemory {
    pub(super) throughput: Coordinates,
    pub(super) latency: Coordinates,
    pub(super) switching: Coordinates,
}

/// What RobustMPC remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RobustMpcMemory {
    /// The last estimate in kbit/s; zero before the first.
    pub(super) estimate_kbps: f32,
    /// The last relative errors, in a ring.
    pub(super) errors: [f32; ERRORS],
    /// Which error is overwritten next.
    pub(super) next_error: u8,
}

/// What Shaka's rule remembers of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ShakaMemory {
    pub(super) averages: Averages,
    /// When the last decision was made, seconds.
    pub(super) decided_s: Option<f32>,
}

/// What BOLA-E adds to the buffer, and what it does with it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct VirtualBuffer {
    /// Media taken to be there beside what is, seconds.
    pub(super) placeholder_s: f32,
    /// Wait before the next request, seconds.
    pub(super) pause_s: f32,
}

/// One coordinate of every rung that is remembered, in ten bits each: the steps plus one, or zero before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Coordinates(pub(super) [u8; REMEMBERED_RUNGS * COORDINATE_BITS / 8]);
