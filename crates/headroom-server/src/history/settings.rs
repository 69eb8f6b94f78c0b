//! `[history]`.

use super::archive;
use crate::network::Prefix;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// `[history]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Directory of the database and of the identifier key; empty: nothing is kept.
    pub directory: PathBuf,
    /// Days until entries are deleted.
    pub retention_days: u32,
    /// Size from which the oldest days are deleted early, MiB.
    pub max_megabytes: u32,
    /// Names for address prefixes: `mobile = ["100.64.0.0/10"]`.
    pub networks: BTreeMap<String, Vec<Prefix>>,
    /// Table of address prefixes and the autonomous systems they belong to, a line each; empty: none.
    pub autonomous_systems_file: PathBuf,
    /// Single reports and decisions.
    pub archive: archive::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: PathBuf::new(),
            retention_days: 90,
            max_megabytes: 1_024,
            networks: BTreeMap::new(),
            autonomous_systems_file: PathBuf::new(),
            archive: archive::Settings::default(),
        }
    }
}

impl Settings {
    /// Whether anything is kept.
    pub(crate) fn enabled(&self) -> bool {
        self.directory.as_os_str() != ""
    }
}
