//! Formats that traces are written in.

use clap::ValueEnum;
use headroom_sim::trace::Trace;
use headroom_sim::trace::format::{csv, mahimahi};

/// A format that traces are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Target {
    /// Our CSV, with every column the trace has.
    #[default]
    Csv,
    /// Mahimahi's delivery opportunities: downlink throughput only.
    Mahimahi,
}

impl Target {
    /// The text of a trace. `note` says where it comes from; mahimahi's format has no place for it.
    pub(super) fn emit(self, trace: &Trace, note: &str) -> anyhow::Result<String> {
        Ok(match self {
            Self::Csv => csv::emit_with_note(trace, note),
            Self::Mahimahi => mahimahi::emit(trace)?,
        })
    }

    /// Usual ending of a file name.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Mahimahi => "mahi",
        }
    }
}
