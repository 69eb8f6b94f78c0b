//! Reports in: CMCD of requests and events, batches of samples, what the edge observes.

mod cmcd;
mod player;
mod samples;

pub(crate) use cmcd::{Carrier, Heard, Ingest};
pub(crate) use headroom_core::forecast::PLAUSIBLE_THROUGHPUT;
pub(crate) use samples::{Line, read_samples};
