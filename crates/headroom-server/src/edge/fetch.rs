//! How media is fetched: from the servers of the origin, or from a directory.

use super::{
    directory::is_media,
    forward::{Forwarding, strip_hop_by_hop},
    growing,
    metrics::EdgeMetrics,
    objects::ListedObjects,
    origin::Origin,
    redirect::keep_on_edge,
    servers::{Asked, Servers, finished_elsewhere},
    settings::Settings,
    tunnel::{Tunnels, wanted_protocol},
};
use crate::{http::problem::Problem, tls_client::ClientTlsError};
use axum::{body::Body, response::IntoResponse};
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// Fetches from the origin.
pub(crate) enum Fetch {
    /// There is none.
    Nothing,
    Http {
        servers: Arc<Servers>,
        tunnels: Tunnels,
    },
    Directory {
        path: PathBuf,
        files: ServeDir,
        /// For the disk, as for another server.
        within: Duration,
    },
}

impl Fetch {
    /// # Errors
    /// When the roots of an encrypted origin cannot be used.
    pub(crate) fn new(settings: &Settings, metrics: Arc<EdgeMetrics>) -> Result<Self, ClientTlsError> {
        Ok(match Origin::parse(&settings.origin).unwrap_or(Origin::None) {
            Origin::None => Self::Nothing,
            Origin::Http(addresses) => Self::Http {
                servers: Arc::new(Servers::new(addresses, settings, metrics)?),
                tunnels: Tunnels::default(),
            },
            Origin::Directory(path) => Self::Directory {
                files: ServeDir::new(&path),
                path,
                within: Duration::from_millis(settings.response_timeout_ms),
            },
        })
    }

    /// Looks after the origin until `shutdown`.
    pub(crate) async fn watch(self: Arc<Self>, shutdown: CancellationToken) {
        if let Self::Http { servers, .. } = &*self {
            servers.watch(shutdown).await;
        }
    }

    /// Why media cannot be fetched, as far as is known.
    pub(crate) fn trouble(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Http { servers, .. } => servers.trouble(),
            Self::Directory { path, .. } => missing(path),
        }
    }

    /// The same of every server, asked now.
    pub(crate) async fn check(&self) -> Option<String> {
        match self {
            Self::Http { servers, .. } => servers.check().await,
            Self::Nothing | Self::Directory { .. } => self.trouble(),
        }
    }

    /// The origin's answer to a request without a body, its own body still on the way.
    pub(crate) async fn fetch(
        &self,
        request: Request<Incoming>,
        forwarding: Forwarding,
        objects: &ListedObjects,
    ) -> Result<Response<Body>, Problem> {
        match self {
            Self::Nothing => Err(Problem::not_found("no such path, and no origin is configured")),
            Self::Directory { files, path: root, within } => {
                let path = request.uri().path().to_owned();
                let (directory, asked) = (root.clone(), path.clone());
                let looked = tokio::task::spawn_blocking(move || is_media(&directory, &asked));
                let found = async {
                    if !looked.await.unwrap_or(false) {
                        // An answer like another server's: it carries CMSD as well.
                        return Problem::not_found("no such file").into_response();
                    }
                    if let Some(growing) = growing::follow(root, &request, objects).await {
                        return growing;
                    }
                    // ServeDir does not fail: what it cannot read it answers with a status.
                    let Ok(response) = files.clone().oneshot(request).await;
                    response.map(Body::new)
                };
                let late = |_| Problem::origin_timeout(format!("no file within {} ms", within.as_millis()));
                let mut response = timeout(*within, found).await.map_err(late)?;
                if let Some(media_type) = media_type(&path).filter(|_| response.status().is_success()) {
                    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
                }
                Ok(response)
            }
            Self::Http { servers, .. } => {
                let asked = Asked { parts: request.into_parts().0, forwarding };
                let response = servers.ask(&asked).await?;
                Ok(cleaned(finished_elsewhere(Arc::clone(servers), asked, response), servers))
            }
        }
    }

    /// The origin's answer to anything else: a request with a body, or one for a connection of another kind. Both are the
    /// player's and the origin's business.
    pub(crate) async fn pass(
        &self,
        request: Request<Incoming>,
        forwarding: Forwarding,
    ) -> Result<Response<Body>, Problem> {
        let Self::Http { servers, tunnels } = self else {
            return Err(Problem::method_not_allowed("this edge takes GET and HEAD"));
        };
        if let Some(protocol) = wanted_protocol(&request) {
            return tunnels.open(servers, request, forwarding, protocol).await;
        }
        let (parts, body) = request.into_parts();
        let asked = Asked { parts, forwarding };
        let response = if matches!(asked.parts.method, Method::OPTIONS) {
            servers.ask(&asked).await
        } else {
            servers.send(&asked, body).await
        };
        Ok(cleaned(response?.map(Body::new), servers))
    }
}

/// The answer as the edge's own.
fn cleaned(mut response: Response<Body>, servers: &Servers) -> Response<Body> {
    strip_hop_by_hop(response.headers_mut());
    keep_on_edge(response.headers_mut(), &servers.addresses);
    response
}

/// Why a directory cannot be served.
fn missing(path: &std::path::Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => None,
        Ok(_) => Some(format!("{} is no directory", path.display())),
        Err(error) => Some(format!("{}: {error}", path.display())),
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
