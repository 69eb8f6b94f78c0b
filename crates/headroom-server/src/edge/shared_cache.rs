//! What caches between edge and viewers may keep, and so what must not be one viewer's own.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Requests of caches carry one of these (RFC 9110 §7.6.3, RFC 8586).
static LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// Whether a cache asks, by its own word.
pub(super) fn asks(request: &HeaderMap) -> bool {
    request.contains_key(header::VIA) || request.contains_key(&LOOP)
}

/// What becomes of an answer that is one viewer's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// The origin says that caches keep it for everybody: nothing of one viewer may be put on it.
    Shared,
    /// It belongs to whoever asked, by the origin's word.
    Private,
    /// The origin leaves it open: it is kept apart by [`make_private`].
    Open,
}

impl Sharing {
    /// By `Cache-Control` (RFC 9111 §5.2.2).
    pub(super) fn of(response: &HeaderMap) -> Self {
        let mut found = Self::Open;
        for value in response.get_all(header::CACHE_CONTROL) {
            // Text that is none says nothing.
            for directive in value.to_str().unwrap_or_default().split(',') {
                let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
                match name.to_ascii_lowercase().as_str() {
                    "private" | "no-store" => return Self::Private,
                    "public" => found = Self::Shared,
                    "s-maxage" if value.trim_matches('"') != "0" => found = Self::Shared,
                    _ => {}
                }
            }
        }
        found
    }
}

/// Tells caches that the answer is for one viewer.
pub(super) fn make_private(response: &mut HeaderMap) {
    let before = response.get_all(header::CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let all: Vec<_> = before.chain(["private"]).collect();
    if let Ok(value) = HeaderValue::try_from(all.join(", ")) {
        response.insert(header::CACHE_CONTROL, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing_is_what_the_origin_says() {
        for (value, expected) in [
            (None, Sharing::Open),
            (Some("max-age=60"), Sharing::Open),
            (Some("no-cache"), Sharing::Open),
            (Some("s-maxage=0, max-age=5"), Sharing::Open),
            (Some("Public, max-age=60"), Sharing::Shared),
            (Some("max-age=1,S-MaxAge=60"), Sharing::Shared),
            (Some("public, no-store"), Sharing::Private),
            (Some("private=\"x\""), Sharing::Private),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
            }
            assert_eq!(Sharing::of(&headers), expected, "{value:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=2"));
        make_private(&mut headers);
        assert_eq!(headers[header::CACHE_CONTROL], "max-age=2, private");
    }
}
