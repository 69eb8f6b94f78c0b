//! Settings: defaults, TOML file, environment, command line.

mod chat;
mod check;
mod difference;
mod speech;
mod streams;

pub use chat::Chat;
pub(crate) use difference::differences;
pub use speech::{Speech, VoiceChat};
pub use streams::ToldStream;

use crate::{alerts, clients::Limits, control::Role, history, identity::Identity, plan, tls, token};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use headroom_cluster::input_log::Log;
use headroom_core::engine;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// The documented defaults, as `headroom serve --print-config` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Settings of the server; `default.toml` says what each means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Milliseconds between two decisions of a session.
    pub tick_ms: u64,
    /// Threads that serve requests; 0 takes one for each processor.
    pub threads: usize,
    /// Engines the sessions are spread over.
    pub shards: usize,
    /// The listener of players and web servers.
    pub public: Public,
    /// Tokens of the public listener.
    pub tokens: token::Settings,
    /// The listener of operators.
    pub control: Control,
    /// The reverse proxy.
    pub edge: Edge,
    /// How sessions are told apart.
    pub identity: Identity,
    /// Content Steering.
    pub steering: Steering,
    /// Input and decision logs.
    pub log: Log,
    /// Who hears of what is wrong.
    pub alerts: alerts::Settings,
    /// What is kept.
    pub history: history::Settings,
    /// What plans assume.
    pub plan: plan::Settings,
    /// Where viewers are heard.
    pub chat: Chat,
    /// What is heard of voices.
    pub speech: Speech,
    /// The engine.
    pub engine: engine::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tick_ms: 2_000,
            threads: 0,
            shards: 64,
            public: Public::default(),
            tokens: token::Settings::default(),
            control: Control::default(),
            edge: Edge::default(),
            identity: Identity::default(),
            steering: Steering::default(),
            log: Log::default(),
            alerts: alerts::Settings::default(),
            history: history::Settings::default(),
            plan: plan::Settings::default(),
            chat: Chat::default(),
            speech: Speech::default(),
            engine: engine::Config::default(),
        }
    }
}

/// `[public]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// Address to listen on; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Connections held at most.
    pub max_connections: usize,
    /// Bytes of a request's head.
    pub max_header_bytes: usize,
    /// Milliseconds a request's head may take.
    pub header_timeout_ms: u64,
    /// Milliseconds a request's body may take.
    pub body_timeout_ms: u64,
    /// Milliseconds a peer may leave data unacknowledged; 0 leaves it to the system.
    pub user_timeout_ms: u32,
    /// Bytes of one CMCD event report.
    pub max_beacon_bytes: usize,
    /// Bytes of one batch of samples.
    pub max_batch_bytes: usize,
    /// Streams of decisions held at most.
    pub max_subscribers: usize,
    /// What one client may use up, and all of them together.
    pub limits: Limits,
    /// Encryption.
    pub tls: tls::Settings,
}

impl Default for Public {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            max_connections: 20_000,
            max_header_bytes: 65_536,
            header_timeout_ms: 30_000,
            body_timeout_ms: 10_000,
            user_timeout_ms: 60_000,
            max_beacon_bytes: 64 * 1024,
            max_batch_bytes: 1024 * 1024,
            max_subscribers: 10_000,
            limits: Limits::default(),
            tls: tls::Settings::default(),
        }
    }
}

impl Public {
    /// How long a request's body may take.
    pub(crate) const fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }
}

/// `[control]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// File with the bearer token; empty: none.
    pub token_file: PathBuf,
    /// File with named tokens and their roles; empty: none.
    pub tokens_file: PathBuf,
    /// Wrong tokens of one address a minute, and at once, before it has to wait; 0: no limit.
    pub token_attempts_per_min: u32,
    /// The token itself, meant for the environment. Never printed.
    #[serde(skip_serializing)]
    pub token: String,
    /// Encryption, and who comes in by certificate.
    pub tls: tls::Settings,
    /// What a client certificate allows.
    pub certificate_role: Role,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            token_file: PathBuf::new(),
            tokens_file: PathBuf::new(),
            token_attempts_per_min: 10,
            token: String::new(),
            tls: tls::Settings::default(),
            certificate_role: Role::View,
        }
    }
}

/// `[edge]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edge {
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
    /// Streams whose manifests do not pass.
    pub streams: Vec<ToldStream>,
    /// Read TCP_INFO of client connections.
    pub tcp_info: bool,
}

