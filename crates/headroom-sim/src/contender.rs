//! The contenders of a comparison: a policy by its name and settings, a server-guided client, or the oracle.

use crate::{
    client::WithoutAbandonment,
    controller::{AdviceSettings, Oracle},
};
use headroom_core::{
    engine::{Config, PolicyKind},
    policy::{
        Dynamic, Guidance, LinearQoe, Policy, Tuning,
        registry::{Entry, POLICIES, find},
    },
    stretch::Stretch,
};
use std::fmt;

/// A contender. Its name parses back to the same contender.
pub struct Contender {
    name: String,
    client: Option<String>,
    strategy: Strategy,
    playback: Playback,
    guidance: Guidance,
}

/// How the rungs of a session are chosen.
pub enum Strategy {
    /// A policy in the player.
    Policy(Box<dyn Policy>),
    /// Plans on the true trace. The upper reference.
    Oracle(Oracle),
    /// A client that a server caps.
    Capped {
        /// The client's own policy.
        client: Box<dyn Policy>,
        /// The server's engine.
        server: Box<Config>,
    },
    /// A client that asks a server.
    Advised {
        /// The client's own policy.
        client: Box<dyn Policy>,
        /// The server's engine.
        server: Box<Config>,
        /// How it asks.
        settings: AdviceSettings,
    },
}

/// What a contender changes of its player beside the rungs. Only a player at the live edge can.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Playback {
    /// Slower playback while the buffer is low.
    pub stretch: Option<Stretch>,
    /// Another target latency than the profile's, seconds.
    pub target_latency_s: Option<f64>,
}

/// What a server sends its clients, and what they do with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServerGuidance {
    /// Caps in the headers of responses.
    Caps {
        /// Share of the server's expected throughput (CMSD `etp`) in a client's estimate, where the client has one.
        etp_weight: f64,
        /// Stall risk up to which a rung is left to the player ([`Config::cap_risk`]).
        cap_risk: f32,
    },
    /// Answers to clients that ask before each segment.
    Advice {
        /// How they ask and give transfers up.
        settings: AdviceSettings,
        /// What they change of their playback.
        playback: Playback,
    },
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

/// DYNAMIC in a player that gives no transfer up.
const DEMO: &str = "demo";

/// The name of the upper reference, the one contender that is no policy.
pub const ORACLE: &str = "oracle";

/// Every name, in the order of a report.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().filter(|entry| entry.is_in_players()).map(Entry::name).chain([DEMO, ORACLE])
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
    pub fn parse(text: &str, objective: LinearQoe) -> Result<Self, ContenderError> {
        let strategy = match text {
            ORACLE => Strategy::Oracle(Oracle::new(objective)),
            _ => Strategy::Policy(policy(text, objective, 0.0)?),
        };
        let (playback, guidance) = (Playback::default(), Guidance::default());
        Ok(Self { name: text.to_owned(), client: None, strategy, playback, guidance })
    }

    /// A policy under a name of the caller's.
    #[must_use]
    pub fn with_policy(name: &str, policy: Box<dyn Policy>) -> Self {
        let (strategy, playback, guidance) = (Strategy::Policy(policy), Playback::default(), Guidance::default());
        Self { name: name.to_owned(), client: None, strategy, playback, guidance }
    }

    /// The same contender in a player with other playback.
    #[must_use]
    pub fn with_playback(self, playback: Playback) -> Self {
        Self { playback, ..self }
    }

    /// The same contender with another objective or another bound of its bits.
    #[must_use]
    pub fn with_guidance(mut self, guidance: Guidance) -> Self {
        if let Strategy::Capped { server, .. } | Strategy::Advised { server, .. } = &mut self.strategy {
            (server.objective, server.egress) = (guidance.objective, guidance.egress);
        }
        Self { guidance, ..self }
    }

    /// A server whose engine runs the policy `name` over clients that run the policy `client`. Under `none` the clients choose for
    /// themselves, but give transfers up and pace as the others do.
    ///
    /// # Errors
    /// See [`ContenderError`].
    pub fn guided(
        name: &str,
        client: &str,
        objective: LinearQoe,
        guidance: ServerGuidance,
    ) -> Result<Self, ContenderError> {
        let kind: PolicyKind = name.parse().map_err(|_| ContenderError::NotInEngine(name.to_owned()))?;
        let engine = Config { policy: kind, ..Config::default() };
        let own = |etp_weight: f64| policy(client, objective, etp_weight);
        let (strategy, playback) = match guidance {
            ServerGuidance::Caps { etp_weight, cap_risk } => {
                let server = Box::new(Config { cap_risk, ..engine });
                (Strategy::Capped { client: own(etp_weight)?, server }, Playback::default())
            }
            ServerGuidance::Advice { settings, playback } => {
                (Strategy::Advised { client: own(0.0)?, server: Box::new(engine), settings }, playback)
            }
        };
        let guidance = Guidance::default();
        Ok(Self { name: name.to_owned(), client: Some(client.to_owned()), strategy, playback, guidance })
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

    /// What it aims for, where it has a choice.
    #[must_use]
    pub fn objective(&self) -> Option<&str> {
        (self.name == PolicyKind::default().name()).then(|| self.guidance.objective.name())
    }

    /// What it aims for and what bounds it.
    #[must_use]
    pub fn guidance(&self) -> Guidance {
        self.guidance
    }

    /// What it changes of its player.
    #[must_use]
    pub fn playback(&self) -> &Playback {
        &self.playback
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
pub fn policy(text: &str, objective: LinearQoe, etp_weight: f64) -> Result<Box<dyn Policy>, ContenderError> {
    if text == DEMO {
        let tuning = Tuning { objective, etp_weight, ..Tuning::default() };
        return Ok(Box::new(WithoutAbandonment(Dynamic::tuned(&tuning))));
    }
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
        let objective = LinearQoe { stall_penalty: 4.3, switch_penalty: 1.0 };
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
