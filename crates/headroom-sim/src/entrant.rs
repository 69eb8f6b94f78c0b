//! Who takes part in a comparison: a policy by its name, with its settings, or the oracle.

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

/// A participant. Its display form reads back as the same one.
pub struct Entrant {
    name: String,
    client: Option<String>,
    kind: Kind,
}

/// What drives a session.
pub enum Kind {
    /// A policy of the engine.
    Policy(Box<dyn Policy>),
    /// Plans on the true trace: the upper reference.
    Oracle(Oracle),
    /// A policy of the engine on the server, above a client with its own.
    Guided {
        /// The client's own policy.
        client: Box<dyn Policy>,
        /// The server.
        settings: Box<GuidedSettings>,
    },
}

/// How a server and its clients speak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guiding {
    /// Share of the server's expected throughput (CMSD `etp`) in a client's estimate, where the client has one.
    pub etp_weight: f64,
    /// What a client pays for asking before each segment, where it does.
    pub question: Option<Duration>,
    /// Stall risk up to which a rung is left to the player ([`Config::cap_risk`]).
    pub cap_risk: f32,
}

impl Default for Guiding {
    /// A cap as the engine sends it by default, to clients that do not listen to more.
    fn default() -> Self {
        Self { etp_weight: 0.0, question: None, cap_risk: Config::default().cap_risk }
    }
}

/// When a name is no entrant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntrantError {
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

/// The name of the upper reference, the one entrant that is no policy.
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

impl Entrant {
    /// Reads `name` or `name:share`, for example `throughput:0.8`: the policy on that share of its estimate. `objective` is
    /// what the planning policies plan for: the score they are measured by.
    ///
    /// # Errors
    /// See [`EntrantError`].
    pub fn parse(text: &str, objective: Objective) -> Result<Self, EntrantError> {
        let kind = match text {
            ORACLE => Kind::Oracle(Oracle::new(objective)),
            _ => Kind::Policy(policy(text, objective, 0.0)?),
        };
        Ok(Self { name: text.to_owned(), client: None, kind })
    }

    /// A policy under a name of the caller's.
    #[must_use]
    pub fn with_policy(name: &str, policy: Box<dyn Policy>) -> Self {
        Self { name: name.to_owned(), client: None, kind: Kind::Policy(policy) }
    }

    /// A server whose engine runs the policy `name` over clients that run the policy `client`.
    ///
    /// # Errors
    /// See [`EntrantError`].
    pub fn guided(name: &str, client: &str, objective: Objective, guiding: Guiding) -> Result<Self, EntrantError> {
        let kind: PolicyKind = name.parse().map_err(|_| EntrantError::NotInEngine(name.to_owned()))?;
        let policy = policy(client, objective, guiding.etp_weight)?;
        let engine = Config { policy: kind, cap_risk: guiding.cap_risk, ..Config::default() };
        let settings = Box::new(GuidedSettings { question: guiding.question, ..GuidedSettings::new(engine) });
        let kind = Kind::Guided { client: policy, settings };
        Ok(Self { name: name.to_owned(), client: Some(client.to_owned()), kind })
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

    /// What drives its sessions.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }
}

/// The policy that `text` names, as [`Entrant::parse`] reads it, with a share `etp_weight` of what a server expects (CMSD `etp`,
/// in the view's forecast) in its own estimate, where it has one.
///
/// # Errors
/// See [`EntrantError`].
pub fn policy(text: &str, objective: Objective, etp_weight: f64) -> Result<Box<dyn Policy>, EntrantError> {
    let (name, share) = match text.split_once(':') {
        Some((name, share)) => (name, Some(share)),
        None => (text, None),
    };
    let entry = find(name).filter(|entry| entry.is_in_players());
    let entry = entry.ok_or_else(|| EntrantError::UnknownName(name.to_owned()));
    let share = match share {
        Some(share) => {
            let share = share.parse().ok().filter(|share| *share > 0.0 && *share <= 2.0);
            let takes_one = entry.as_ref().is_ok_and(|entry| entry.has_share());
            share.filter(|_| takes_one).ok_or_else(|| EntrantError::BadSetting(text.to_owned()))?
        }
        None => 1.0,
    };
    Ok(entry?.build(&Tuning { objective, share, etp_weight }))
}

impl fmt::Debug for Entrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Entrant").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_nonsense_is_refused() {
        let objective = Objective { stall_penalty: 4.3, switch_penalty: 1.0 };
        for name in names().chain(["throughput:0.8", "mpc:0.7"]) {
            assert_eq!(Entrant::parse(name, objective).unwrap().name(), name);
        }
        for unknown in ["pensieve", "none"] {
            assert!(matches!(Entrant::parse(unknown, objective), Err(EntrantError::UnknownName(_))), "{unknown}");
        }
        for bad in ["throughput:", "throughput:-1", "none:1", "mpc:nan", "bola:0.5", "oracle:1"] {
            assert!(matches!(Entrant::parse(bad, objective), Err(EntrantError::BadSetting(_))), "{bad}");
        }
    }
}
