//! `[edge.manifests]`: what the edge writes into manifests, so that stock players take part without a change of their page.

use headroom_wire::playlist::{CmcdParameters, SteeringAnnouncement, with_cmcd, with_steering};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// `[edge.manifests]`; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Version of CMCD that MPDs ask for; 0: they are left alone.
    pub cmcd_version: u8,
    /// `query` or `header`.
    pub cmcd_mode: String,
    /// Keys asked for; empty: all that the player knows.
    pub cmcd_keys: Vec<String>,
    /// Requests that carry them.
    pub cmcd_requests: Vec<String>,
    /// The steering server that manifests name; empty: they are left alone.
    pub steering_uri: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cmcd_version: 0,
            cmcd_mode: "query".into(),
            cmcd_keys: Vec::new(),
            cmcd_requests: ["segment", "mpd", "steering"].map(str::to_owned).into(),
            steering_uri: String::new(),
        }
    }
}

/// Keys and kinds of requests at most, and the length of each.
const MAX_WORDS: usize = 64;
const MAX_WORD: usize = 64;

impl Settings {
    /// What is wrong with them; `None`: nothing.
    pub(crate) fn flaw(&self) -> Option<String> {
        let plain = |word: &String| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(fits)
        };
        let words = |words: &[String]| words.len() <= MAX_WORDS && words.iter().all(plain);
        if self.cmcd_version > 2 {
            return Some(format!("cmcd_version {} is none of 0, 1 and 2", self.cmcd_version));
        }
        if !matches!(self.cmcd_mode.as_str(), "query" | "header") {
            return Some(format!("cmcd_mode {:?} is neither \"query\" nor \"header\"", self.cmcd_mode));
        }
        if !words(&self.cmcd_keys) || !words(&self.cmcd_requests) {
            return Some("keys and requests are words of letters, digits and hyphens".to_owned());
        }
        if self.cmcd_version > 0
            && !["segment", "mpd"].iter().all(|word| self.cmcd_requests.iter().any(|kind| kind == word))
        {
            // The session is told to the player once, with its first MPD; the requests for further ones say which it is.
            return Some("cmcd_requests holds \"segment\" and \"mpd\"".to_owned());
        }
        let bad = |character: char| character.is_control() || character.is_whitespace() || "\"<>".contains(character);
        if self.steering_uri.contains(bad) || self.steering_uri.len() > 1_024 {
            return Some("steering_uri is no address".to_owned());
        }
        None
    }

    /// Whether anything is written at all.
    pub(super) fn is_on(&self) -> bool {
        self.cmcd_version > 0 || !self.steering_uri.is_empty()
    }

    /// The manifest with what is wanted in it; `None` when nothing changes. `session` is the player's own name for itself,
    /// where it gave one; `draw` makes one up for a player that has none yet.
    pub(super) fn written(
        &self,
        manifest: &str,
        content: &str,
        session: Option<&str>,
        pathways: &[String],
        draw: impl FnOnce() -> String,
    ) -> Option<String> {
        let mut text = Cow::Borrowed(manifest);
        if self.cmcd_version > 0 {
            let session = session.map_or_else(|| Cow::Owned(draw()), Cow::Borrowed);
            let parameters = CmcdParameters {
                version: self.cmcd_version,
                mode: &self.cmcd_mode,
                keys: &self.cmcd_keys,
                include_in_requests: &self.cmcd_requests,
                content_id: content,
                session_id: &session,
            };
            if let Some(asking) = with_cmcd(&text, &parameters) {
                text = Cow::Owned(asking);
            }
        }
        if !self.steering_uri.is_empty() {
            let uri = self.steering_of(session);
            let announcement = SteeringAnnouncement { server_uri: &uri, pathways };
            if let Some(steered) = with_steering(&text, &announcement) {
                text = Cow::Owned(steered);
            }
        }
        match text {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }

    /// The steering server's address as one session asks it.
    fn steering_of(&self, session: Option<&str>) -> String {
        let Some(session) = session else { return self.steering_uri.clone() };
        let named = percent_encoding::utf8_percent_encode(session, percent_encoding::NON_ALPHANUMERIC);
        let joint = if self.steering_uri.contains('?') { '&' } else { '?' };
        format!("{}{joint}session={named}", self.steering_uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MPD: &str = "<MPD><Period/></MPD>";

    #[test]
    fn nothing_is_written_unless_asked_for() {
        let settings = Settings::default();
        assert_eq!((settings.is_on(), settings.flaw()), (false, None));
        assert_eq!(settings.written(MPD, "c", None, &[], || "drawn".into()), None);
    }

    #[test]
    fn a_session_keeps_its_name() {
        let settings = Settings { cmcd_version: 2, steering_uri: "/v1/steering".into(), ..Settings::default() };
        for (session, id, uri) in
            [(None, "drawn", "/v1/steering<"), (Some("a b"), "a b", "/v1/steering?session=a%20b<")]
        {
            let text = settings.written(MPD, "show", session, &[], || "drawn".into()).unwrap();
            assert!(text.contains(&format!("contentID=\"show\" sessionID=\"{id}\"")), "{text}");
            assert!(text.contains(uri), "{text}");
        }
        let playlist = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n";
        let text = settings.written(playlist, "show", Some("a"), &[], || "drawn".into()).unwrap();
        assert!(text.contains("SERVER-URI=\"/v1/steering?session=a\"\n"), "{text}");
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        for (text, expected) in [
            ("cmcd_version = 3", "cmcd_version"),
            ("cmcd_mode = \"json\"", "cmcd_mode"),
            ("cmcd_keys = [\"a b\"]", "words"),
            ("cmcd_version = 2\ncmcd_requests = [\"segment\"]", "\"mpd\""),
            ("steering_uri = \"a b\"", "steering_uri"),
        ] {
            let flaw = toml::from_str::<Settings>(text).unwrap().flaw().unwrap();
            assert!(flaw.contains(expected), "{flaw}");
        }
    }
}
