//! The streaming stack around Headroom, made of the real programs.

mod headroom;
mod http;
mod live;
mod nginx;
mod player;
mod process;

pub(crate) use self::{
    headroom::{Headroom, edge_configuration},
    http::{Response, get, request},
    live::LiveStream,
    nginx::Nginx,
    player::{Kind, Player, Report},
    process::{Process, unused_port, wait_until},
};

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What a test needs from the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// ffmpeg with x264 and AAC.
    Ffmpeg,
    /// nginx.
    Nginx,
    /// HAProxy with Lua.
    Haproxy,
    /// Caddy.
    Caddy,
    /// The RTMP module of nginx.
    NginxRtmp,
    /// libfaketime, which tells a program another time.
    Faketime,
    /// Chromium, node and what drives it.
    Chromium,
    /// node and the packages of the dashboard's source.
    Web,
    /// Chromium, node, the players and the built player agent.
    Browser,
    /// schemathesis, which asks an interface everything its OpenAPI document allows and forbids.
    Schemathesis,
    /// systemd-analyze, which judges units without running them.
    SystemdAnalyze,
}

impl Tool {
    /// What to do about its absence; `None` when it is there.
    fn missing(self) -> Option<&'static str> {
        let (there, remedy) = match self {
            Self::Ffmpeg => (program("ffmpeg").is_some(), "ffmpeg (run make setup)"),
            Self::Nginx => (program("nginx").is_some(), "nginx (run make setup)"),
            Self::Haproxy => (program("haproxy").is_some(), "haproxy (run make setup)"),
            Self::Caddy => (program("caddy").is_some(), "caddy (run make setup)"),
            Self::NginxRtmp => (nginx::rtmp_module().is_some(), "libnginx-mod-rtmp (run make setup)"),
            Self::Faketime => (faketime_library().is_some(), "libfaketime (Debian package faketime; run make setup)"),
            Self::Chromium => {
                let chromium = env::var_os("CHROMIUM").is_some() || program("chromium").is_some();
                let driver =
                    ["playwright-core", "axe-core"].map(|name| browser_directory().join("node_modules").join(name));
                let there = chromium && driver.iter().all(|package| package.exists()) && program("node").is_some();
                (there, "chromium, node and the packages of tests/browser (run make setup)")
            }
            Self::Web => {
                let packages = repository().join("web/node_modules/vite").exists();
                (packages && program("node").is_some(), "node and the packages of web/ (run make setup)")
            }
            Self::Schemathesis => (schemathesis().is_file(), "schemathesis (run make setup)"),
            Self::SystemdAnalyze => (program("systemd-analyze").is_some(), "systemd-analyze (Debian package systemd)"),
            Self::Browser => {
                let chromium = env::var_os("CHROMIUM").is_some() || program("chromium").is_some();
                let players = browser_directory().join("node_modules/hls.js").exists();
                let agent = repository().join("agent/dist/index.js").exists();
                (
                    chromium && players && agent && program("node").is_some(),
                    "chromium, node, the players (run make setup) and agent/dist (cd agent && npm run build)",
                )
            }
        };
        (!there).then_some(remedy)
    }
}

/// Whether all `tools` are here. Says what is missing; with `HEADROOM_STRICT` that is a failure.
pub(crate) fn have(tools: &[Tool]) -> bool {
    let missing: Vec<_> = tools.iter().filter_map(|tool| tool.missing()).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join("; ");
    assert!(env::var_os("HEADROOM_STRICT").is_none(), "missing: {missing}");
    println!("skipped: missing {missing}");
    false
}

/// The library to preload for another time; the variant for programs with threads.
pub(crate) fn faketime_library() -> Option<PathBuf> {
    let libraries = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    libraries.map(|directory| directory.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())
}

/// Root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// Where the setup puts schemathesis.
pub(crate) fn schemathesis() -> PathBuf {
    repository().join(".setup/venv/bin/schemathesis")
}

pub(crate) fn browser_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// A fresh directory for the logs, media and screenshots of one test, kept after it.
pub(crate) fn artifacts(test: &str) -> PathBuf {
    let directory = repository().join("target/test-artifacts").join(test);
    if directory.exists() {
        fs::remove_dir_all(&directory).expect("leftovers of the last run can be removed");
    }
    fs::create_dir_all(&directory).expect("the target directory is writable");
    directory
}

/// Where a program is. System directories count even where they are not on a user's path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}
