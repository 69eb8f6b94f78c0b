//! Who takes part in a comparison: a policy by its name, with its settings, or the oracle.

use crate::controller::{GuidedSettings, Oracle};
use headroom_core::{
    engine::{Config, PolicyKind},
    policy::{
        Bola, BolaE, BufferBased, DashThroughput, Dynamic, Headroom, HlsThroughput, L2a, Learned, Lolp, Mpc, Objective,
        Policy, RobustMpc, Soda, Throughput,
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
    #[error("no policy is called {0:?}; known are {known}", known = NAMES.join(", "))]
    UnknownName(String),
    /// When a server is to run what the engine does not offer.
    #[error("no engine runs {0:?}; known are {known}", known = engine_policies())]
    NotInEngine(String),
    /// When the part after the colon is no share between 0 and 2, or the policy takes none.
    #[error("{0:?}: only throughput and mpc take a setting, a share of the throughput between 0 and 2")]
    BadSetting(String),
}

/// Every name, in the order of a report.
pub const NAMES: [&str; 15] = [
    "buffer_based",
    "throughput",
    "dash_throughput",
    "hls_throughput",
    "bola",
    "bola_e",
    "dynamic",
    "mpc",
    "robust_mpc",
    "lolp",
    "l2a",
    "soda",
    "headroom",
    "learned",
    "oracle",
];

fn engine_policies() -> String {
    PolicyKind::ALL.map(|kind| kind.build().name()).join(", ")
}

impl Entrant {
    /// Reads `name` or `name:share`, for example `throughput:0.8`: the policy on that share of its estimate. `objective` is
    /// what the planning policies plan for: the score they are measured by.
    ///
    /// # Errors
    /// See [`EntrantError`].
    pub fn parse(text: &str, objective: Objective) -> Result<Self, EntrantError> {
        let (name, share) = match text.split_once(':') {
            Some((name, share)) => (name, Some(share)),
            None => (text, None),
        };
        let bad_setting = || EntrantError::BadSetting(text.to_owned());
        let share = match share {
            Some(share) => {
                let share: f64 = share.parse().map_err(|_| bad_setting())?;
                let takes_one = matches!(name, "throughput" | "mpc");
                if !(takes_one && share > 0.0 && share <= 2.0) {
                    return Err(bad_setting());
                }
                share
            }
            None => 1.0,
        };
        let kind = match policy(name, share, objective) {
            Some(policy) => Kind::Policy(policy),
            None if name == "oracle" => Kind::Oracle(Oracle::new(objective)),
            None => return Err(EntrantError::UnknownName(name.to_owned())),
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
        let Kind::Policy(own) = Self::parse(client, objective)?.kind else {
            return Err(EntrantError::UnknownName(client.to_owned()));
        };
        let policy = listening(client, guiding.etp_weight).unwrap_or(own);
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

    /// What drives its sessions, to keep.
    #[must_use]
    pub fn into_kind(self) -> Kind {
        self.kind
    }
}

/// The client of this name with a share `etp_weight` of what a server expects (CMSD `etp`, in the view's forecast) in its own
/// estimate; `None` for clients that would not know what to do with it.
#[must_use]
pub fn listening(name: &str, etp_weight: f64) -> Option<Box<dyn Policy>> {
    let throughput = DashThroughput { etp_weight, ..DashThroughput::default() };
    let bola = BolaE { etp_weight, ..BolaE::default() };
    Some(match name {
        "throughput" | "rb" => Box::new(Throughput { etp_weight, ..Throughput::default() }),
        "dash_throughput" => Box::new(throughput),
        "bola_e" => Box::new(bola),
        "dynamic" => Box::new(Dynamic { throughput, bola, ..Dynamic::default() }),
        _ => return None,
    })
}

/// The policy of a name; `share` is only for those that take one.
fn policy(name: &str, share: f64, objective: Objective) -> Option<Box<dyn Policy>> {
    Some(match name {
        "buffer_based" | "bb" => Box::new(BufferBased::default()),
        "throughput" | "rb" => Box::new(Throughput { safety: share, ..Throughput::default() }),
        "dash_throughput" => Box::new(DashThroughput::default()),
        "hls_throughput" => Box::new(HlsThroughput::default()),
        "bola" => Box::new(Bola::default()),
        "bola_e" => Box::new(BolaE::default()),
        "dynamic" => Box::new(Dynamic::default()),
        "mpc" => Box::new(Mpc { objective, safety: share, ..Mpc::default() }),
        "robust_mpc" => Box::new(RobustMpc { objective, ..RobustMpc::default() }),
        "lolp" => Box::new(Lolp::default()),
        "l2a" => Box::new(L2a::default()),
        "soda" => Box::new(Soda::default()),
        "headroom" => Box::new(Headroom::default()),
        "learned" => Box::new(Learned::default()),
        _ => return None,
    })
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
        for name in NAMES.into_iter().chain(["throughput:0.8", "mpc:0.7"]) {
            assert_eq!(Entrant::parse(name, objective).unwrap().name(), name);
        }
        assert!(matches!(Entrant::parse("pensieve", objective), Err(EntrantError::UnknownName(_))));
        for bad in ["throughput:", "throughput:-1", "mpc:nan", "bola:0.5", "oracle:1"] {
            assert!(matches!(Entrant::parse(bad, objective), Err(EntrantError::BadSetting(_))), "{bad}");
        }
    }
}
