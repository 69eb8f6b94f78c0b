//! Counters, gauges and histograms for Prometheus. No session or address is ever a label.
//!
//! Each part registers its own metrics in the [`Catalogue`] ([`Metrics`]: those that several parts count); the [`Exposition`]
//! shows them all.

mod catalogue;
mod collected;
mod exposition;
mod labels;
mod traffic;

pub(crate) use catalogue::Catalogue;
pub(crate) use exposition::Exposition;
pub(crate) use labels::{ByQuantile, BySource, DropReason, MessageSource, ReportSource, RequestKind, ShedKind};
pub(crate) use traffic::Metrics;
