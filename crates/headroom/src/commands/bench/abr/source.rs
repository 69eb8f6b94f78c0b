//! Traces from files and folders.

use crate::commands::trace::reading;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use headroom_sim::trace::{Format, Trace, parse, parse_auto};
use std::path::{Path, PathBuf};

/// Traces that belong together: those of one folder.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) sources: Vec<Source>,
}

/// Which half of a set takes part. Files in the order of their names alternate, so that both halves hold all kinds of drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Split {
    /// Every other file from the first: what may be looked at while choosing.
    Tune,
    /// The others: what a claim rests on.
    Validate,
    /// All files.
    All,
}

/// Name of the set of files that were named one by one.
const FILES: &str = "files";

/// Reads each folder of `paths` as a set of its own, and single files as one more. `PATH@MBPS` scales every trace of PATH to this mean,
/// `scale_mbps` those of all others.
pub(crate) fn sets(paths: &[PathBuf], format: Option<Format>, scale_mbps: Option<f64>) -> anyhow::Result<Vec<Set>> {
    let mut sets: Vec<Set> = Vec::new();
    for given in paths {
        let (path, own_mbps) = scaled(given)?;
        let mut sources = load(std::slice::from_ref(&path), format)?;
        let mbps = own_mbps.or(scale_mbps);
        if let Some(mbps) = mbps {
            for source in &mut sources {
                let factor = mbps * 1_000.0 / source.trace.mean_kbps().max(1.0);
                source.trace = source.trace.scaled(factor).with_context(|| source.name.clone())?;
            }
        }
        let folder = path.is_dir().then(|| path.file_name()).flatten();
        let mut name = folder.map_or_else(|| FILES.to_owned(), |name| name.to_string_lossy().into_owned());
        if let Some(mbps) = mbps {
            name = format!("{name}@{mbps}");
        }
        match sets.iter_mut().find(|set| set.name == name) {
            Some(set) => set.sources.extend(sources),
            None => sets.push(Set { name, sources }),
        }
    }
    Ok(sets)
}

/// A path, and the mean after its last `@` where a number stands there.
fn scaled(given: &Path) -> anyhow::Result<(PathBuf, Option<f64>)> {
    let text = given.to_string_lossy();
    let Some((path, mbps)) = text.rsplit_once('@').filter(|_| !given.exists()) else {
        return Ok((given.to_owned(), None));
    };
    let mbps = super::number::positive(mbps).map_err(|problem| anyhow::anyhow!("{}: {problem}", given.display()))?;
    Ok((PathBuf::from(path), Some(mbps)))
}

impl Set {
    /// The traces of one half.
    pub(crate) fn half(mut self, split: Split) -> Self {
        let mut index = 0_usize;
        self.sources.retain(|_| {
            index += 1;
            match split {
                Split::Tune => !index.is_multiple_of(2),
                Split::Validate => index.is_multiple_of(2),
                Split::All => true,
            }
        });
        self
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_a_set_alternate_and_meet_in_nothing() {
        let set = || Set {
            name: "links".to_owned(),
            sources: ["a", "b", "c", "d", "e"]
                .map(|name| Source { name: name.to_owned(), trace: Trace::constant(1_000.0).unwrap() })
                .into(),
        };
        let names = |split| set().half(split).sources.into_iter().map(|source| source.name).collect::<String>();
        assert_eq!([Split::Tune, Split::Validate, Split::All].map(names), ["ace", "bd", "abcde"]);
    }

    #[test]
    fn a_mean_after_the_path_is_read() {
        // (path, its mean in Mbit/s; `None` where it is refused)
        for (given, expected) in [
            (PathBuf::from("links"), Some((PathBuf::from("links"), None))),
            (PathBuf::from("links@8"), Some((PathBuf::from("links"), Some(8.0)))),
            (PathBuf::from("a@b/links@2.5"), Some((PathBuf::from("a@b/links"), Some(2.5)))),
            (PathBuf::from("links@fast"), None),
            (PathBuf::from("links@0"), None),
        ] {
            assert_eq!(scaled(&given).ok(), expected, "{}", given.display());
        }
    }
}
