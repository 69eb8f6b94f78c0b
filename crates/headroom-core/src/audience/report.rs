//! An audience as people and programs read it.

use super::{Aspect, Conditions};
use crate::{policy::Weights, telemetry::StreamId, time::Timestamp};
use serde::{Deserialize, Serialize};

/// How viewers feel: −1 all displeased, 1 all pleased. Each author of the last five minutes is one voice.
pub type Mood = f64;

/// Viewers complain about something that telemetry does not explain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BlindSpot {
    /// Stream whose audience complains.
    pub stream: StreamId,
    /// About what.
    pub aspect: Aspect,
    /// When it was raised.
    #[serde(rename = "at_us")]
    pub at: Timestamp,
    /// The first complaint of the window.
    #[serde(rename = "since_us")]
    pub since: Timestamp,
    /// Different authors who complain about it, within 30 s.
    pub complaints: u32,
    /// Complaints that would have been usual in that time.
    pub usual: f64,
    /// Their share of those who wrote within ten minutes.
    pub share: f64,
    /// The first messages, by identifier.
    pub messages: Vec<String>,
    /// What telemetry says of the same stream.
    pub telemetry: Conditions,
}

/// One aspect of the delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AspectReport {
    /// Aspect that is reported on.
    pub aspect: Aspect,
    /// Different authors who complain about it, within 30 s.
    pub complaints: u32,
    /// Complaints usual in 30 s.
    pub usual: f64,
    /// Share of those who wrote within ten minutes.
    pub share: f64,
    /// Complaints are more than usual, and telemetry shows why.
    pub explained: bool,
    /// A blind spot is open.
    pub blind_spot: bool,
}

/// Everything about one audience.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Audience))]
pub struct State {
    /// Stream of the audience.
    pub stream: StreamId,
    /// As of when.
    #[serde(rename = "at_us")]
    pub at: Timestamp,
    /// Messages heard in all.
    pub messages: u64,
    /// Messages a minute, over the last five.
    pub messages_per_minute: f64,
    /// Different authors of the last five minutes.
    pub authors: f64,
    /// Different authors of the last ten minutes: what shares are of.
    pub recent_authors: f64,
    /// How they feel.
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub mood: Mood,
    /// 0 to 100: see docs/algorithms/audience.md.
    pub engagement: f64,
    /// The aspects.
    pub aspects: Vec<AspectReport>,
    /// Requests from viewers whose session is not known, within 30 s: to be careful, for a better picture, for less delay.
    pub votes: [u32; 3],
    /// What telemetry says.
    pub telemetry: Conditions,
    /// How much each objective matters now.
    pub weights: Weights,
    /// Blind spots that are open.
    pub blind_spots: Vec<BlindSpot>,
}
