//! Tokens of the public listener: who may report about, and ask about, which session, and until when.
//!
//! `hr1.KEY.EXPIRY.SESSION.STREAM.MAC`: name of the key, seconds since the epoch, session and stream in base64url
//! (RFC 4648 §5, no padding; empty: any), and the HMAC-SHA-256 of everything before the last dot under that key, in
//! base64url. Whoever hands out players' pages makes them, in any language; `headroom token` does too.
//!
//! Keys are rotated with overlap: the first of the file signs, all of them verify, and the file is read again when it
//! changes.

use crate::{http::problem::Problem, identity::parameter, reload::Reloadable};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use headroom_cluster::lock::{read_locked, write_locked};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

/// What every token begins with: the version of the format.
const VERSION: &str = "hr1";

/// Query parameter and cookie that carry a token where a header cannot: `EventSource`, `sendBeacon`, media elements.
pub(crate) const NAME: &str = "headroom_token";

/// Shortest secret: 128 bits as hexadecimal digits are 32.
const SHORTEST_SECRET: usize = 32;

/// Keys at most: two overlap, more are a mistake.
const MAX_KEYS: usize = 16;

/// Longest token looked at: names of 256 bytes, a third longer in base64, and the rest.
const LONGEST: usize = 1_024;

/// `[tokens]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// File with keys; empty: no token is asked for.
    pub keys_file: PathBuf,
    /// Longest life of a token, s.
    pub max_lifetime_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { keys_file: PathBuf::new(), max_lifetime_s: 86_400 }
    }
}

/// Keys that make and check tokens. `Debug` shows their names only.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    name: String,
    secret: Vec<u8>,
    /// Its tokens are for publishers: they may report about the encoder of their stream.
    publisher: bool,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

/// Why there are no keys. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file cannot be read.
    #[error("token keys {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: std::io::Error,
    },
    /// A line of it is not as it should be.
    #[error("token keys, line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It holds none.
    #[error("token keys: there is none (a line is `name secret`)")]
    None,
}

/// Whom a token is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The session, as its player names itself (CMCD `sid`); empty: any, for relays and log shippers.
    pub session: String,
    /// The stream, as players name it (CMCD `cid`); empty: any.
    pub stream: String,
    /// Until when, seconds since the epoch.
    pub expires_s: u64,
    /// Its bearer publishes the stream, and may report about its encoder: a key for publishers signed it.
    pub publisher: bool,
}

impl Keys {
    /// Reads a file of lines `name secret` or `name secret publisher`; `#` begins a comment.
    ///
    /// # Errors
    /// When it cannot be read, holds none, or a line is wrong; the line is named, never the secret.
    pub fn read(path: &Path) -> Result<Self, KeysError> {
        let text = std::fs::read_to_string(path);
        text.map_err(|source| KeysError::Read { path: path.to_owned(), source })?.parse()
    }

    /// A token for `claims`, signed with the first key of its kind; `None` where there is no key for publishers.
    #[must_use]
    pub fn mint(&self, claims: &Claims) -> Option<String> {
        let Key { name, secret, .. } = self.0.iter().find(|key| key.publisher == claims.publisher)?;
        let (session, stream) = (URL_SAFE_NO_PAD.encode(&claims.session), URL_SAFE_NO_PAD.encode(&claims.stream));
        let signed = format!("{VERSION}.{name}.{}.{session}.{stream}", claims.expires_s);
        let code = URL_SAFE_NO_PAD.encode(mac(secret, &signed)?.finalize().into_bytes());
        Some(format!("{signed}.{code}"))
    }

    /// What a token claims, if one of the keys signed it. Whether it has expired is another question.
    fn verify(&self, token: &str) -> Option<Claims> {
        let (signed, code) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
        let mut parts = signed.split('.');
        let mut part = || parts.next();
        let (version, key, expires, session, stream) = (part()?, part()?, part()?, part()?, part()?);
        if version != VERSION || part().is_some() {
            return None;
        }
        let Key { secret, publisher, .. } = self.0.iter().find(|known| known.name == key)?;
        let code = URL_SAFE_NO_PAD.decode(code).ok()?;
        mac(secret, signed)?.verify_slice(&code).ok()?;
        let text = |encoded: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok();
        let (session, stream, expires_s) = (text(session)?, text(stream)?, expires.parse().ok()?);
        Some(Claims { session, stream, expires_s, publisher: *publisher })
    }
}

