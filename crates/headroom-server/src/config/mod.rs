//! Settings: defaults, TOML file, environment, command line.

mod chat;
mod difference;
mod speech;

pub use chat::Chat;
pub(crate) use difference::differences;
pub use speech::{Speech, VoiceChat};

use crate::{
    alerts,
    clients::Limits,
    control::Role,
    history,
    identity::Identity,
    place::{self, Places},
    plan,
    record::Log,
    tls, token,
};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use headroom_core::engine;
use headroom_wire::steering::{Flaw, Manifest};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// The documented defaults, as `headroom serve --print-config` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// More engines than any machine has use for.
pub const MAX_SHARDS: usize = 1_024;

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
    #[error("configuration cannot be read")]
    Read(#[from] Box<figment::Error>),
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
        let config: Self = figment.merge(environment).merge(Serialized::defaults(flags)).extract().map_err(Box::new)?;
        config.validated()
    }

    /// The same settings, once nothing in them is out of range.
    ///
    /// # Errors
    /// Names the first key that is.
    pub fn validated(self) -> Result<Self, ConfigError> {
        let wrong = |key, problem: String| Err(ConfigError::Value { key, problem });
        if !(1_000..=5_000).contains(&self.tick_ms) {
            return wrong("tick_ms", format!("{} is outside 1000..=5000", self.tick_ms));
        }
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            return wrong("shards", format!("{} is outside 1..={MAX_SHARDS}", self.shards));
        }
        if self.engine.max_sessions < self.shards {
            return wrong("engine.max_sessions", format!("{} is less than one a shard", self.engine.max_sessions));
        }
        if self.public.max_connections == 0 {
            return wrong("public.max_connections", "0 lets nobody in".into());
        }
        if self.public.max_header_bytes < 8_192 {
            return wrong("public.max_header_bytes", format!("{} is less than 8192", self.public.max_header_bytes));
        }
        let manifest = Manifest::new(self.steering.ttl_s, self.steering.pathways.clone());
        if let Some(flaw) = manifest.flaws().into_iter().find(|flaw| *flaw != Flaw::NoPathway) {
            return wrong("steering", flaw.to_string());
        }
        if !self.control.listen.ip().is_loopback()
            && self.control.token.is_empty()
            && self.control.token_file.as_os_str().is_empty()
            && self.control.tokens_file.as_os_str().is_empty()
            && !self.control.tls.asks_for_certificates()
        {
            let problem =
                format!("{} is not loopback, so a token or a client certificate is needed", self.control.listen);
            return wrong("control.listen", problem);
        }
        for (key, tls) in [("public.tls", &self.public.tls), ("control.tls", &self.control.tls)] {
            let has_key = !tls.key_file.as_os_str().is_empty();
            if tls.is_on() != has_key || (tls.asks_for_certificates() && !tls.is_on()) {
                return wrong(key, "certificate_file and key_file go together, and client_ca_file needs both".into());
            }
        }
        if self.public.tls.asks_for_certificates() {
            return wrong(
                "public.tls",
                "client_ca_file is for the control listener: players have no certificates".into(),
            );
        }
        let targets = self.alerts.webhooks.iter().map(|webhook| &webhook.url).chain(&self.alerts.alertmanagers);
        for target in targets {
            let uri = target.parse::<http::Uri>().ok();
            let fits =
                uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
            if !fits {
                return wrong("alerts", "targets are http:// or https:// addresses".into());
            }
        }
        alerts::Rule::load(&self.alerts.rules)
            .map_err(|error| ConfigError::Value { key: "alerts.rules", problem: error.to_string() })?;
        if self.identity.author_key_hours == 0 {
            return wrong("identity.author_key_hours", "0 is no time".into());
        }
        if self.tokens.max_lifetime_s == 0 {
            return wrong("tokens.max_lifetime_s", "0 lets no token be good".into());
        }
        if self.history.retention_days == 0 || self.history.max_megabytes < 16 {
            return wrong("history", "retention_days is at least 1, max_megabytes at least 16".into());
        }
        if let Some(problem) = self.plan.flaw() {
            return wrong("plan", problem);
        }
        if let Some(problem) = self.history.archive.flaw() {
            return wrong("history.archive", problem);
        }
        if self.history.archive.enabled() && !self.history.enabled() {
            return wrong("history.archive", "the archive needs history.directory for its journal".into());
        }
        if let Some((key, problem)) = self.chat.flaw() {
            return wrong(key, problem);
        }
        if let Some((key, problem)) = self.speech.flaw() {
            return wrong(key, problem);
        }
        let name = &self.edge.cmsd_name;
        let plain = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return wrong("edge.cmsd_name", "1 to 64 printable ASCII characters without quotes are allowed".into());
        }
        if let Some(problem) = place::flaw(&self.edge.names) {
            return wrong("edge.names", problem);
        }
        Places::load(&self)
            .map_err(|error| ConfigError::Value { key: "history.autonomous_systems_file", problem: told(&error) })?;
        crate::edge::Origin::parse(&self.edge.origin)
            .map_err(|problem| ConfigError::Value { key: "edge.origin", problem })?;
        Ok(self)
    }
}

