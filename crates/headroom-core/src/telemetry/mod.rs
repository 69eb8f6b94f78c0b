//! What players, links, radios and encoders report, as one typed sample each.

mod encoder;
mod link;
mod player;
mod radio;

pub use encoder::Encoder;
pub use link::Link;
pub use player::{Client, Player, PlayerState};
pub use radio::Radio;

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One playback session, as a keyed hash of its CMCD `sid` (or cookie, token, address and agent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// One stream (CMCD `cid`, RTMP stream name), as a hash; [`StreamId::UNKNOWN`] where a report does not say which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub u64);

impl StreamId {
    /// The stream of a session that does not say what it plays: its settings are the engine's default ones.
    pub const UNKNOWN: Self = Self(0);

    /// Whether it is not known which stream this is.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        self.0 == Self::UNKNOWN.0
    }
}

/// An access network, as a hash of an address prefix, of an autonomous system, or of a cell: sessions that share
/// it share their conditions. [`NetworkId::UNKNOWN`] where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkId(pub u64);

impl NetworkId {
    /// No network that is known: a session there has no cohort.
    pub const UNKNOWN: Self = Self(0);

    /// Whether the network is not known.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        self.0 == Self::UNKNOWN.0
    }
}

/// One report about one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Whose report this is.
    pub session: SessionId,
    /// The stream the session plays or publishes.
    #[serde(default)]
    pub stream: StreamId,
    /// When it was true.
    #[serde(rename = "at_us")]
    pub at: Timestamp,
    /// What was seen.
    #[serde(flatten)]
    pub report: Report,
}

/// The four sources of telemetry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The player's own view, from CMCD or from watching its requests.
    Player(Player),
    /// The transport's view: TCP_INFO, SRT statistics, probes.
    Link(Link),
    /// The radio's view: modem or data set.
    Radio(Radio),
    /// The publisher's encoder.
    Encoder(Encoder),
}
