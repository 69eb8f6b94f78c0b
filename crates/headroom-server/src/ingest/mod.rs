//! Reports in: CMCD of requests and events, batches of samples, what the edge observes.

mod cmcd;
mod player;
mod samples;

pub(crate) use cmcd::{Ingest, Ingested, RequestContext};
pub(crate) use headroom_core::forecast::PLAUSIBLE_THROUGHPUT;
pub(crate) use samples::{SampleLine, read_samples};
