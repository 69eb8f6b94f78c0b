//! Settings of an engine.

use super::StreamSettings;
use crate::{
    guard::Guard,
    objective::{Egress, Objective},
    pacing::Pacing,
    policy::{
        Policy, Tuning,
        registry::{Entry, POLICIES},
    },
    time::Duration,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// Settings of an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The policy that proposes rungs.
    pub policy: PolicyKind,
    /// What for, where neither a stream's settings nor an order say otherwise.
    pub objective: Objective,
    /// For how many bits, where a stream's settings do not say otherwise.
    pub egress: Egress,
    /// Rules over every proposal.
    pub guard: Guard,
    /// Stall risk up to which a rung above the proposed one is left to the player. Over DYNAMIC on the UCC drives, 0.3 to 0.6
    /// score alike; a cap at the proposed rung itself costs the player a sixth of its score.
    pub cap_risk: f32,
    /// Whether a cohort speaks for newcomers only while its members are used to about the same rates, and never against what a
    /// session measured itself. Logs of before say no.
    pub cohorts_must_agree: bool,
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
    /// What a stream offers and aims for until it is discovered.
    pub default_stream: StreamSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            policy: PolicyKind::default(),
            objective: Objective::default(),
            egress: Egress::default(),
            guard: Guard::default(),
            cap_risk: 0.3,
            cohorts_must_agree: true,
            pacing: Pacing::default(),
            session_expiry: Duration::from_secs(60),
            max_sessions: 1_000_000,
            clock_tolerance: Duration::from_secs(60),
            default_stream: StreamSettings::default(),
        }
    }
}

/// A policy that an engine can run: an entry of [`POLICIES`] that is offered there.
#[derive(Clone, Copy)]
pub struct PolicyKind(&'static Entry);

/// When a name is no policy of the engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no policy is called {0:?}; known are {known}", known = known())]
pub struct UnknownPolicy(String);

impl PolicyKind {
    /// Every policy that an engine can run.
    pub fn all() -> impl Iterator<Item = Self> {
        POLICIES.iter().filter(|entry| entry.is_in_engine()).map(Self)
    }

    /// Its name in configuration, logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    /// The policy itself, with its published settings.
    #[must_use]
    pub fn build(self) -> Box<dyn Policy> {
        self.0.build(&Tuning::default())
    }
}

fn known() -> String {
    PolicyKind::all().map(PolicyKind::name).collect::<Vec<_>>().join(", ")
}

impl Default for PolicyKind {
    /// Our own policy.
    fn default() -> Self {
        "headroom".parse().expect("invariant: a test reads the name of the default policy")
    }
}

impl FromStr for PolicyKind {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, UnknownPolicy> {
        Self::all().find(|kind| kind.name() == name).ok_or_else(|| UnknownPolicy(name.to_owned()))
    }
}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for PolicyKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for PolicyKind {}

impl Serialize for PolicyKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for PolicyKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_configured_by_its_name() {
        assert_eq!(PolicyKind::default().name(), "headroom");
        for kind in PolicyKind::all() {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("{:?}", kind.name()));
            assert_eq!(serde_json::from_str::<PolicyKind>(&json).unwrap(), kind);
        }
        let error = "soda".parse::<PolicyKind>().unwrap_err();
        assert!(
            error.to_string().ends_with("known are none, throughput, bola, dynamic, robust_mpc, headroom, learned")
        );
    }
}
