//! `[edge]`: the reverse proxy.

use super::{additions, declared_streams::DeclaredStream};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[edge]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where media comes from: `http://…` or `https://…`, several separated by commas, `dir:PATH`, or nothing.
    pub origin: String,
    /// Root certificates (PEM) for `https://`; empty: the platform's.
    pub origin_ca_file: PathBuf,
    /// Milliseconds after which a further server is asked as well.
    pub failover_ms: u64,
    /// What servers are asked for to see whether they live; empty: they are not.
    pub health_path: String,
    /// Milliseconds to connect to the origin.
    pub connect_timeout_ms: u64,
    /// Milliseconds until the head of the origin's answer.
    pub response_timeout_ms: u64,
    /// Pass players' `Authorization` and `Proxy-Authorization` on to the origin.
    pub forward_authorization: bool,
    /// Whose multivariant playlists are cut to the cap.
    pub filter_playlists: FilterPlaylists,
    /// Put CMSD on answers that caches keep for everybody, too.
    pub cmsd_in_shared_caches: bool,
    /// What is written into manifests.
    pub manifests: additions::Settings,
    /// Name of this hop in CMSD-Dynamic, and of this edge.
    pub cmsd_name: String,
    /// Names of other edges that ask this server.
    pub names: Vec<String>,
    /// Streams whose manifests do not pass this server.
    pub streams: Vec<DeclaredStream>,
    /// Read TCP_INFO of client connections.
    pub tcp_info: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origin: String::new(),
            origin_ca_file: PathBuf::new(),
            failover_ms: 500,
            health_path: "/".into(),
            connect_timeout_ms: 2_000,
            response_timeout_ms: 15_000,
            forward_authorization: false,
            filter_playlists: FilterPlaylists::Silent,
            cmsd_in_shared_caches: false,
            manifests: additions::Settings::default(),
            cmsd_name: "headroom".into(),
            names: Vec::new(),
            streams: Vec::new(),
            tcp_info: true,
        }
    }
}

/// Whose multivariant playlists are cut to their cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterPlaylists {
    /// No player's.
    Never,
    /// Those of players that send no CMCD and so read no CMSD either.
    Silent,
    /// Those of every player.
    All,
}
