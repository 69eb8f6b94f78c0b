//! Connections that become something else on the way, such as WebSockets: bytes pass both ways, unread.

use super::{
    forward::Forwarding,
    servers::{Asked, Servers},
};
use crate::http::problem::Problem;
use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::{io::copy_bidirectional, sync::Semaphore};

/// Held at most: each holds two connections and 16 kB.
const MAX_TUNNELS: usize = 2_000;

/// Those that are open.
pub(crate) struct Tunnels(Arc<Semaphore>);

impl Default for Tunnels {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_TUNNELS)))
    }
}

/// What a request wants its connection to become (RFC 9110 §7.8).
pub(super) fn wanted_protocol(request: &Request<Incoming>) -> Option<HeaderValue> {
    let connection = request.headers().get(header::CONNECTION)?.to_str().ok()?;
    let asks = connection.split(',').any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    // A client that offers HTTP/2 this way is as well served in HTTP/1.1.
    request.headers().get(header::UPGRADE).filter(|protocol| asks && *protocol != "h2c").cloned()
}

impl Tunnels {
    /// Asks the origin; where it agrees, connects the player's connection with its own.
    pub(super) async fn open(
        &self,
        servers: &Servers,
        mut request: Request<Incoming>,
        forwarding: Forwarding,
        protocol: HeaderValue,
    ) -> Result<Response<Body>, Problem> {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        let permit =
            permit.map_err(|_| Problem::overloaded(format!("{MAX_TUNNELS} connections are passed through")))?;
        let ours = upgrade::on(&mut request);
        let asked = Asked { parts: request.into_parts().0, forwarding };
        let mut response = servers.upgrade(&asked, protocol).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response.map(Body::new));
        }
        let theirs = upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(ours), Ok(theirs)) = (ours.await, theirs.await) {
                // Either end may break off; the other is closed with it.
                let _ = copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await;
            }
            drop(permit);
        });
        Ok(response.map(|_| Body::empty()))
    }
}