/// An error with what is behind it.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
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

    #[test]
    fn a_table_that_cannot_be_understood_is_told_by_line() {
        let path = std::env::temp_dir().join(format!("headroom-table-{}.csv", std::process::id()));
        std::fs::write(&path, "192.0.2.0/24,64500,Example\n192.0.2.0/33,64500,Example\n").unwrap();
        let mut config = Config::default();
        config.history.autonomous_systems_file = path.clone();
        let error = config.validated().unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        let expected = format!("{}, line 2: 192.0.2.0/33: the length lies in 0..=32", path.display());
        assert_eq!(error, format!("history.autonomous_systems_file: {expected}"));
    }

    #[test]
    fn values_out_of_range_name_their_key() {
        let cases: &[(&str, &str)] = &[
            ("tick_ms = 999", "tick_ms"),
            ("shards = 0", "shards"),
            ("[steering]\npathways = [\"a\", \"a\"]", "steering"),
            ("[steering]\nttl_s = 0", "steering"),
            ("[control]\nlisten = \"0.0.0.0:1\"", "control.listen"),
            ("[edge]\norigin = \"ftp://x\"", "edge.origin"),
            ("[edge]\ncmsd_name = \"a\\\"b\"", "edge.cmsd_name"),
            ("[public]\nmax_connections = 0", "public.max_connections"),
            ("[alerts]\nalertmanagers = [\"file:///etc/passwd\"]", "alerts"),
            ("[alerts]\nrules = \"/nonexistent\"", "alerts.rules"),
            ("[history]\nmax_megabytes = 1", "history"),
            ("[history]\nautonomous_systems_file = \"/nonexistent\"", "history.autonomous_systems_file"),
            ("[edge]\nnames = [\"a b\"]", "edge.names"),
            ("[plan]\npathways = [{ name = \"a\", share = 0 }]", "plan"),
            ("[history.archive]\nlocation = \"a\"", "history.archive"),
            ("[history.archive]\nlocation = \"gs://bucket\"", "history.archive"),
            ("[history.archive]\nsession_share = 1.5", "history.archive"),
            ("[tokens]\nmax_lifetime_s = 0", "tokens.max_lifetime_s"),
            ("[public.tls]\ncertificate_file = \"a\"", "public.tls"),
            ("[control.tls]\nclient_ca_file = \"a\"", "control.tls"),
            ("[chat]\ntwitch_channels = [\"a\"]", "chat.twitch_channels"),
            ("[chat]\nyoutube_chats = [\"=s\"]", "chat.youtube_chats"),
            ("[chat]\nreplay_speed = 0", "chat.replay_speed"),
            ("[speech]\nmax_clips = 0", "speech.max_clips"),
            ("[speech]\nvoice_chats = [{ stream = \"a\", command = [] }]", "speech.voice_chats"),
            ("[chat]\ntwitch_server = \"x\"", "chat.twitch_server"),
        ];
        for (text, expected) in cases {
            let config: Config = toml::from_str(text).unwrap();
            match config.validated() {
                Err(ConfigError::Value { key, .. }) => assert_eq!(key, *expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(toml::from_str::<Config>("tick = 1").is_err(), "unknown keys are refused");
    }
}
