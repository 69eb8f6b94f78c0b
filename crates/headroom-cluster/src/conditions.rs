//! What the sessions of each stream go through.

use headroom_core::{audience::Conditions, telemetry::StreamId};
use std::collections::BTreeMap;

/// Conditions by stream, added up over shards.
pub type ConditionsByStream = BTreeMap<StreamId, Conditions>;
