//! Where the sources come from: the workspace's folder, or a planted tree of a test.

#![expect(clippy::disallowed_methods, reason = "the test reads the sources; the crate itself reads no file")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Source files by path, relative to the workspace: `crates/headroom-core/src/lib.rs`.
pub(crate) trait Sources {
    /// The text of a file; `None` when there is no such file.
    fn read(&self, path: &str) -> Option<String>;
}

/// The workspace as it lies on disk.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The workspace this crate is a member of.
    pub(crate) fn workspace() -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
    }

    /// Names of the packages in `crates`, sorted.
    pub(crate) fn crates(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join("crates")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Sources for Folder {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.0.join(path)).ok()
    }
}

impl Sources for BTreeMap<&str, &str> {
    fn read(&self, path: &str) -> Option<String> {
        self.get(path).map(|text| (*text).to_owned())
    }
}
