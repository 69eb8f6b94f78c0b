//! Policies: given what is known of a session, which rung should it play?
//!
//! A policy proposes; the [`guard`](crate::guard) disposes. Policies are shared by all sessions and hold only
//! their configuration: what one must remember about a session lives in that session's [`Memory`]. A new policy is one file
//! and one line in [`registry::POLICIES`].

mod abandonment;
mod bola;
mod bola_e;
mod bounds;
mod buffer_based;
mod dash_throughput;
mod dynamic;
mod headroom;
mod hls_abandonment;
mod hls_throughput;
mod hold;
mod l2a;
pub mod learned;
mod lolp;
mod measured;
mod memory;
mod mpc;
mod none;
mod own_rule;
mod plan;
mod recourse;
pub mod registry;
mod robust_mpc;
mod session_memory;
mod shaka;
mod soda;
mod stall_memory;
mod states;
mod throughput;
mod tuning;

pub use abandonment::Abandonment;
pub use bola::Bola;
pub use bola_e::BolaE;
pub use buffer_based::BufferBased;
pub use dash_throughput::DashThroughput;
pub use dynamic::Dynamic;
pub use headroom::Headroom;
pub use hls_throughput::HlsThroughput;
pub use hold::{Hold, ShortBuffer};
pub use l2a::L2a;
pub use learned::Learned;
pub use lolp::Lolp;
pub use memory::Memory;
pub use mpc::Mpc;
pub use none::NoPolicy;
pub use plan::LinearQoe;
pub use recourse::Recourse;
pub use robust_mpc::RobustMpc;
pub use shaka::Shaka;
pub use soda::Soda;
pub use throughput::Throughput;
pub use tuning::Tuning;

pub use crate::view::{Guidance, Segments, View, Weights};

use crate::{
    decision::Reason,
    forecast::History,
    ladder::RungIndex,
    telemetry::Report,
    time::{Duration, Timestamp},
};

/// Buffers up to this, in seconds, are short: outages empty them that do not show in means over 2 s and more. Our policies treat
/// such players apart.
pub const SHORT_BUFFER_S: f64 = 4.0;

/// Chooses a rung for one session.
pub trait Policy: Send + Sync {
    /// Name in configuration, logs and reports.
    fn name(&self) -> &'static str;

    /// What the policy reads of a session's past. The caller need not prepare more.
    fn evidence(&self) -> Evidence {
        Evidence::Forecast
    }

    /// Whether it steers at all. Where it does not, the engine sends no cap, pace or advice of its own.
    fn steers(&self) -> bool {
        true
    }

    /// Proposes the rung of the next segment. Same view and memory in, same proposal out.
    fn decide(&self, view: &View<'_>, memory: &mut Memory) -> Proposal;

    /// Proposes what a cap is made from, for every session with news at every tick: where the choice itself is costly, something
    /// cheaper.
    fn propose_cap(&self, view: &View<'_>, memory: &mut Memory) -> Proposal {
        self.decide(view, memory)
    }

    /// Told what a session reported; what it measured is in `history` by then. A policy inside a player hears
    /// [`Policy::delivered`] instead.
    fn reported(&self, _report: &Report, _history: &History, _at: Timestamp, _memory: &mut Memory) {}

    /// How long to wait before the request that was just decided. Asked only of a policy inside a player.
    fn pause(&self, _memory: &Memory) -> Duration {
        Duration::ZERO
    }

    /// Called after each transfer. Only a policy inside a player sees all of them.
    fn delivered(&self, _view: &View<'_>, _delivery: &Delivery, _memory: &mut Memory) {}

    /// Whether to give up the running transfer for a lower rung. Asked only of a policy inside a player; `view` is as of now.
    fn abandon(&self, _view: &View<'_>, _progress: &Progress, _memory: &mut Memory) -> Option<RungIndex> {
        None
    }
}

/// What of a session's past a policy reads; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The transfers in [`View::history`].
    Transfers,
    /// Its seconds too ([`History::timeline`]).
    Seconds,
    /// [`View::forecast`] too.
    Forecast,
}

/// A transfer that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    /// What was fetched.
    pub rung: RungIndex,
    /// The lower rung for which it was given up, if it was.
    pub abandoned_to: Option<RungIndex>,
    /// From the request until the end, seconds.
    pub transfer_s: f64,
    /// Media ahead of the playhead at the end of the transfer, seconds, with what it brought.
    pub buffer_s: f64,
    /// How long the playhead stood still for it, seconds.
    pub stall_s: f64,
    /// How long the player then waited because its buffer was full, seconds.
    pub waited_s: f64,
}

/// A transfer under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What is fetched.
    pub rung: RungIndex,
    /// Its size.
    pub bits: f64,
    /// How much has arrived.
    pub received_bits: f64,
    /// Since the request, seconds.
    pub elapsed_s: f64,
    /// From the request to the first byte, seconds.
    pub first_byte_s: f64,
}

/// What a policy proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposal {
    /// The rung for the next segment.
    pub rung: RungIndex,
    /// The reason that the decision will carry.
    pub reason: Reason,
}

impl Proposal {
    /// Nothing is known: stay, or start at the bottom.
    #[must_use]
    pub fn hold(view: &View<'_>) -> Self {
        Self { rung: view.current.unwrap_or(0), reason: Reason::NoEvidence }
    }
}
