//! `[edge]`: the reverse proxy.

use super::declared_streams::DeclaredStream;
use serde::{Deserialize, Serialize};

/// `[edge]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where media comes from: `http://…`, `dir:PATH` or nothing.
    pub origin: String,
    /// Milliseconds to connect to the origin.
    pub connect_timeout_ms: u64,
    /// Milliseconds until the head of the origin's answer.
    pub response_timeout_ms: u64,
    /// Whose multivariant playlists are cut to the cap.
    pub filter_playlists: FilterPlaylists,
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
            connect_timeout_ms: 2_000,
            response_timeout_ms: 15_000,
            filter_playlists: FilterPlaylists::Silent,
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