impl Default for Edge {
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
    /// Nobody's.
    Never,
    /// Those of players that send no CMCD and so cannot be told otherwise.
    Silent,
    /// Everybody's.
    All,
}

/// `[steering]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Steering {
    /// Seconds until players ask again.
    pub ttl_s: u32,
    /// Pathway ids, best first.
    pub pathways: Vec<String>,
}

impl Default for Steering {
    fn default() -> Self {
        Self { ttl_s: 10, pathways: Vec::new() }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file named does not exist.
    #[error("configuration file {0} does not exist")]
    NoFile(PathBuf),
    /// A key is unknown or a value has the wrong type.
    #[error("{}", where_and_what(.0))]
    Read(Box<figment::Error>),
    /// A value lies outside what is allowed.
    #[error("{key}: {problem}")]
    Value {
        /// Path of the key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl Config {
    /// Defaults, then the file, then `HEADROOM_…` from the environment, then `flags`: the keys a command line named.
    ///
    /// # Errors
    /// When the file is missing, a key is unknown or mistyped, or a value is out of range.
    pub fn load(file: Option<&Path>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("HEADROOM_").filter(|name| is_setting(name.as_str())).split("__");
        let config: Self = figment
            .merge(environment)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| ConfigError::Read(Box::new(error)))?;
        config.validated()
    }
}

/// The key as it is written in the file, what is wrong there, and which file or variable says so. The library's own words
/// begin every key with the name of a profile, which nobody here has written.
fn where_and_what(error: &figment::Error) -> String {
    let mut text = error.path.join(".");
    if !text.is_empty() {
        text += ": ";
    }
    text += &error.kind.to_string();
    if let Some(origin) = &error.metadata {
        let name = origin.source.as_ref().map_or_else(|| origin.name.to_string(), ToString::to_string);
        text += &format!(" (in {name})");
    }
    text
}

/// Whether an environment variable, without its prefix, is meant for the server: other parts of Headroom have variables
/// of their own (`HEADROOM_CONFIG`, `HEADROOM_LINK_…`), which are no mistakes in this one's configuration.
fn is_setting(name: &str) -> bool {
    const TOP: [&str; 3] = ["tick_ms", "threads", "shards"];
    const SECTIONS: [&str; 13] = [
        "public", "tokens", "control", "edge", "identity", "steering", "log", "engine", "history", "alerts", "plan",
        "chat", "speech",
    ];
    let section = name.split_once("__").map(|(section, _)| section);
    let matches = |known: &[&str], name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    section.map_or_else(|| matches(&TOP, name), |section| matches(&SECTIONS, section))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let documented: Config = toml::from_str(DEFAULT_TOML).unwrap();
        assert_eq!(documented, Config::default());
        // Nothing may be missing from the document but what is meant for the environment, and the engine's inner parts.
        let keys = |value: &toml::Table| -> Vec<String> {
            let mut keys = Vec::new();
            for (section, value) in value {
                match value.as_table() {
                    Some(table) if section != "engine" => {
                        keys.extend(table.keys().map(|key| format!("{section}.{key}")));
                    }
                    _ => keys.push(section.clone()),
                }
            }
            keys
        };
        let documented = keys(&DEFAULT_TOML.parse().unwrap());
        let all = keys(&toml::Table::try_from(Config::default()).unwrap());
        assert_eq!(documented.iter().collect::<std::collections::BTreeSet<_>>(), all.iter().collect());
    }

    #[test]
    fn an_error_names_the_key_as_it_is_written() {
        for (file, expected) in [
            ("[public]\nlisten = 5", "public.listen: invalid type: found signed int `5`, expected socket address"),
            ("[public]\nlisen = '[::]:80'", "unknown field: found `lisen`"),
        ] {
            let figment = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(file));
            let error = ConfigError::Read(Box::new(figment.extract::<Config>().unwrap_err())).to_string();
            assert!(error.contains(expected) && !error.contains("default"), "{error}");
        }
    }

    #[test]
    fn only_its_own_variables_are_read() {
        let table = toml::Table::try_from(Config::default()).unwrap();
        for (key, value) in &table {
            let name = if value.is_table() { format!("{key}__x") } else { key.clone() };
            assert!(is_setting(&name.to_ascii_uppercase()), "{key} cannot be set from the environment");
        }
        for other in ["CONFIG", "SHARED", "LINK_SERVER_NETNS", "LINK__X", "PUBLIC"] {
            assert!(!is_setting(other), "{other}");
        }
    }
}
