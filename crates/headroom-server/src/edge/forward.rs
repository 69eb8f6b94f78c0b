//! A request as the origin should see it, and an answer as the player should.

use super::origin::Address;
use crate::{http::problem::Problem, token};
use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, request};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// What is said of the player's own request: RFC 7239's predecessors, which origins understand.
#[derive(Debug, Clone)]
pub(crate) struct Forwarding {
    /// The player's address.
    pub(crate) client: IpAddr,
    /// `http` or `https`, as the player connected.
    pub(crate) scheme: &'static str,
    /// The host the player asked for.
    pub(crate) host: Option<HeaderValue>,
    /// The peer is a web server whose own words about its client count.
    pub(crate) trusted: bool,
    /// The origin is to have the player's `Authorization`.
    pub(crate) with_authorization: bool,
}

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A request to `server`.
pub(super) fn request_to(
    server: &Address,
    asked: &request::Parts,
    forwarding: &Forwarding,
    body: Body,
) -> Result<Request<Body>, Problem> {
    let target = Uri::builder().scheme(server.scheme()).authority(server.authority.clone());
    let target = target.path_and_query(without_ours(&asked.uri)).build();
    let target = target.map_err(|error| Problem::malformed(format!("the target cannot be forwarded: {error}")))?;
    let mut request = Request::new(body);
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = target;
    let mut headers = asked.headers.clone();
    strip_hop_by_hop(&mut headers);
    for name in ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"] {
        headers.remove(name);
    }
    headers.remove(header::HOST);
    headers.remove(header::EXPECT);
    if matches!(asked.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        // These go without a body.
        headers.remove(header::CONTENT_LENGTH);
    }
    if !forwarding.with_authorization {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::PROXY_AUTHORIZATION);
    }
    join_cookies(&mut headers);
    drop_token(&mut headers);
    if let Ok(address) = HeaderValue::try_from(forwarding.client.to_string()) {
        headers.append(&FORWARDED_FOR, address);
    }
    if !(forwarding.trusted && headers.contains_key(&FORWARDED_PROTO)) {
        headers.insert(&FORWARDED_PROTO, HeaderValue::from_static(forwarding.scheme));
    }
    if !(forwarding.trusted && headers.contains_key(&FORWARDED_HOST)) {
        match &forwarding.host {
            Some(host) => headers.insert(&FORWARDED_HOST, host.clone()),
            None => headers.remove(&FORWARDED_HOST),
        };
    }
    *request.headers_mut() = headers;
    Ok(request)
}

/// Makes a request for a manifest one that is answered with all of it: it is read here and may be rewritten. So not through
/// somebody's compression, in full (ffmpeg asks for `bytes=0-`), and not compared with what the player holds from before a
/// change of its cap.
pub(super) fn ask_for_all(headers: &mut HeaderMap) {
    for name in [
        header::ACCEPT_ENCODING,
        header::RANGE,
        header::IF_RANGE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
    ] {
        headers.remove(name);
    }
}

/// HTTP/2 sends cookies one by one; HTTP/1.1 knows one header of them (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers.get_all(header::COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if lines.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, joined);
    }
}

/// Takes our token out of the cookies, which are one line by now.
fn drop_token(headers: &mut HeaderMap) {
    let Some(line) = headers.get(header::COOKIE).map(HeaderValue::as_bytes) else { return };
    let is_ours =
        |pair: &[u8]| pair.split(|&byte| byte == b'=').next().map(<[u8]>::trim_ascii) == Some(token::NAME.as_bytes());
    let pairs: Vec<&[u8]> = line.split(|&byte| byte == b';').collect();
    if !pairs.iter().any(|pair| is_ours(pair)) {
        return;
    }
    let kept: Vec<&[u8]> = pairs.into_iter().filter(|pair| !is_ours(pair)).map(<[u8]>::trim_ascii).collect();
    match HeaderValue::from_bytes(&kept.join(&b"; "[..])) {
        Ok(kept) if !kept.is_empty() => headers.insert(header::COOKIE, kept),
        _ => headers.remove(header::COOKIE),
    };
}

