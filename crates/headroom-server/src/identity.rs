//! Session and stream identifiers from what a request carries.
//!
//! Identifiers are keyed hashes (SipHash-1-3): without the key nobody can choose identifiers that collide,
//! and logs of decisions do not hold the players' own session ids.

use headroom_cluster::lock::locked;
use headroom_core::{
    audience::AuthorId,
    telemetry::{NetworkId, SessionId, StreamId},
};
use headroom_wire::cmcd::StreamingFormat;
use http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{
    hash::Hasher,
    net::{IpAddr, Ipv6Addr},
    sync::Mutex,
};

/// How sessions are told apart, `[identity]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Secret behind the identifiers. Empty: drawn at start, so identifiers change with every start.
    pub key: String,
    /// Cookie that names the session of a player without CMCD; empty: none.
    pub cookie: String,
    /// Query parameter that names the session of a player without CMCD; empty: none.
    pub token_parameter: String,
    /// Whose `X-Real-IP`, `X-Forwarded-For`, `Forwarded` and `X-Headroom-Edge` to believe.
    pub forwarded_from: ForwardedFrom,
    /// Hours after which the key behind the identifiers of authors is replaced.
    pub author_key_hours: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            key: String::new(),
            cookie: String::new(),
            token_parameter: String::new(),
            forwarded_from: ForwardedFrom::Loopback,
            author_key_hours: 24,
        }
    }
}

/// Peers that are trusted to name the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardedFrom {
    /// No peer is believed.
    None,
    /// Those on this machine.
    Loopback,
    /// Everybody's: for a listener that only a proxy can reach.
    Any,
}

/// Where web servers write the address of their client.
static REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// Hashes names into identifiers.
#[derive(Debug)]
pub(crate) struct Identifier {
    key: [u8; 16],
    settings: Identity,
    /// The key of authors, and which period it is for.
    authors: Mutex<(u64, [u8; 16])>,
}

/// Keeps a session id, a cookie and an address that happen to be the same text apart.
#[derive(Clone, Copy)]
enum IdentifierKind {
    ReportedSession = 1,
    Cookie = 2,
    Token = 3,
    Address = 4,
    Stream = 5,
    Network = 6,
}

impl Identifier {
    /// Draws a key when the settings name none.
    pub(crate) fn new(settings: Identity) -> Self {
        let key = if settings.key.is_empty() {
            random_key()
        } else {
            let mut key = [0; 16];
            for (half, salt) in key.chunks_exact_mut(8).zip([1_u8, 2]) {
                let mut hasher = SipHasher13::new();
                hasher.write_u8(salt);
                hasher.write(settings.key.as_bytes());
                half.copy_from_slice(&hasher.finish().to_le_bytes());
            }
            key
        };
        Self { key, settings, authors: Mutex::new((0, random_key())) }
    }

    /// The session a player names itself (CMCD `sid`, the path of the decision endpoints).
    pub(crate) fn reported_session(&self, name: &str) -> SessionId {
        SessionId(self.hash(IdentifierKind::ReportedSession, &[name.as_bytes()]))
    }

    /// A stream by name. HLS and DASH renderings of one content differ in how they count audio, so each is a stream.
    pub(crate) fn stream(&self, name: &str, format: Option<StreamingFormat>) -> StreamId {
        let format = format.map_or(0, |format| format as u8 + 1);
        StreamId(self.hash(IdentifierKind::Stream, &[name.as_bytes(), &[format]]))
    }

    /// Every identifier a stream of this name has or may get: one for each format, one for players that name none.
    pub(crate) fn renderings(&self, name: &str) -> impl Iterator<Item = StreamId> {
        let formats = StreamingFormat::ALL.iter().copied().map(Some).chain([None]);
        formats.map(move |format| self.stream(name, format))
    }

    /// The author of a message: names are unique within a source only. The key is drawn anew for every period and kept nowhere
    /// else, so nobody can tell afterwards whose identifier it was, or that two periods' are one person's.
    pub(crate) fn author(&self, source: &str, name: &str, now_s: u64) -> AuthorId {
        let period = now_s / (u64::from(self.settings.author_key_hours.max(1)) * 3_600);
        let mut authors = locked(&self.authors);
        if authors.0 != period {
            *authors = (period, random_key());
        }
        let mut hasher = SipHasher13::new_with_key(&authors.1);
        drop(authors);
        for part in [source.as_bytes(), &[0], name.as_bytes()] {
            hasher.write(part);
        }
        AuthorId(hasher.finish())
    }

    /// The session of a request that does not name one: cookie, token, or client address and user agent.
    pub(crate) fn silent_session(&self, headers: &HeaderMap, query: &str, peer: IpAddr) -> SessionId {
        let settings = &self.settings;
        if let Some(value) = cookie(headers, &settings.cookie) {
            return SessionId(self.hash(IdentifierKind::Cookie, &[value.as_bytes()]));
        }
        if let Some(value) = parameter(query, &settings.token_parameter) {
            return SessionId(self.hash(IdentifierKind::Token, &[value.as_bytes()]));
        }
        let agent = headers.get(header::USER_AGENT).map_or(&[][..], |value| value.as_bytes());
        let address = self.client_address(headers, peer).to_string();
        SessionId(self.hash(IdentifierKind::Address, &[address.as_bytes(), &[0], agent]))
    }

