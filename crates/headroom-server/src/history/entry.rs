//! What is kept, one by one.

use super::audience::AudienceMinute;
use headroom_cluster::rollup::Rollup;
use serde::Serialize;

/// State of a [`Transition`] that ends an alert.
pub(crate) const RESOLVED: &str = "resolved";

/// One thing to keep.
pub(crate) enum Entry {
    /// The sums of a minute, by its start in seconds since the epoch.
    Minute {
        at_s: u64,
        rollup: Rollup,
    },
    Action(Action),
    Transition(Transition),
    Audience(AudienceMinute),
}

/// An operator's action.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Action {
    pub(crate) at_s: u64,
    /// Name of the token used.
    pub(crate) actor: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Status it was answered with.
    pub(crate) status: u16,
    /// The body, cut where it was long.
    pub(crate) body: String,
}

/// A change in the life of an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Transition {
    pub(crate) at_s: u64,
    pub(crate) rule: String,
    /// What it is about, `stream=…`.
    pub(crate) subject: String,
    pub(crate) state: String,
    pub(crate) value: f64,
    pub(crate) detail: String,
}
