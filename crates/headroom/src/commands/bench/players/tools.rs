//! What has to be installed to drive browsers.

use anyhow::{Context, bail, ensure};
use std::{
    env,
    path::{Path, PathBuf},
};

/// Where the driver is in a checkout.
const DRIVER: &str = "crates/headroom/tests/browser";
const SCRIPT: &str = "play.mjs";

/// Programs and files that a run needs.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) node: PathBuf,
    pub(super) script: PathBuf,
}

impl Tools {
    /// Finds everything, or says what is missing and what to do.
    pub(super) fn find(browser: Option<&Path>) -> anyhow::Result<Self> {
        let directory = match browser {
            Some(directory) => directory.to_owned(),
            None => checkout()?,
        };
        let script = directory.join(SCRIPT);
        ensure!(
            script.is_file(),
            "no {SCRIPT} in {}: --browser names {DRIVER} of a checkout of Headroom",
            directory.display()
        );
        let node = program("node").context("node is missing: run make setup")?;
        let chromium = env::var_os("CHROMIUM").is_some() || program("chromium").is_some();
        ensure!(chromium, "chromium is missing: run make setup, or name a Chromium in CHROMIUM");
        for package in ["playwright-core", "dashjs", "hls.js", "shaka-player"] {
            let there = directory.join("node_modules").join(package).exists();
            ensure!(there, "{package} is missing in {}: run make setup", directory.display());
        }
        let agent = directory.join("../../../../agent/dist/index.js");
        ensure!(agent.is_file(), "the player agent is not built: cd agent && npm ci && npm run build");
        ensure!(
            rustix::process::geteuid().is_root(),
            "real browsers on emulated links need root, as headroom link does: run it with sudo -E"
        );
        ensure!(Path::new("/dev/net/tun").exists(), "/dev/net/tun is missing: load the kernel module tun");
        ensure!(program("ip").is_some(), "ip is missing (package iproute2): run make setup");
        Ok(Self { node, script })
    }
}

/// The driver of the checkout around the working directory, or around this program.
fn checkout() -> anyhow::Result<PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok()];
    for start in starts.into_iter().flatten() {
        for directory in start.ancestors() {
            let driver = directory.join(DRIVER);
            if driver.join(SCRIPT).is_file() {
                return Ok(driver);
            }
        }
    }
    bail!(
        "no {DRIVER}/{SCRIPT} around the working directory: run inside a checkout of Headroom, or name it with --browser"
    )
}

/// A program on the path; system directories count even where they are not on a user's.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|directory| directory.join(name)).find(|file| file.is_file())
}
