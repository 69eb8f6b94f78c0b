//! The contenders of a comparison: a policy by its name and settings, a server-guided client, or the oracle.

use crate::controller::{GuidedSettings, Oracle};
use headroom_core::{
    engine::{Config, PolicyKind},
    policy::{
        Objective, Policy, Tuning,
        registry::{Entry, POLICIES, find},
    },
    time::Duration,
};
use std::fmt;

/// A contender. Its name parses back to the same contender.
pub struct Contender {
    name: String,
    client: Option<String>,
    strategy: Strategy,
}

/// How the rungs of a session are chosen.
pub enum Strategy {
    /// A policy of the engine.
    Policy(Box<dyn Policy>),
    /// Plans on the true trace. The upper reference.
    Oracle(Oracle),
    /// A policy of the engine on the server, above a client with its own.
    Guided {
        /// The client's own policy.
        client: Box<dyn Policy>,
        /// The server.
        settings: Box<GuidedSettings>,
    },
}

/// What a server sends its clients, and what they do with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerGuidance {
    /// Share of the server's expected throughput (CMSD `etp`) in a client's estimate, where the client has one.
    pub etp_weight: f64,
    /// Round trip that a client pays when it asks before each segment. `None`: it does not ask.
    pub question: Option<Duration>,
    /// Stall risk up to which a rung is left to the player ([`Config::cap_risk`]).
    pub cap_risk: f32,
}

impl Default for ServerGuidance {
    /// The engine's default caps, for clients that obey nothing else.
    fn default() -> Self {
        Self { etp_weight: 0.0, question: None, cap_risk: Config::default().cap_risk }
    }
}

/// Why a name is not a contender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContenderError {
    /// When no policy has this name.
    #[error("no policy is called {0:?}; known are {known}", known = joined(names()))]
    UnknownName(String),
    /// When a server is to run what the engine does not offer.
    #[error("no engine runs {0:?}; known are {known}", known = joined(PolicyKind::all().map(PolicyKind::name)))]
    NotInEngine(String),
    /// When the part after the colon is no share between 0 and 2, or the policy takes none.
    #[error("{0:?}: only {policies} take a setting, a share of the throughput between 0 and 2", policies = with_share())]
    BadSetting(String),
}

/// The name of the upper reference, the one contender that is no policy.
pub const ORACLE: &str = "oracle";

/// Every name, in the order of a report.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().filter(|entry| entry.is_in_players()).map(Entry::name).chain([ORACLE])
}

fn with_share() -> String {
    let names: Vec<_> = POLICIES.iter().filter(|entry| entry.has_share()).map(Entry::name).collect();
    names.join(" and ")
}

fn joined(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Contender {
    /// Reads `name` or `name:share`, for example `throughput:0.8`: the policy on that share of its estimate. `objective` is
    /// what the planning policies plan for: the score they are measured by.
    ///
    /// # Errors
    /// See [`ContenderError`].
    pub fn parse(text: &str, objective: Objective) -> Result<Self, ContenderError> {
        let strategy = match text {
            ORACLE => Strategy::Oracle(Oracle::new(objective)),
            _ => Strategy::Policy(policy(text, objective, 0.0)?),
        };
        Ok(Self { name: text.to_owned(), client: None, strategy })
    }

    /// A policy under a name of the caller's.
    #[must_use]
    pub fn with_policy(name: &str, policy: Box<dyn Policy>) -> Self {
        Self { name: name.to_owned(), client: None, strategy: Strategy::Policy(policy) }
    }

    /// A server whose engine runs the policy `name` over clients that run the policy `client`.
    ///
    /// # Errors
    /// See [`ContenderError`].
    pub fn guided(name: &str, client: &str, objective: Objective, guidance: ServerGuidance) -> Result<Self, ContenderError> {
        let kind: PolicyKind = name.parse().map_err(|_| ContenderError::NotInEngine(name.to_owned()))?;
        let policy = policy(client, objective, guidance.etp_weight)?;
        let engine = Config { policy: kind, cap_risk: guidance.cap_risk, ..Config::default() };
        let settings = Box::new(GuidedSettings { question: guidance.question, ..GuidedSettings::new(engine) });
        let strategy = Strategy::Guided { client: policy, settings };
        Ok(Self { name: name.to_owned(), client: Some(client.to_owned()), strategy })
    }

    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The policy of the client, where this one runs on the server.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// How its rungs are chosen.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }
}

/// The policy that `text` names, as [`Contender::parse`] reads it, with a share `etp_weight` of what a server expects (CMSD `etp`,
/// in the view's forecast) in its own estimate, where it has one.
///
/// # Errors
/// See [`ContenderError`].
pub fn policy(text: &str, objective: Objective, etp_weight: f64) -> Result<Box<dyn Policy>, ContenderError> {
    let (name, share) = match text.split_once(':') {
        Some((name, share)) => (name, Some(share)),
        None => (text, None),
    };
    let entry = find(name).filter(|entry| entry.is_in_players());
    let entry = entry.ok_or_else(|| ContenderError::UnknownName(name.to_owned()));
    let share = match share {
        Some(share) => {
            let share = share.parse().ok().filter(|share| *share > 0.0 && *share <= 2.0);
            let takes_one = entry.as_ref().is_ok_and(|entry| entry.has_share());
            share.filter(|_| takes_one).ok_or_else(|| ContenderError::BadSetting(text.to_owned()))?
        }
        None => 1.0,
    };
    Ok(entry?.build(&Tuning { objective, share, etp_weight }))
}

impl fmt::Debug for Contender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Contender").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nonsense_is_refused() {
        let objective = Objective { stall_penalty: 4.3, switch_penalty: 1.0 };
        for name in names().chain(["throughput:0.8", "mpc:0.7"]) {
            assert_eq!(Contender::parse(name, objective).unwrap().name(), name);
        }
        for unknown in ["pensieve", "none"] {
            assert!(matches!(Contender::parse(unknown, objective), Err(ContenderError::UnknownName(_))), "{unknown}");
        }
        for bad in ["throughput:", "throughput:-1", "none:1", "mpc:nan", "bola:0.5", "oracle:1"] {
            assert!(matches!(Contender::parse(bad, objective), Err(ContenderError::BadSetting(_))), "{bad}");
        }
    }
}