impl std::str::FromStr for Keys {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        let mut keys = Vec::<Key>::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |problem| KeysError::Line { line: index + 1, problem };
            let parts: Vec<&str> = line.split_whitespace().collect();
            let (name, secret, publisher) = match parts[..] {
                [name, secret] => (name, secret, false),
                [name, secret, "publisher"] => (name, secret, true),
                _ => return Err(wrong("not a name and a secret, with `publisher` after them or nothing")),
            };
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if name.len() > 32 || !name.bytes().all(plain) {
                return Err(wrong("the name has more than 32 characters or others than letters, digits, - and _"));
            }
            if secret.len() < SHORTEST_SECRET {
                return Err(wrong("the secret has fewer than 32 characters"));
            }
            if keys.len() >= MAX_KEYS || keys.iter().any(|key| key.name == name) {
                return Err(wrong("the name stands twice, or there are more than 16 keys"));
            }
            keys.push(Key { name: name.to_owned(), secret: secret.as_bytes().to_vec(), publisher });
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(Self(keys)) }
    }
}

/// The code over `text`, not yet computed. An HMAC takes a key of any length (RFC 2104 §2).
fn mac(secret: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

/// Why a token does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("this needs a token: Authorization: Bearer, or the query parameter or cookie {NAME}")]
    Missing,
    #[error("the token is none of ours, or is good for longer than tokens may be")]
    Forged,
    #[error("the token has expired")]
    Expired,
    #[error("the token is for another session or stream")]
    Foreign,
}

impl From<TokenError> for Problem {
    fn from(unproven: TokenError) -> Self {
        let detail = unproven.to_string();
        match unproven {
            TokenError::Missing => Self::token_missing(detail),
            TokenError::Forged => Self::token_forged(detail),
            TokenError::Expired => Self::token_expired(detail),
            TokenError::Foreign => Self::token_foreign(detail),
        }
    }
}

/// What a request may speak about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Everything: no token is asked for.
    #[default]
    Open,
    /// What its token says.
    To(Claims),
}

impl Grant {
    /// Whether it covers a session; `None` is one that has no name.
    pub(crate) fn covers_session(&self, session: Option<&str>) -> bool {
        match self {
            Self::Open => true,
            Self::To(claims) => claims.session.is_empty() || session == Some(claims.session.as_str()),
        }
    }

    /// Whether it covers a stream; `None` is one that was not named, which is the session's business.
    pub(crate) fn covers_stream(&self, stream: Option<&str>) -> bool {
        match self {
            Self::Open => true,
            Self::To(claims) => claims.stream.is_empty() || stream.is_none_or(|stream| stream == claims.stream),
        }
    }

    /// Both, or the refusal.
    pub(crate) fn covers(&self, session: Option<&str>, stream: Option<&str>) -> Result<(), TokenError> {
        let covered = self.covers_session(session) && self.covers_stream(stream);
        if covered { Ok(()) } else { Err(TokenError::Foreign) }
    }

    /// Whether its bearer may report about the encoder of a stream.
    pub(crate) fn may_publish(&self) -> bool {
        match self {
            Self::Open => true,
            Self::To(claims) => claims.publisher,
        }
    }

    /// Whether its bearer speaks for any session, as relays and log shippers do.
    pub(crate) fn is_relay(&self) -> bool {
        matches!(self, Self::To(claims) if claims.session.is_empty())
    }

    /// When it ends, seconds since the epoch.
    pub(crate) fn expires_s(&self) -> Option<u64> {
        match self {
            Self::Open => None,
            Self::To(claims) => Some(claims.expires_s),
        }
    }
}

/// Looks at the token of every request, where tokens are asked for.
pub(crate) struct Gate {
    keys: Option<RwLock<Arc<Keys>>>,
    settings: Settings,
}

