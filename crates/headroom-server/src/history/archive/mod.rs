//! The archive: single reports and decisions, as Parquet files that DuckDB, ClickHouse and others read.
//!
//! Kept are all reports of a hash-sampled share of the sessions, every changed decision, the minutes of the history, and
//! what was reported around an incident. The way of a row: collector (in its shard) → queue → journal → Parquet file.
//!
//! Loss budget. A row reaches the journal with the next tick, so a killed process loses what its shards gathered since
//! then, and at most five seconds more when the machine itself dies. A journal becomes files under names that only it
//! yields, and is deleted afterwards: a process killed in between repeats the work, and no row is written twice.

mod collect;
mod columns;
mod http;
mod journal;
mod keeper;
mod metrics;
mod row;
mod settings;
mod ship;
mod store;
mod table;
pub(crate) mod tap;
mod troubles;

pub(crate) use keeper::Archive;
pub(crate) use metrics::ArchiveMetrics;
pub(crate) use row::minute_rows;
pub(crate) use settings::Settings;

#[cfg(test)]
mod tests;
