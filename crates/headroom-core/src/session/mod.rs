//! What the engine remembers of one session: one compact record, at most 256 bytes.

mod record;
mod snapshot;

pub(crate) use record::{NO_COHORT, NO_RUNG, Record, Urgency};
pub use snapshot::{Snapshot, Summary};
