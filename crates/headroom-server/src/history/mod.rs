//! What is kept: minutes of sums, audited actions and alerts, in one SQLite file written by a thread of its own; and single
//! reports and decisions, in the [`archive`].
//!
//! Nothing here is on the way of a decision. The queue to the writer is bounded; when the disk is full, read-only or
//! locked, entries wait there, then the oldest are lost and counted, and `/readyz` and a metric say so.
//! Loss budget: what was not yet committed, at most the running minute, when the process dies. What was committed stays.

pub(crate) mod archive;
mod audience;
mod demand;
mod entry;
mod made_up;
mod metrics;
mod query;
mod schema;
mod settings;
mod store;
mod writer;

pub use made_up::{MadeUpError, make_up_history};
pub use query::GroupBy;

pub(crate) use audience::AudienceMinute;
pub(crate) use demand::demand;
pub(crate) use entry::{Action, Entry, RESOLVED, Transition};
pub(crate) use metrics::HistoryMetrics;
pub(crate) use query::{QueryError, SeriesPoint, SeriesQuery, audiences, audit_page, series};
pub(crate) use settings::Settings;
pub(crate) use store::{History, identifier_key};

#[cfg(test)]
mod tests;
