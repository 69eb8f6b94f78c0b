//! What publishers report of their encoders.

use headroom_core::{
    telemetry::{Encoder, StreamId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// The last report of each stream's publisher, and when it was true.
pub type Encoders = BTreeMap<StreamId, (Timestamp, Encoder)>;
