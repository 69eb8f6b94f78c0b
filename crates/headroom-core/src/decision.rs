//! A decision: what one session should do until the next one, and why.

use crate::{
    ladder::RungIndex,
    telemetry::SessionId,
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What Headroom tells one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Decision {
    /// Whom it is for.
    pub session: SessionId,
    /// When it was made.
    #[serde(rename = "at_us")]
    pub at: Timestamp,
    /// Largest rung to play; `None` leaves the choice to the player.
    #[cfg_attr(feature = "schema", schema(value_type = Option<u8>))]
    pub cap: Option<RungIndex>,
    /// Bit rate of `cap` (CMSD `mb`).
    #[serde(rename = "max_bitrate_kbps")]
    pub max_bitrate: Option<Bitrate>,
    /// Throughput to expect (CMSD `etp`), where known.
    #[serde(rename = "expected_throughput_kbps")]
    pub expected_throughput: Option<Bitrate>,
    /// Media to hold ahead of the playhead.
    #[serde(rename = "target_buffer_ms")]
    pub target_buffer: Duration,
    /// Distance to keep behind the live edge.
    #[serde(rename = "target_latency_ms")]
    pub target_latency: Duration,
    /// Playback rate to hold, 1 = real time.
    pub playback_rate: f32,
    /// Probability of a stall within the horizon.
    pub stall_risk: Ratio,
    /// Why this rung; its `Display` is the sentence a person reads.
    pub reason: Reason,
    /// Which policy proposed it.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub policy: PolicyName,
}

/// Name of the deciding policy, as in configuration.
pub type PolicyName = std::borrow::Cow<'static, str>;

/// Why a rung was chosen. `Display` gives the sentence a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// Nothing is known yet, so nothing changes.
    NoEvidence,
    /// The highest rung within the measured throughput.
    Throughput,
    /// The rung that fits the buffer level.
    Buffer,
    /// The first step of the best plan over the next segments.
    Plan,
    /// The rung played now would likely stall.
    StallRisk,
    /// The forecast leaves room for a higher rung.
    RoomAbove,
    /// The buffer is starving: down at once.
    Starvation,
    /// Throughput collapsed: down at once.
    Collapse,
    /// A change so soon after the last one would flap.
    Dwell,
    /// Telemetry went silent: the last decision stands.
    Stale,
    /// An operator or the viewer set it.
    Override,
    /// A shared bottleneck was divided.
    Allocation,
    /// Nothing was measured yet; others on its network, or its radio, say what to expect.
    Newcomer,
    /// No policy is configured: the player chooses alone.
    NoPolicy,
    /// It stalled not long ago: no higher than the player's own rule.
    RecentStalls,
    /// No more bits than the player would fetch by itself.
    Egress,
}

impl Reason {
    /// Every reason, in the order of their discriminants: labels of a metric.
    pub const ALL: [Self; 16] = [
        Self::NoEvidence,
        Self::Throughput,
        Self::Buffer,
        Self::Plan,
        Self::StallRisk,
        Self::RoomAbove,
        Self::Starvation,
        Self::Collapse,
        Self::Dwell,
        Self::Stale,
        Self::Override,
        Self::Allocation,
        Self::Newcomer,
        Self::NoPolicy,
        Self::RecentStalls,
        Self::Egress,
    ];

    /// Whether a proposal with this reason proposes nothing and leaves the choice to the player.
    #[must_use]
    pub const fn is_hold(self) -> bool {
        matches!(self, Self::NoEvidence | Self::NoPolicy)
    }

    /// The name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoEvidence => "no_evidence",
            Self::Throughput => "throughput",
            Self::Buffer => "buffer",
            Self::Plan => "plan",
            Self::StallRisk => "stall_risk",
            Self::RoomAbove => "room_above",
            Self::Starvation => "starvation",
            Self::Collapse => "collapse",
            Self::Dwell => "dwell",
            Self::Stale => "stale",
            Self::Override => "override",
            Self::Allocation => "allocation",
            Self::Newcomer => "newcomer",
            Self::NoPolicy => "no_policy",
            Self::RecentStalls => "recent_stalls",
            Self::Egress => "egress",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEvidence => "nothing measured yet, so nothing changes",
            Self::Throughput => "highest rung within the measured throughput",
            Self::Buffer => "rung that fits the buffer level",
            Self::Plan => "best plan over the next segments",
            Self::StallRisk => "the current rung would likely stall",
            Self::RoomAbove => "the forecast leaves room for a higher rung",
            Self::Starvation => "the buffer is starving",
            Self::Collapse => "throughput collapsed",
            Self::Dwell => "too soon after the last change",
            Self::Stale => "telemetry is silent, the last decision stands",
            Self::Override => "set by an operator or the viewer",
            Self::Allocation => "fair share of a shared bottleneck",
            Self::Newcomer => "nothing measured yet: as others on its network, or its radio, lead to expect",
            Self::NoPolicy => "no policy is configured, so the player chooses alone",
            Self::RecentStalls => "it stalled not long ago: no higher than the player's own rule",
            Self::Egress => "no more bits than the player would fetch by itself",
        })
    }
}
