//! Traces from files and folders.

use crate::commands::trace::reading;
use anyhow::{Context, ensure};
use headroom_sim::trace::{Format, Trace, parse, parse_auto};
use std::path::{Path, PathBuf};

/// A trace and the file it came from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) trace: Trace,
}

/// Reads every file of `paths`, folders without their sub-folders, in the order of their names. Files that are no traces
/// are an error when named and skipped, with a word on standard error, when found in a folder.
pub(crate) fn load(paths: &[PathBuf], format: Option<Format>) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in reading::files(path)? {
                match read(&file, format) {
                    Ok(source) => sources.push(source),
                    Err(error) => tracing::warn!("{error:#}: skipped"),
                }
            }
        } else {
            sources.push(read(path, format)?);
        }
    }
    ensure!(!sources.is_empty(), "no trace in {}", list(paths));
    Ok(sources)
}

fn read(path: &Path, format: Option<Format>) -> anyhow::Result<Source> {
    let text = reading::read(path)?;
    let trace = match format {
        Some(format) => parse(format, &text),
        None => parse_auto(&text).map(|(_, trace)| trace),
    };
    let trace = trace.with_context(|| path.display().to_string())?;
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { name, trace })
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