    /// The access network of an address: who is in one prefix of a provider's usual allotment (/24, /48) is nearly always in one
    /// autonomous system and often behind one cell or one cable. The address itself is not kept. The loopback is no network: there
    /// a proxy speaks that does not say for whom.
    pub(crate) fn network(&self, address: IpAddr) -> NetworkId {
        let hash = match address.to_canonical() {
            address if address.is_loopback() => return NetworkId::default(),
            IpAddr::V4(address) => self.hash(IdentifierKind::Network, &[&address.octets()[..3]]),
            IpAddr::V6(address) => self.hash(IdentifierKind::Network, &[&address.octets()[..6]]),
        };
        // 0 stands for no network.
        NetworkId(hash.max(1))
    }

    /// Whether `peer` is a web server that is trusted to name its clients.
    pub(crate) fn believes(&self, peer: IpAddr) -> bool {
        self.settings.forwarded_from.includes(peer)
    }

    /// Address of the client, through proxies that are believed.
    pub(crate) fn client_address(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        client_address(self.settings.forwarded_from, headers, peer)
    }

    /// Whether this machine's own connections are those of a web server that speaks for others.
    pub(crate) fn trusts_loopback(&self) -> bool {
        self.settings.forwarded_from != ForwardedFrom::None
    }

    fn hash(&self, kind: IdentifierKind, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write_u8(kind as u8);
        for part in parts {
            hasher.write(part);
        }
        hasher.finish()
    }
}

impl ForwardedFrom {
    /// Whether `peer` is one of them.
    fn includes(self, peer: IpAddr) -> bool {
        match self {
            Self::None => false,
            Self::Loopback => peer.to_canonical().is_loopback(),
            Self::Any => true,
        }
    }
}

/// Address of the client of a request from `peer`, through proxies that are believed.
pub(crate) fn client_address(believed: ForwardedFrom, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
    if !believed.includes(peer) {
        return peer;
    }
    // The last entry of the last line is the one the proxy nearest to us added; those before it are the client's word.
    let last = |name: &HeaderName| headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next();
    let named = |name: &HeaderName| address(last(name)?);
    let forwarded = || last(&FORWARDED).and_then(forwarded_for).and_then(address);
    named(&REAL_IP).or_else(|| named(&FORWARDED_FOR)).or_else(forwarded).unwrap_or(peer)
}

/// An address as proxies write it: with or without a port, brackets, quotes and a zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"').trim();
    let host = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        // One colon parts a port from an IPv4 address; more are an IPv6 address.
        None => text.split_once(':').filter(|(_, port)| !port.contains(':')).map_or(text, |(host, _)| host),
    };
    let without_zone = host.split_once('%').map_or(host, |(host, _)| host);
    without_zone.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The node that an element of `Forwarded` was sent for (RFC 7239 §5.2).
fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim(), value))
        .find(|(name, _)| name.eq_ignore_ascii_case("for"))
        .map(|pair| pair.1)
}

