//! What a caller of the control listener may do.

use serde::{Deserialize, Serialize};

/// What somebody may do; each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything but the audit log.
    View,
    /// Change what is in force: overrides, bottlenecks, pathways, silences.
    Operate,
    /// Read who changed what.
    Admin,
}
