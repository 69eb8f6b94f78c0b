//! Where media comes from: another HTTP server, or a directory.

use super::{growing, metrics::EdgeMetrics, objects::ListedObjects, settings::Settings};
use crate::http::problem::Problem;
use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header, uri};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// The configured origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    /// No edge.
    None,
    /// Another HTTP server.
    Http(uri::Authority),
    /// A directory of files on this machine.
    Directory(PathBuf),
}

impl Origin {
    /// Reads the configured text.
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
        let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no URL: {error}"))?;
        match (uri.scheme_str(), uri.authority(), uri.path()) {
            (Some("http"), Some(authority), "/" | "") => Ok(Self::Http(authority.clone())),
            (Some("http"), Some(_), path) => Err(format!("a path ({path}) is not allowed: requests keep theirs")),
            _ => Err(format!("{text:?} is neither http://host:port nor dir:PATH")),
        }
    }
}

/// Fetches from the origin.
#[derive(Clone)]
pub(crate) enum Fetch {
    Http {
        client: Client<HttpConnector, Body>,
        authority: uri::Authority,
        timeout: Duration,
        metrics: Arc<EdgeMetrics>,
    },
    Directory {
        files: ServeDir,
        root: PathBuf,
    },
}

impl Fetch {
    /// `None` when there is no origin.
    pub(crate) fn new(settings: &Settings, metrics: Arc<EdgeMetrics>) -> Option<Self> {
        match Origin::parse(&settings.origin).ok()? {
            Origin::None => None,
            Origin::Http(authority) => {
                let mut connector = HttpConnector::new();
                connector.set_connect_timeout(Some(Duration::from_millis(settings.connect_timeout_ms)));
                connector.set_nodelay(true);
                let client = Client::builder(TokioExecutor::new())
                    .pool_timer(TokioTimer::new())
                    .pool_idle_timeout(Duration::from_secs(30))
                    .build(connector);
                let timeout = Duration::from_millis(settings.response_timeout_ms);
                Some(Self::Http { client, authority, timeout, metrics })
            }
            Origin::Directory(root) => Some(Self::Directory { files: ServeDir::new(&root), root }),
        }
    }

    /// The origin's answer to `request`, its body still on the way.
    pub(crate) async fn fetch(
        &self,
        request: Request<Incoming>,
        client_address: &str,
        is_manifest: bool,
        objects: &ListedObjects,
    ) -> Result<Response<Body>, Problem> {
        match self {
            Self::Directory { files, root } => {
                let mut request = request;
                if is_manifest {
                    ask_for_whole(request.headers_mut());
                }
                let path = request.uri().path().to_owned();
                let mut response = match growing::follow(root, &request, objects).await {
                    Some(growing) => growing,
                    None => {
                        // ServeDir does not fail: what it cannot read it answers with a status.
                        let Ok(response) = files.clone().oneshot(request).await;
                        response.map(Body::new)
                    }
                };
                if let Some(media_type) = media_type(&path).filter(|_| response.status().is_success()) {
                    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
                }
                Ok(response)
            }
            Self::Http { client, authority, timeout, metrics } => {
                let request = forwarded(request, authority, client_address, is_manifest)?;
                let failed = |problem| {
                    metrics.origin_failures.inc();
                    Err(problem)
                };
                match tokio::time::timeout(*timeout, client.request(request)).await {
                    Ok(Ok(mut response)) => {
                        strip_hop_by_hop(response.headers_mut());
                        Ok(response.map(Body::new))
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "origin");
                        failed(Problem::origin_unreachable(format!("the origin did not answer: {error}")))
                    }
                    Err(_) => failed(Problem::origin_timeout(format!("no answer within {} ms", timeout.as_millis()))),
                }
            }
        }
    }
}

/// The request as the origin should see it.
fn forwarded(
    request: Request<Incoming>,
    authority: &uri::Authority,
    client_address: &str,
    is_manifest: bool,
) -> Result<Request<Body>, Problem> {
    let (mut parts, body) = request.into_parts();
    let path = without_cmcd(&parts.uri);
    let target = Uri::builder().scheme("http").authority(authority.clone()).path_and_query(path).build();
    parts.uri = target.map_err(|error| Problem::malformed(format!("the target cannot be forwarded: {error}")))?;
    parts.version = http::Version::HTTP_11;
    strip_hop_by_hop(&mut parts.headers);
    for name in ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"] {
        parts.headers.remove(name);
    }
    parts.headers.remove(header::HOST);
    if is_manifest {
        ask_for_whole(&mut parts.headers);
    }
    if let Ok(address) = HeaderValue::from_str(client_address) {
        parts.headers.append("x-forwarded-for", address);
    }
    Ok(Request::from_parts(parts, Body::new(body)))
}

/// Manifests are read and may be rewritten: not through somebody's compression, in full (ffmpeg asks for `bytes=0-`), and not
/// compared with what the player holds from before a change of its cap.
fn ask_for_whole(headers: &mut HeaderMap) {
    for name in [header::ACCEPT_ENCODING, header::RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        headers.remove(name);
    }
}

/// Path and query without the `CMCD` argument: caches behind us must not see a new address for every request.
fn without_cmcd(uri: &Uri) -> String {
    let path = uri.path();
    let Some(query) = uri.query() else { return path.to_owned() };
    let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("CMCD=")).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

/// RFC 9110 §7.6.1: fields that concern one connection only.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
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

/// Media types that matter to players and that type tables lack or disagree on.
fn media_type(path: &str) -> Option<&'static str> {
    let extension = path.rsplit_once('.')?.1;
    Some(match extension {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "m4s" | "cmfv" | "mp4" => "video/mp4",
        "cmfa" | "m4a" => "audio/mp4",
        "ts" => "video/mp2t",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_or_refused() {
        assert_eq!(Origin::parse(""), Ok(Origin::None));
        assert_eq!(Origin::parse("http://a:1"), Ok(Origin::Http("a:1".parse().unwrap())));
        assert_eq!(Origin::parse("dir:./www"), Ok(Origin::Directory("./www".into())));
        for bad in ["dir:", "https://a", "a:1", "http://a/path", "http://", "\u{7f}"] {
            assert!(Origin::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_the_cmcd_argument_is_taken_off() {
        let cases = [
            ("/a", "/a"),
            ("/a?CMCD=br%3D1", "/a"),
            ("/a?x=1&CMCD=br%3D1&y=2", "/a?x=1&y=2"),
            ("/a?XCMCD=1", "/a?XCMCD=1"),
        ];
        for (from, expected) in cases {
            assert_eq!(without_cmcd(&from.parse().unwrap()), expected);
        }
    }
}
