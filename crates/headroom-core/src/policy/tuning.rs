//! What a comparison sets of a policy.

use super::plan::LinearQoe;

/// What a comparison may set of a policy. A policy takes what it has a use for; the default is the published setting of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuning {
    /// What planning policies plan for.
    pub objective: LinearQoe,
    /// Share of the estimated throughput that is counted on, where [`Entry::has_share`](super::registry::Entry::has_share).
    pub share: f64,
    /// Share of the server's expected throughput (CMSD `etp`) in a client's own estimate, where it has one.
    pub etp_weight: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { objective: LinearQoe::default(), share: 1.0, etp_weight: 0.0 }
    }
}
