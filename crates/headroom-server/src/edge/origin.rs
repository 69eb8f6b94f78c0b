//! Where media comes from, as the configuration names it: other HTTP servers, or a directory.

use http::{Uri, uri};
use std::path::PathBuf;

/// Servers at most: each is asked now and then whether it lives.
const MAX_SERVERS: usize = 16;

/// The configured origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// No edge.
    None,
    /// Other HTTP servers with the same content, best first.
    Http(Vec<Address>),
    /// A directory of files on this machine.
    Directory(PathBuf),
}

/// One HTTP server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    pub(crate) encrypted: bool,
    pub(crate) authority: uri::Authority,
}

impl Origin {
    /// Reads the configured text: nothing, `dir:PATH`, or addresses separated by commas.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::None);
        }
        if let Some(path) = text.strip_prefix("dir:") {
            return if path.is_empty() {
                Err("dir: names no directory".into())
            } else {
                Ok(Self::Directory(path.into()))
            };
        }
        let servers = text.split(',').map(|text| Address::parse(text.trim())).collect::<Result<Vec<_>, _>>()?;
        if servers.len() > MAX_SERVERS {
            return Err(format!("at most {MAX_SERVERS} servers"));
        }
        Ok(Self::Http(servers))
    }
}

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no URL: {error}"))?;
        let (encrypted, authority) = match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) => (false, authority.clone()),
            (Some("https"), Some(authority)) => (true, authority.clone()),
            _ => return Err(format!("{text:?} is none of http://host:port, https://host:port and dir:PATH")),
        };
        if !matches!(uri.path(), "/" | "") || uri.query().is_some() {
            return Err(format!("{text:?}: no path is allowed, requests keep theirs"));
        }
        if authority.as_str().contains('@') {
            return Err("an origin's address holds no user name".into());
        }
        Ok(Self { encrypted, authority })
    }

    pub(crate) fn scheme(&self) -> uri::Scheme {
        if self.encrypted { uri::Scheme::HTTPS } else { uri::Scheme::HTTP }
    }

    /// The port that is meant where none is named.
    const fn default_port(encrypted: bool) -> u16 {
        if encrypted { 443 } else { 80 }
    }

    /// Whether `authority`, in an address with or without TLS, is this server. A server that changes between the two on their
    /// usual ports stays the same.
    pub(crate) fn is_at(&self, authority: &uri::Authority, encrypted: bool) -> bool {
        let usual = Self::default_port(encrypted);
        let (theirs, ours) = (authority.port_u16().unwrap_or(usual), self.port());
        let both_usual = theirs == usual && ours == Self::default_port(self.encrypted);
        authority.host().eq_ignore_ascii_case(self.authority.host()) && (theirs == ours || both_usual)
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(Self::default_port(self.encrypted))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_or_refused() {
        let at = |encrypted, authority: &str| Address { encrypted, authority: authority.parse().unwrap() };
        assert_eq!(Origin::parse(""), Ok(Origin::None));
        assert_eq!(Origin::parse("http://a:1"), Ok(Origin::Http(vec![at(false, "a:1")])));
        let two = Origin::parse("https://a/, http://b:1");
        assert_eq!(two, Ok(Origin::Http(vec![at(true, "a"), at(false, "b:1")])));
        assert_eq!(Origin::parse("dir:./a,b"), Ok(Origin::Directory("./a,b".into())));
        for bad in
            ["dir:", "ftp://a", "a:1", "http://a/path", "http://", "\u{7f}", "http://a,", "http://u:p@a", "http://a?x"]
        {
            assert!(Origin::parse(bad).is_err(), "{bad:?}");
        }
    }
}
