//! Addresses that an origin names in its answers: where they are its own, players are sent to the edge instead.

use super::origin::Address;
use http::{HeaderMap, HeaderValue, header, uri};

/// Rewrites `Location` and `Content-Location` so that players stay on the edge. Nothing is followed here: a redirect to
/// another host, private or not, is the player's own business.
pub(super) fn keep_on_edge(headers: &mut HeaderMap, servers: &[Address]) {
    for name in [header::LOCATION, header::CONTENT_LOCATION] {
        let Some(value) = headers.get(&name) else { continue };
        let path = value.to_str().ok().and_then(|value| path_on(value, servers));
        if let Some(value) = path.and_then(|path| HeaderValue::try_from(path).ok()) {
            headers.insert(name, value);
        }
    }
}

/// The path of an absolute address of one of `servers`, which is the edge's, too; `None` of any other.
fn path_on(address: &str, servers: &[Address]) -> Option<String> {
    let address = address.trim();
    let (scheme, rest) = address.split_once("//")?;
    let encrypted = match scheme.to_ascii_lowercase().as_str() {
        "http:" => Some(false),
        "https:" => Some(true),
        // The scheme of the request, whichever that was.
        "" => None,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority: uri::Authority = authority.parse().ok()?;
    let ours = servers.iter().any(|server| server.is_at(&authority, encrypted.unwrap_or(server.encrypted)));
    if !ours {
        return None;
    }
    // A path of two slashes would be read as another host.
    let before = if path.starts_with("//") {
        "/."
    } else if path.starts_with('/') {
        ""
    } else {
        "/"
    };
    Some(format!("{before}{path}"))
}

#[cfg(test)]
mod tests {
    use super::{super::origin::Origin, *};

    #[test]
    fn only_the_origins_own_addresses_become_paths() {
        let Ok(Origin::Http(servers)) = Origin::parse("http://Origin.example:9000,https://second.example") else {
            panic!()
        };
        for (location, expected) in [
            ("http://origin.example:9000/target/index.m3u8?a=1#t=2", Some("/target/index.m3u8?a=1#t=2")),
            ("HTTP://ORIGIN.EXAMPLE:9000", Some("/")),
            ("//origin.example:9000/a", Some("/a")),
            ("http://origin.example:9000?a=1", Some("/?a=1")),
            ("http://origin.example:9000//evil.example/a", Some("/.//evil.example/a")),
            ("https://second.example/a", Some("/a")),
            ("https://second.example:443/a", Some("/a")),
            ("http://second.example/a", Some("/a")),
            ("http://second.example:8080/a", None),
            ("http://origin.example/a", None),
            ("http://origin.example:9001/a", None),
            ("https://cdn.example/a", None),
            ("http://10.0.0.1/a", None),
            ("/a", None),
            ("a//b", None),
            ("ftp://origin.example:9000/a", None),
        ] {
            assert_eq!(path_on(location, &servers).as_deref(), expected, "{location}");
        }
    }
}