impl Gate {
    /// Reads the keys, if there are to be any.
    pub(crate) fn new(settings: &Settings) -> Result<Self, KeysError> {
        let keys = match settings.keys_file.as_os_str().is_empty() {
            true => None,
            false => Some(RwLock::new(Arc::new(Keys::read(&settings.keys_file)?))),
        };
        Ok(Self { keys, settings: settings.clone() })
    }

    /// Whether tokens are asked for.
    pub(crate) fn asks(&self) -> bool {
        self.keys.is_some()
    }

    /// What a request may speak about. `query` is that of the player's own request; the time is asked for where there is a
    /// token.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        query: &str,
        now_s: impl FnOnce() -> u64,
    ) -> Result<Grant, TokenError> {
        let Some(keys) = &self.keys else { return Ok(Grant::Open) };
        let token = carried(headers, query).ok_or(TokenError::Missing)?;
        let keys = Arc::clone(&read_locked(keys));
        let claims = keys.verify(&token).ok_or(TokenError::Forged)?;
        let now_s = now_s();
        if claims.expires_s <= now_s {
            return Err(TokenError::Expired);
        }
        if claims.expires_s - now_s > self.settings.max_lifetime_s {
            return Err(TokenError::Forged);
        }
        Ok(Grant::To(claims))
    }
}

impl Reloadable for Gate {
    fn files(&self) -> Vec<PathBuf> {
        self.keys.iter().map(|_| self.settings.keys_file.clone()).collect()
    }

    fn reload(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if let Some(held) = &self.keys {
            let new = Arc::new(Keys::read(&self.settings.keys_file)?);
            *write_locked(held) = new;
        }
        Ok(())
    }
}

