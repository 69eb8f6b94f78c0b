//! What the engine remembers of one session: one compact record, at most 256 bytes.

mod record;
mod snapshot;

pub(crate) use record::{Evidence, NO_COHORT, NO_RUNG, Record};
pub use snapshot::{Snapshot, Summary};
