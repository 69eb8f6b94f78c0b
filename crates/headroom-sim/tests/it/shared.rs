//! Where the optional development data is.

#![expect(clippy::disallowed_methods, reason = "tests read files; the crate itself does not")]

use headroom_sim::trace::{Trace, parse_auto};
use std::path::{Path, PathBuf};

/// The data directory; says so and gives `None` when it is absent, so that a fresh clone passes.
pub(crate) fn data() -> Option<PathBuf> {
    let root = std::env::var("HEADROOM_SHARED")
        .map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let data = root.join("data");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: no development data in {}", data.display());
    None
}

/// The files of a directory in the order of their names.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Every trace of a directory, in the order of the names.
pub(crate) fn traces(directory: &Path) -> Vec<(String, Trace)> {
    files(directory)
        .into_iter()
        .map(|path| {
            let text = read(&path);
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, parse_auto(&text).unwrap().1)
        })
        .collect()
}