/// Path and query without the `CMCD` argument, as caches behind us must not see a new address for every request, and without a
/// token of ours, however its name is encoded.
fn without_ours(uri: &Uri) -> String {
    let path = uri.path();
    let Some(query) = uri.query() else { return path.to_owned() };
    let is_token = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).eq(token::NAME.bytes())
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("CMCD=") && !is_token(pair)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// RFC 9110 §7.6.1: fields that concern one connection only.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_taken_off() {
        let cases = [
            ("/a", "/a"),
            ("/a?CMCD=br%3D1", "/a"),
            ("/a?x=1&CMCD=br%3D1&y=2", "/a?x=1&y=2"),
            ("/a?XCMCD=1", "/a?XCMCD=1"),
            ("/a?headroom_token=hr1.x&y=2", "/a?y=2"),
            ("/a?y=2&headroom_token", "/a?y=2"),
            ("/a?%68eadroom_token=hr1.x", "/a"),
            ("/a?headroom_tokens=1", "/a?headroom_tokens=1"),
        ];
        for (from, expected) in cases {
            assert_eq!(without_ours(&from.parse().unwrap()), expected);
        }
    }

    #[test]
    fn the_origin_hears_who_asked_and_how() {
        let server = Address { encrypted: true, authority: "origin:1".parse().unwrap() };
        let asked = Request::get("/a").header("x-forwarded-proto", "gopher").header("x-forwarded-for", "192.0.2.1");
        let asked = asked.header("cookie", "a=1").header("cookie", "b=2").header("range", "bytes=0-").body(()).unwrap();
        let (mut asked, ()) = asked.into_parts();
        ask_for_all(&mut asked.headers);
        for (trusted, scheme) in [(false, "https"), (true, "gopher")] {
            let host = Some(HeaderValue::from_static("edge"));
            let client = "192.0.2.2".parse().unwrap();
            let forwarding = Forwarding { client, scheme: "https", host, trusted, with_authorization: false };
            let request = request_to(&server, &asked, &forwarding, Body::empty()).unwrap();
            assert_eq!(request.uri(), "https://origin:1/a");
            let headers = request.headers();
            let of = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
            assert_eq!(of("x-forwarded-for"), ["192.0.2.1", "192.0.2.2"]);
            assert_eq!((of("x-forwarded-proto"), of("x-forwarded-host")), (vec![scheme], vec!["edge"]));
            assert_eq!((of("cookie"), of("range"), of("host")), (vec!["a=1; b=2"], vec![], vec![]));
        }
    }

    #[test]
    fn secrets_stay_here() {
        let server = Address { encrypted: false, authority: "origin:1".parse().unwrap() };
        for (cookies, kept) in [
            (vec!["a=1; headroom_token=hr1.a; b=2"], Some("a=1; b=2")),
            (vec!["a=1", "headroom_token=hr1.a"], Some("a=1")),
            (vec![" headroom_token =hr1.a"], None),
            (vec!["a=1;b=2"], Some("a=1;b=2")),
        ] {
            let mut asked = Request::get("/a?headroom_token=hr1.a&b=1").header("authorization", "Bearer hr1.a");
            asked = asked.header("proxy-authorization", "Basic x");
            for line in &cookies {
                asked = asked.header("cookie", *line);
            }
            let (asked, ()) = asked.body(()).unwrap().into_parts();
            for with_authorization in [false, true] {
                let forwarding = Forwarding {
                    client: "192.0.2.2".parse().unwrap(),
                    scheme: "http",
                    host: None,
                    trusted: false,
                    with_authorization,
                };
                let request = request_to(&server, &asked, &forwarding, Body::empty()).unwrap();
                assert_eq!(request.uri(), "http://origin:1/a?b=1");
                let of = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
                assert_eq!(of("cookie"), kept, "{cookies:?}");
                assert_eq!(of("authorization"), with_authorization.then_some("Bearer hr1.a"));
                assert_eq!(of("proxy-authorization"), with_authorization.then_some("Basic x"));
            }
        }
    }
}
