//! The configuration: defaults, TOML file, environment, command line.

use crate::{alerts, control, edge, feedback, history, identity::Identity, plan, public, steering, token};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use headroom_cluster::input_log::Log;
use headroom_core::{
    engine,
    experiment::{Experiment, Holdback},
    mode::Mode,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The documented defaults, as `headroom serve --print-config` prints them.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Settings of the server; `default.toml` says what each means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is done with decisions, until an operator orders otherwise.
    pub mode: Mode,
    /// Comparisons of arms on live traffic.
    pub experiment: Vec<Experiment>,
    /// Milliseconds between two decisions of a session.
    pub tick_ms: u64,
    /// Threads that serve requests; 0 takes one for each processor.
    pub threads: usize,
    /// Engines the sessions are spread over.
    pub shards: usize,
    /// The listener of players and web servers.
    pub public: public::Settings,
    /// Tokens of the public listener.
    pub tokens: token::Settings,
    /// The listener of operators.
    pub control: control::Settings,
    /// The reverse proxy.
    pub edge: edge::Settings,
    /// How sessions are told apart.
    pub identity: Identity,
    /// Content Steering.
    pub steering: steering::Settings,
    /// Sessions that are never told anything.
    pub holdback: Holdback,
    /// Input and decision logs.
    pub log: Log,
    /// Alert rules and the receivers of alerts.
    pub alerts: alerts::Settings,
    /// What is kept.
    pub history: history::Settings,
    /// What plans assume.
    pub plan: plan::Settings,
    /// Sources of viewers' messages.
    pub chat: feedback::Settings,
    /// Clips and voice chats.
    pub speech: feedback::SpeechSettings,
    /// The engine.
    pub engine: engine::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            experiment: Vec::new(),
            tick_ms: 2_000,
            threads: 0,
            shards: 64,
            public: public::Settings::default(),
            tokens: token::Settings::default(),
            control: control::Settings::default(),
            edge: edge::Settings::default(),
            identity: Identity::default(),
            steering: steering::Settings::default(),
            holdback: Holdback::default(),
            log: Log::default(),
            alerts: alerts::Settings::default(),
            history: history::Settings::default(),
            plan: plan::Settings::default(),
            chat: feedback::Settings::default(),
            speech: feedback::SpeechSettings::default(),
            engine: engine::Config::default(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file named does not exist.
    #[error("configuration file {0} does not exist, or is a directory")]
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
            // A pipe is a file, too: secrets are handed over through one.
            if !file.exists() || file.is_dir() {
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
/// begin every key with the name of a profile, which no file of ours contains.
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
/// of their own (`HEADROOM_CONFIG`, `HEADROOM_LINK_…`), which are not mistakes in the server's configuration.
fn is_setting(name: &str) -> bool {
    const TOP: [&str; 5] = ["mode", "experiment", "tick_ms", "threads", "shards"];
    const SECTIONS: [&str; 14] = [
        "holdback", "public", "tokens", "control", "edge", "identity", "steering", "log", "engine", "history",
        "alerts", "plan", "chat", "speech",
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
    fn every_policy_that_can_be_chosen_is_documented() {
        let section = DEFAULT_TOML.split_once("[engine]").unwrap().1;
        for policy in engine::PolicyKind::all() {
            assert!(section.contains(&format!("\"{}\"", policy.name())), "{} is missing", policy.name());
        }
    }

    #[test]
    fn a_file_may_be_a_pipe() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, b"tick_ms = 3000\n").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        let config = Config::load(Some(Path::new(&path)), serde_json::json!({})).unwrap();
        assert_eq!(config.tick_ms, 3_000);
        for missing in ["/nonexistent", "/"] {
            assert!(
                matches!(Config::load(Some(Path::new(missing)), serde_json::json!({})), Err(ConfigError::NoFile(_))),
                "{missing}"
            );
        }
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
