//! Experiments whose truth is known: what the statistics of `headroom-core` promise, tried on made-up viewers.
//!
//! [`Audience`] draws viewers as the field has them: most never stall, few stall long, sessions of one viewer are alike.
//! [`trial`] runs one experiment on them under continuous peeking; [`harm`] lets guardrails watch an arm that does harm;
//! [`behind_a_bottleneck`] compares arms that take capacity from each other.

mod audience;
mod bottleneck;
mod harm;
mod trial;

pub use audience::{Audience, Viewer};
pub use bottleneck::{BottleneckVerdict, behind_a_bottleneck};
pub use harm::{Watch, harmless_days, seconds_to_trip};
pub use trial::{Design, Pilot, Trial, trial};

#[cfg(test)]
mod tests;