/// The token of a request: header, query parameter, cookie, in this order.
fn carried<'r>(headers: &'r HeaderMap, query: &'r str) -> Option<Cow<'r, str>> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let named = || parameter(query, NAME).and_then(|value| percent_decode_str(value).decode_utf8().ok());
    bearer.map(Cow::Borrowed).or_else(named).or_else(|| crate::identity::cookie(headers, NAME).map(Cow::Borrowed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const FILE: &str = "# keys\nnew 0123456789abcdef0123456789abcdef\nold fedcba9876543210fedcba9876543210\n";
    const NOW_S: u64 = 1_800_000_000;

    fn gate(file: &str) -> Gate {
        let settings = Settings { max_lifetime_s: 3_600, ..Settings::default() };
        Gate { keys: Some(RwLock::new(Arc::new(file.parse().unwrap()))), settings }
    }

    fn ask(gate: &Gate, token: &str) -> Result<Grant, TokenError> {
        let headers =
            HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap())]);
        gate.admit(&headers, "", || NOW_S)
    }

    fn claims(expires_s: u64) -> Claims {
        Claims { session: "viewer 1".into(), stream: "show".into(), expires_s, publisher: false }
    }

    /// printf 'hr1.new.1800000060.dmlld2VyIDE.c2hvdw' |
    /// openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | basenc --base64url | tr -d =
    const BY_OPENSSL: &str = "hr1.new.1800000060.dmlld2VyIDE.c2hvdw.-n3v17uW0zIuJlInLpgWLtmPGIkIL0ZFA5Zxv-QIKrk";

    #[test]
    fn a_token_made_elsewhere_is_the_same() {
        let keys: Keys = FILE.parse().unwrap();
        assert_eq!(keys.mint(&claims(NOW_S + 60)).as_deref(), Some(BY_OPENSSL));
        assert_eq!(keys.verify(BY_OPENSSL), Some(claims(NOW_S + 60)));
    }

    #[test]
    fn what_is_forged_expired_or_too_long_lived_is_told_apart() {
        let gate = gate(FILE);
        let keys: Keys = FILE.parse().unwrap();
        let good = keys.mint(&claims(NOW_S + 60)).unwrap();
        assert_eq!(ask(&gate, &good), Ok(Grant::To(claims(NOW_S + 60))));
        assert_eq!(ask(&gate, &keys.mint(&claims(NOW_S)).unwrap()), Err(TokenError::Expired));
        assert_eq!(ask(&gate, &keys.mint(&claims(NOW_S + 3_601)).unwrap()), Err(TokenError::Forged));
        let other: Keys = "new aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
        let stranger: Keys = "alien 0123456789abcdef0123456789abcdef".parse().unwrap();
        let swapped = good.replacen("dmlld2VyIDE", "dmlld2VyIDI", 1);
        let prolonged = good.replacen("1800000060", "1800000061", 1);
        for forged in [
            other.mint(&claims(NOW_S + 60)).unwrap(),
            stranger.mint(&claims(NOW_S + 60)).unwrap(),
            swapped,
            prolonged,
            good[..good.len() - 1].to_owned(),
            good.replace("hr1", "hr2"),
            format!("{good}.x"),
            "....".into(),
            String::new(),
            "a".repeat(100_000),
        ] {
            assert_eq!(ask(&gate, &forged), Err(TokenError::Forged), "{forged:.80}");
        }
        assert_eq!(gate.admit(&HeaderMap::new(), "a=1", || NOW_S), Err(TokenError::Missing));
    }

    #[test]
    fn keys_overlap() {
        let old: Keys = FILE.lines().last().unwrap().parse().unwrap();
        let token = old.mint(&claims(NOW_S + 60)).unwrap();
        assert!(ask(&gate(FILE), &token).is_ok(), "the second key still verifies");
        assert_eq!(ask(&gate(FILE.lines().nth(1).unwrap()), &token), Err(TokenError::Forged));
    }

    #[test]
    fn publishers_have_keys_of_their_own() {
        let file = format!("{FILE}studio 00112233445566778899aabbccddeeff publisher\n");
        let keys: Keys = file.parse().unwrap();
        let publishing = Claims { publisher: true, ..claims(NOW_S + 60) };
        let token = keys.mint(&publishing).unwrap();
        assert!(token.starts_with("hr1.studio."));
        assert!(ask(&gate(&file), &token).unwrap().may_publish());
        assert!(!ask(&gate(&file), &keys.mint(&claims(NOW_S + 60)).unwrap()).unwrap().may_publish());
        assert_eq!(FILE.parse::<Keys>().unwrap().mint(&publishing), None, "no key for publishers");
    }

    #[test]
    fn header_query_and_cookie_carry_it() {
        let gate = gate(FILE);
        let token = FILE.parse::<Keys>().unwrap().mint(&claims(NOW_S + 60)).unwrap();
        let query = format!("CMCD=x&{NAME}={token}");
        assert!(gate.admit(&HeaderMap::new(), &query, || NOW_S).is_ok());
        let cookie = HeaderValue::try_from(format!("a=b; {NAME}={token}")).unwrap();
        assert!(gate.admit(&HeaderMap::from_iter([(header::COOKIE, cookie)]), "", || NOW_S).is_ok());
    }

    #[test]
    fn a_grant_covers_what_it_names() {
        let own = Grant::To(claims(NOW_S));
        assert!(own.covers_session(Some("viewer 1")) && !own.covers_session(Some("viewer 2")));
        assert!(!own.covers_session(None), "who does not say who it is cannot be who the token is for");
        assert!(own.covers_stream(Some("show")) && own.covers_stream(None) && !own.covers_stream(Some("other")));
        let relay = Grant::To(Claims::default());
        assert!(relay.covers(Some("anyone"), Some("anything")).is_ok() && relay.covers_session(None));
    }

    #[test]
    fn flaws_of_the_file_are_named_without_the_secret() {
        for (text, expected) in [
            ("", "there is none"),
            ("a", "line 1"),
            ("# x\na secret", "line 2"),
            ("a.b 0123456789abcdef0123456789abcdef", "line 1"),
            ("a 0123456789abcdef0123456789abcdef\na 0123456789abcdef0123456789abcdef", "line 2"),
        ] {
            let error = text.parse::<Keys>().unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("0123"), "{text:?}: {error}");
        }
        assert!(!format!("{:?}", FILE.parse::<Keys>().unwrap()).contains("0123"));
    }
}
