//! Every policy by name. Configuration, comparisons and error texts read this table and nothing else.

use super::{
    Bola, BolaE, BufferBased, DashThroughput, Dynamic, Headroom, HlsThroughput, L2a, Learned, Lolp, Mpc, NoPolicy,
    Policy, RobustMpc, Shaka, Soda, Throughput, Tuning,
};
use std::fmt;

/// All policies, in the order of a report.
pub static POLICIES: &[Entry] = &[
    Entry::new("none", |_| Box::new(NoPolicy)).in_engine().not_in_players(),
    Entry::new("buffer_based", |_| Box::new(BufferBased::default())).alias("bb"),
    Entry::new("throughput", |tuning| Box::new(Throughput::tuned(tuning))).alias("rb").takes_share().in_engine(),
    Entry::new("dash_throughput", |tuning| Box::new(DashThroughput::tuned(tuning))),
    Entry::new("hls_throughput", |_| Box::new(HlsThroughput::default())),
    Entry::new("hls", |_| Box::new(HlsThroughput::player())),
    Entry::new("shaka", |_| Box::new(Shaka::default())),
    Entry::new("bola", |_| Box::new(Bola::default())).in_engine(),
    Entry::new("bola_e", |tuning| Box::new(BolaE::tuned(tuning))),
    Entry::new("dynamic", |tuning| Box::new(Dynamic::tuned(tuning))).in_engine(),
    Entry::new("mpc", |tuning| Box::new(Mpc::tuned(tuning))).takes_share(),
    Entry::new("robust_mpc", |tuning| Box::new(RobustMpc::tuned(tuning))).in_engine(),
    Entry::new("lolp", |_| Box::new(Lolp::default())),
    Entry::new("l2a", |_| Box::new(L2a::default())),
    Entry::new("soda", |_| Box::new(Soda::default())),
    Entry::new("headroom", |_| Box::new(Headroom::default())).in_engine(),
    Entry::new("learned", |_| Box::new(Learned::default())).in_engine(),
];

/// A policy and what it is called.
pub struct Entry {
    name: &'static str,
    alias: Option<&'static str>,
    in_engine: bool,
    in_players: bool,
    takes_share: bool,
    build: fn(&Tuning) -> Box<dyn Policy>,
}

/// The policy called `name`, or known by that alias.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    POLICIES.iter().find(|entry| entry.name == name || entry.alias == Some(name))
}

impl Entry {
    const fn new(name: &'static str, build: fn(&Tuning) -> Box<dyn Policy>) -> Self {
        Self { name, alias: None, in_engine: false, in_players: true, takes_share: false, build }
    }

    const fn alias(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    const fn in_engine(self) -> Self {
        Self { in_engine: true, ..self }
    }

    const fn not_in_players(self) -> Self {
        Self { in_players: false, ..self }
    }

    const fn takes_share(self) -> Self {
        Self { takes_share: true, ..self }
    }

    /// Its name in configuration, logs and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the engine offers it.
    #[must_use]
    pub const fn is_in_engine(&self) -> bool {
        self.in_engine
    }

    /// Whether a player can choose by it.
    #[must_use]
    pub const fn is_in_players(&self) -> bool {
        self.in_players
    }

    /// Whether [`Tuning::share`] means something to it.
    #[must_use]
    pub const fn has_share(&self) -> bool {
        self.takes_share
    }

    /// The policy itself.
    #[must_use]
    pub fn build(&self, tuning: &Tuning) -> Box<dyn Policy> {
        (self.build)(tuning)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_found_once_under_its_own_name() {
        for entry in POLICIES {
            assert_eq!(entry.build(&Tuning::default()).name(), entry.name);
            for name in [Some(entry.name), entry.alias].into_iter().flatten() {
                assert_eq!(find(name).map(Entry::name), Some(entry.name));
            }
        }
        assert!(find("pensieve").is_none());
    }
}
