//! Network namespaces and devices through the `ip` program.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// Where `ip netns` keeps its names.
const NAMESPACE_DIRECTORY: &str = "/run/netns";

/// Runs `ip` with these arguments.
pub(super) fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let output =
        Command::new("ip").args(arguments).stdin(Stdio::null()).output().context("running `ip` (package iproute2)")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`ip {}` failed: {}", arguments.join(" "), said.trim());
    }
    Ok(())
}

/// A namespace that existed before, or one that goes when this value goes.
#[derive(Debug)]
pub(super) struct Namespace {
    name: String,
    ours: bool,
}

impl Namespace {
    /// Takes the namespace of this name, and creates it first where there is none.
    pub(super) fn take(name: &str) -> anyhow::Result<Self> {
        let plain = !name.is_empty()
            && name.len() <= 64
            && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
            && !name.starts_with(['-', '.']);
        if !plain {
            bail!("`{name}` is no name for a network namespace: letters, digits, `-`, `_`, `.`");
        }
        let ours = !Path::new(NAMESPACE_DIRECTORY).join(name).exists();
        if ours {
            ip(&["netns", "add", name])?;
        }
        let namespace = Self { name: name.to_owned(), ours };
        if ours {
            ip(&["-n", name, "link", "set", "lo", "up"])?;
        }
        Ok(namespace)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this value created it.
    pub(super) fn is_ours(&self) -> bool {
        self.ours
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if self.ours {
            // On the way out there is nobody to tell; `ip netns list` shows what could not be removed.
            let _ = ip(&["netns", "del", &self.name]);
        }
    }
}
