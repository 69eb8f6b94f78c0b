//! `[chat]`: sources of viewers' messages.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[chat]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The stream of messages whose source names none.
    pub stream: String,
    /// Keep the beginning of the latest messages for the control listener.
    pub show_text: bool,
    /// WebSockets held at most.
    pub max_sockets: usize,
    /// WebSockets of one address at a time; 0: no limit.
    pub max_sockets_per_client: u32,
    /// Messages a WebSocket may send in a second.
    pub socket_messages_per_s: u32,
    /// Bearer token of `/v1/feedback`, meant for the environment; empty: none needed. Never printed.
    #[serde(skip_serializing)]
    pub token: String,
    /// Twitch channels, `CHANNEL` or `CHANNEL=STREAM`.
    pub twitch_channels: Vec<String>,
    /// IRC server, `HOST:PORT`.
    pub twitch_server: String,
    /// Whether the connection is encrypted.
    pub twitch_tls: bool,
    /// Nickname; empty takes an anonymous one.
    pub twitch_nick: String,
    /// YouTube live chats, `CHAT` or `CHAT=STREAM`.
    pub youtube_chats: Vec<String>,
    /// Where the API is.
    pub youtube_url: String,
    /// File with the API key.
    pub youtube_key_file: PathBuf,
    /// The key itself, meant for the environment. Never printed.
    #[serde(skip_serializing)]
    pub youtube_key: String,
    /// Root certificates (PEM) in place of the platform's.
    pub ca_file: PathBuf,
    /// A recorded chat to replay; `-` is standard input.
    pub replay: PathBuf,
    /// How much faster than recorded.
    pub replay_speed: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stream: String::new(),
            show_text: true,
            max_sockets: 1_000,
            max_sockets_per_client: 20,
            socket_messages_per_s: 100,
            token: String::new(),
            twitch_channels: Vec::new(),
            twitch_server: "irc.chat.twitch.tv:6697".into(),
            twitch_tls: true,
            twitch_nick: String::new(),
            youtube_chats: Vec::new(),
            youtube_url: "https://youtube.googleapis.com".into(),
            youtube_key_file: PathBuf::new(),
            youtube_key: String::new(),
            ca_file: PathBuf::new(),
            replay: PathBuf::new(),
            replay_speed: 1.0,
        }
    }
}

impl Settings {
    /// The first key that is out of range, and what is wrong with it.
    pub(crate) fn flaw(&self) -> Option<(&'static str, String)> {
        let nowhere = |entries: &[String]| {
            entries
                .iter()
                .any(|entry| entry.is_empty() || entry.starts_with('=') || entry.contains([' ', ',', '\r', '\n']))
                || (self.stream.is_empty() && entries.iter().any(|entry| !entry.contains('=')))
        };
        let form = "entries are NAME=STREAM, or NAME when chat.stream is set";
        if nowhere(&self.twitch_channels) {
            return Some(("chat.twitch_channels", form.into()));
        }
        if nowhere(&self.youtube_chats) {
            return Some(("chat.youtube_chats", form.into()));
        }
        if !self.twitch_server.contains(':') {
            return Some(("chat.twitch_server", format!("{:?} is not HOST:PORT", self.twitch_server)));
        }
        if !self.twitch_nick.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Some(("chat.twitch_nick", "a nickname has letters, digits and _".into()));
        }
        if !(self.youtube_url.starts_with("https://") || self.youtube_url.starts_with("http://")) {
            return Some(("chat.youtube_url", format!("{:?} is no http or https URL", self.youtube_url)));
        }
        if self.socket_messages_per_s == 0 {
            return Some(("chat.socket_messages_per_s", "0 lets nothing through".into()));
        }
        if !(0.01..=1_000.0).contains(&self.replay_speed) {
            return Some(("chat.replay_speed", format!("{} is outside 0.01..=1000", self.replay_speed)));
        }
        None
    }
}