/// An address as it may stand in a log: the network, not the customer (/24 of IPv4, /48 of IPv6).
pub(crate) fn masked(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// 128 random bits. The standard library seeds its map hasher from the system's random source: two hashes hold as many.
pub(crate) fn random_key() -> [u8; 16] {
    let random = |input: u64| {
        let mut hasher = std::hash::BuildHasher::build_hasher(&std::hash::RandomState::new());
        hasher.write_u64(input);
        hasher.finish().to_le_bytes()
    };
    let mut key = [0; 16];
    key[..8].copy_from_slice(&random(1));
    key[8..].copy_from_slice(&random(2));
    key
}

/// Value of the cookie called `name` (RFC 6265 §4.2.1).
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    if name.is_empty() {
        return None;
    }
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|&(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// Value of the query parameter called `name`, as it stands in the query.
pub(crate) fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    if name.is_empty() {
        return None;
    }
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    values.find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn identifier(settings: Identity) -> Identifier {
        Identifier::new(Identity { key: "test".into(), ..settings })
    }

    #[test]
    fn the_strongest_name_wins() {
        let by = identifier(Identity { cookie: "sess".into(), token_parameter: "token".into(), ..Identity::default() });
        let peer = "192.0.2.7".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("VLC/3.0"));
        let by_address = by.silent_session(&headers, "", peer);
        let by_token = by.silent_session(&headers, "a=1&token=abc", peer);
        headers.insert(header::COOKIE, HeaderValue::from_static("x=1; sess=abc"));
        let by_cookie = by.silent_session(&headers, "token=abc", peer);
        assert_eq!(by_cookie, by.silent_session(&headers, "", "192.0.2.8".parse().unwrap()));
        let all = [by_address, by_token, by_cookie, by.reported_session("abc")];
        let distinct: std::collections::HashSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn only_believed_peers_name_the_client() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.1, 198.51.100.2"));
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let stranger: IpAddr = "192.0.2.7".parse().unwrap();
        let client: IpAddr = "198.51.100.2".parse().unwrap();
        let cases = [
            (ForwardedFrom::None, loopback, loopback),
            (ForwardedFrom::Loopback, loopback, client),
            (ForwardedFrom::Loopback, stranger, stranger),
            (ForwardedFrom::Any, stranger, client),
        ];
        for (forwarded_from, peer, expected) in cases {
            let by = identifier(Identity { forwarded_from, ..Identity::default() });
            assert_eq!(by.client_address(&headers, peer), expected, "{forwarded_from:?} {peer}");
        }
    }

    #[test]
    fn forwarded_addresses_are_read_in_every_form() {
        let by = identifier(Identity { forwarded_from: ForwardedFrom::Any, ..Identity::default() });
        let peer: IpAddr = "192.0.2.7".parse().unwrap();
        let (four, six) = ("203.0.113.5", "2001:db8::1");
        for (name, value, expected) in [
            ("x-forwarded-for", "203.0.113.5:41234", four),
            ("x-forwarded-for", "198.51.100.1:1, 203.0.113.5:41234", four),
            ("x-forwarded-for", "[2001:db8::1]:4711", six),
            ("x-forwarded-for", "[2001:db8::1]", six),
            ("x-forwarded-for", "2001:db8::1", six),
            ("x-forwarded-for", "\"[2001:db8::1]:4711\"", six),
            ("x-forwarded-for", "::ffff:203.0.113.5", four),
            ("x-real-ip", "203.0.113.5:80", four),
            ("x-real-ip", "[2001:db8::1%eth0]:80", six),
            ("forwarded", "for=203.0.113.5;proto=https;by=198.51.100.1", four),
            ("forwarded", "for=192.0.2.43, For=\"[2001:db8::1]:4711\"", six),
            ("forwarded", "proto=http; for=\"203.0.113.5:47011\"", four),
            ("forwarded", "for=_hidden", "192.0.2.7"),
            ("forwarded", "for=unknown", "192.0.2.7"),
            ("forwarded", "proto=https", "192.0.2.7"),
            ("x-forwarded-for", "[2001:db8::1", "192.0.2.7"),
            ("x-forwarded-for", "", "192.0.2.7"),
            ("x-real-ip", "203.0.113.5:x:y", "192.0.2.7"),
        ] {
            let headers = HeaderMap::from_iter([(name.parse::<HeaderName>().unwrap(), value.parse().unwrap())]);
            assert_eq!(by.client_address(&headers, peer).to_string(), expected, "{name}: {value}");
        }
        let mut lines = HeaderMap::new();
        lines.append("x-forwarded-for", HeaderValue::from_static("198.51.100.1"));
        lines.append("x-forwarded-for", HeaderValue::from_static("203.0.113.5:1"));
        assert_eq!(by.client_address(&lines, peer).to_string(), four, "the last line is the nearest proxy's");
    }

    #[test]
    fn neighbours_share_a_network() {
        let by = identifier(Identity::default());
        let network = |address: &str| by.network(address.parse().unwrap());
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.200"));
        assert_ne!(network("192.0.2.1"), network("192.0.3.1"));
        assert_eq!(network("2001:db8:7::1"), network("2001:db8:7:ff::2"));
        assert_ne!(network("2001:db8:7::1"), network("2001:db8:8::1"));
        assert_eq!(network("127.0.0.1"), NetworkId::default());
    }

    #[test]
    fn authors_are_strangers_again_after_a_day() {
        const DAY_S: u64 = 86_400;
        let by = identifier(Identity::default());
        let (morning, evening) = (by.author("irc", "ann", 9 * DAY_S), by.author("irc", "ann", 10 * DAY_S - 1));
        assert_eq!(morning, evening);
        assert_ne!(morning, by.author("irc", "bob", 10 * DAY_S - 1));
        assert_ne!(morning, by.author("web", "ann", 10 * DAY_S - 1));
        assert_ne!(morning, by.author("irc", "ann", 10 * DAY_S));
        // Not even a second server with the same configured key says the same.
        let other = identifier(Identity::default());
        assert_ne!(
            other.author("irc", "ann", 9 * DAY_S),
            identifier(Identity::default()).author("irc", "ann", 9 * DAY_S)
        );
    }

    #[test]
    fn an_address_in_a_log_is_a_network() {
        for (address, expected) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(masked(address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_key_makes_identifiers_reproducible() {
        let (one, two) = (identifier(Identity::default()), identifier(Identity::default()));
        assert_eq!(one.reported_session("s"), two.reported_session("s"));
        let drawn = Identifier::new(Identity::default());
        assert_ne!(one.reported_session("s"), drawn.reported_session("s"));
    }
}
