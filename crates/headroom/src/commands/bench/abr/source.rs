//! Traces from files and folders.

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
            for file in files(path)? {
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

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let path = entry.with_context(context)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, format: Option<Format>) -> anyhow::Result<Source> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
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
