//! Recordings with what is said in them.

use anyhow::Context;
use headroom_infer::audio::{Recording, Source};
use std::path::{Path, PathBuf};

/// One recording.
pub(super) struct Clip {
    pub(super) path: PathBuf,
    pub(super) reference: String,
    pub(super) samples: Vec<f32>,
}

/// The recordings that `references.tsv` of `directory` lists, with what is said in them.
pub(super) fn clips(directory: &Path) -> anyhow::Result<Vec<Clip>> {
    let list = directory.join("references.tsv");
    let text = std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(file, reference)| {
            let path = directory.join(file);
            let samples = read(&path).with_context(|| path.display().to_string())?;
            Ok(Clip { path, reference: reference.to_owned(), samples })
        })
        .collect()
}

fn read(path: &Path) -> anyhow::Result<Vec<f32>> {
    let mut recording = Recording::open(path)?;
    let mut samples = Vec::new();
    while recording.read(&mut samples)? {}
    Ok(samples)
}
