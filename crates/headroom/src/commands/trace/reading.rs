//! `headroom trace`: read, make and draw network traces.

use std::path::Path;

use anyhow::{Context as _, ensure};
use clap::Args;
use headroom_sim::trace::format::{self, Format, Import, MAX_TEXT_BYTES, Options};

/// How to read a trace file.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Reading {
    /// Format of the trace: csv, csv-interval-ends, pensieve, gnettrack, sigcomm24, sabre, mahimahi [default: detected].
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Which recording of a file with several (the text of its configuration column).
    #[arg(long, value_name = "NAME")]
    select: Option<String>,
    /// Seconds between the rows of a file without times; for mahimahi the bin that makes a rate.
    #[arg(long, value_name = "SECONDS")]
    step: Option<f64>,
}

impl Reading {
    /// Reads a file.
    pub(crate) fn load(&self, path: &Path) -> anyhow::Result<(Format, Import)> {
        let text = read(path)?;
        self.parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(&self, text: &str) -> anyhow::Result<(Format, Import)> {
        let Some(format) = self.format.or_else(|| format::detect(text)) else {
            anyhow::bail!("not a trace format known here; --format says which it is");
        };
        if let Some(step_s) = self.step {
            ensure!(step_s.is_finite() && step_s > 0.0, "--step must be more than 0 seconds");
        }
        let options = Options { select: self.select.clone(), step_s: self.step };
        Ok((format, format::import(format, text, &options)?))
    }
}

/// Reads a text file of bounded size; bytes that are no UTF-8 are replaced (they occur in operator names).
fn read(path: &Path) -> anyhow::Result<String> {
    let metadata = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(metadata.len() <= MAX_TEXT_BYTES as u64, "{} is longer than {MAX_TEXT_BYTES} bytes", path.display());
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
