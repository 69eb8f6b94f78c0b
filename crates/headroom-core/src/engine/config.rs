//! What the engine can be told before it starts.

use super::StreamSettings;
use crate::{
    guard::Guard,
    pacing::Pacing,
    policy::{Bola, Dynamic, Headroom, Learned, Policy, RobustMpc, Throughput},
    time::Duration,
};
use serde::{Deserialize, Serialize};

/// Settings of an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who proposes.
    pub policy: PolicyKind,
    /// Rules over every proposal.
    pub guard: Guard,
    /// Stall risk up to which a rung above the proposed one is left to the player. Over DYNAMIC on the UCC drives, 0.3 to 0.6
    /// score alike; a cap at the proposed rung itself costs the player a sixth of its score.
    pub cap_risk: f32,
    /// Buffer, latency and playback rate.
    pub pacing: Pacing,
    /// Silence after which a session is forgotten.
    #[serde(rename = "session_expiry_ms")]
    pub session_expiry: Duration,
    /// Sessions held at most; one more evicts a long-idle one.
    pub max_sessions: usize,
    /// How far ahead of the last tick a report may be dated before it is dated to the tick.
    #[serde(rename = "clock_tolerance_ms")]
    pub clock_tolerance: Duration,
    /// What an undiscovered stream is taken to offer.
    pub default_stream: StreamSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: PolicyKind::Headroom,
            guard: Guard::default(),
            cap_risk: 0.3,
            pacing: Pacing::default(),
            session_expiry: Duration::from_secs(60),
            max_sessions: 1_000_000,
            clock_tolerance: Duration::from_secs(60),
            default_stream: StreamSettings::default(),
        }
    }
}

/// The policies an engine can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// Highest rung within a share of the throughput.
    Throughput,
    /// Buffer alone.
    Bola,
    /// Throughput at short buffers, BOLA at long ones.
    Dynamic,
    /// Plans on a discounted throughput.
    RobustMpc,
    /// Expected value over forecast scenarios.
    Headroom,
    /// A small network trained in the simulator.
    Learned,
}

/// A name that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no policy is called {0:?}; known are throughput, bola, dynamic, robust_mpc, headroom, learned")]
pub struct ConfigError(String);

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Throughput, Self::Bola, Self::Dynamic, Self::RobustMpc, Self::Headroom, Self::Learned];

    /// The policy itself, with its published settings.
    #[must_use]
    pub fn build(self) -> Box<dyn Policy> {
        match self {
            Self::Throughput => Box::new(Throughput::default()),
            Self::Bola => Box::new(Bola::default()),
            Self::Dynamic => Box::new(Dynamic::default()),
            Self::RobustMpc => Box::new(RobustMpc::default()),
            Self::Headroom => Box::new(Headroom::default()),
            Self::Learned => Box::new(Learned::default()),
        }
    }
}

impl std::str::FromStr for PolicyKind {
    type Err = ConfigError;
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|kind| kind.build().name() == name).ok_or_else(|| ConfigError(name.to_owned()))
    }
}
