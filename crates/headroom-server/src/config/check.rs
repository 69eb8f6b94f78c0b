//! Whether settings can be used: the first key that cannot is named.

use super::load::{Config, ConfigError};
use crate::{
    alerts,
    control::unsupported,
    edge::{self, declared_streams},
    network::{Networks, TableError},
    places::{self, Places},
};
use headroom_cluster::{arms::table_of, input_log::MAX_SHARDS};
use headroom_wire::steering::{Flaw, Manifest};
use std::sync::Arc;

impl Config {
    /// Why media cannot be fetched right now; `None` when it can, or no origin is configured.
    pub async fn origin_trouble(&self) -> Option<String> {
        match edge::Fetch::new(&self.edge, Arc::default()) {
            Ok(fetch) => fetch.check().await,
            Err(error) => Some(format!("edge.origin_ca_file: {}", told(&error))),
        }
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
        if let Some(problem) = self.edge.manifests.flaw() {
            return wrong("edge.manifests", problem);
        }
        if self.edge.failover_ms == 0 || !(self.edge.health_path.is_empty() || self.edge.health_path.starts_with('/')) {
            return wrong("edge", "failover_ms is at least 1, health_path begins with /".into());
        }
        if !(0.0..=1.0).contains(&self.public.cmcd_share) {
            return wrong("public.cmcd_share", format!("{} is outside 0..=1", self.public.cmcd_share));
        }
        let arms = table_of(self.holdback.clone(), self.experiment.clone(), |_| Vec::new());
        match arms {
            Err(error) => return wrong("experiment", error.to_string()),
            Ok(table) => {
                if let Some(problem) = unsupported(&table) {
                    return wrong("experiment", problem);
                }
            }
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
        if let Some(problem) = places::flaw(&self.edge.names) {
            return wrong("edge.names", problem);
        }
        if let Some(problem) = declared_streams::flaw(&self.edge.streams, &self.engine.default_stream.ladder) {
            return wrong("edge.streams", problem);
        }
        self.places()
            .map_err(|error| ConfigError::Value { key: "history.autonomous_systems_file", problem: told(&error) })?;
        edge::Origin::parse(&self.edge.origin).map_err(|problem| ConfigError::Value { key: "edge.origin", problem })?;
        Ok(self)
    }
}

impl Config {
    /// The names of edges and networks.
    ///
    /// # Errors
    /// When the table of autonomous systems cannot be used.
    pub(crate) fn places(&self) -> Result<Places, TableError> {
        let history = &self.history;
        let networks = Networks::load(&history.networks, &history.autonomous_systems_file)?;
        Ok(Places::new(self.edge.cmsd_name.clone(), self.edge.names.clone(), networks))
    }
}

/// An error with what is behind it.
fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("[edge]\nfailover_ms = 0", "edge"),
            ("[edge]\nhealth_path = \"x\"", "edge"),
            ("[edge.manifests]\ncmcd_version = 3", "edge.manifests"),
            ("[edge]\ncmsd_name = \"a\\\"b\"", "edge.cmsd_name"),
            ("[public]\nmax_connections = 0", "public.max_connections"),
            ("[public]\ncmcd_share = 1.5", "public.cmcd_share"),
            ("[alerts]\nalertmanagers = [\"file:///etc/passwd\"]", "alerts"),
            ("[alerts]\nrules = \"/nonexistent\"", "alerts.rules"),
            ("[history]\nmax_megabytes = 1", "history"),
            ("[history]\nautonomous_systems_file = \"/nonexistent\"", "history.autonomous_systems_file"),
            ("[edge]\nnames = [\"a b\"]", "edge.names"),
            ("[edge]\nstreams = [{ name = \"a\", format = \"x\" }]", "edge.streams"),
            ("[edge]\nstreams = [{ name = \"a\", ladder_kbps = [900, 0] }]", "edge.streams"),
            ("[edge]\nstreams = [{ name = \"a\" }, { name = \"a\" }]", "edge.streams"),
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
