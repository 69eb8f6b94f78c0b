//! Finding, reading and writing trace files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use headroom_sim::trace::format::{self, Format, Import, MAX_TEXT_BYTES, Options};

/// How to read a trace file.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Reading {
    /// Format of the trace: csv, csv-interval-ends, pensieve, gnettrack, sigcomm24, sabre, lumos5g-v1, hsdpa, mahimahi [default: detected].
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

    pub(super) fn parse(&self, text: &str) -> anyhow::Result<(Format, Import)> {
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
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    let metadata = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(metadata.len() <= MAX_TEXT_BYTES as u64, "{} is longer than {MAX_TEXT_BYTES} bytes", path.display());
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The files of a directory in the order of their names, without hidden ones, or the one file that `path` is.
pub(crate) fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", path.display()))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "{} holds no file", path.display());
    files.sort();
    Ok(files)
}

/// Writes a whole file or nothing: beside its place first, then by renaming.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().with_context(|| format!("{} is no file name", path.display()))?;
    let beside = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = std::fs::remove_file(&beside);
    }
    written.with_context(|| format!("writing {}", path.display()))
}
