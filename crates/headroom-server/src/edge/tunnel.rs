//! Connections that become WebSockets on the way: bytes pass both ways, unread.

use super::{
    forward::Forwarding,
    servers::{Asked, Servers},
};
use crate::{
    clients::{Clients, Limits},
    http::problem::Problem,
};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::{io::copy_bidirectional, sync::Semaphore};

/// Held at most: each holds two connections and 16 kB.
const MAX_TUNNELS: usize = 2_000;

/// Of one address at most: a household, or many behind one address of a provider.
const MAX_OF_CLIENT: u32 = 200;

/// Those that are open.
pub(crate) struct Tunnels {
    room: Arc<Semaphore>,
    clients: Arc<Clients>,
}

impl Default for Tunnels {
    fn default() -> Self {
        let limits = Limits { connections: MAX_OF_CLIENT, requests_per_s: 0, burst: 0, total_requests_per_s: 0 };
        Self { room: Arc::new(Semaphore::new(MAX_TUNNELS)), clients: Arc::new(Clients::new(limits, false)) }
    }
}

/// The WebSocket that a request wants its connection to become (RFC 9110 §7.8, RFC 6455 §4.1). Every other protocol is left
/// alone, which a server may do: the request is answered in HTTP.
pub(super) fn wanted_protocol<B>(request: &Request<B>) -> Option<HeaderValue> {
    let connection = request.headers().get(header::CONNECTION)?.to_str().ok()?;
    let asks = connection.split(',').any(|option| option.trim().eq_ignore_ascii_case("upgrade"));
    let is_wanted = asks && *request.method() == Method::GET && is_websocket(request.headers());
    request.headers().get(header::UPGRADE).filter(|_| is_wanted).cloned()
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
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
        let permit = Arc::clone(&self.room).try_acquire_owned();
        let permit =
            permit.map_err(|_| Problem::overloaded(format!("{MAX_TUNNELS} connections are passed through")))?;
        // A web server on this machine that names nobody speaks for many.
        let speaks_for_many = forwarding.trusted && forwarding.client.to_canonical().is_loopback();
        let share = if speaks_for_many { None } else { Some(self.clients.connect(forwarding.client)) };
        if matches!(share, Some(None)) {
            return Err(Problem::too_many_requests(format!("{MAX_OF_CLIENT} WebSockets of this address are open")));
        }
        let ours = upgrade::on(&mut request);
        let asked = Asked { parts: request.into_parts().0, forwarding };
        let mut response = servers.upgrade(&asked, protocol).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response.map(Body::new));
        }
        if !is_websocket(response.headers()) {
            return Err(Problem::origin_unreachable("the origin switches to another protocol than was asked for"));
        }
        let theirs = upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(ours), Ok(theirs)) = (ours.await, theirs.await) {
                // Either end may break off; the other is closed with it.
                let _ = copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await;
            }
            drop((permit, share));
        });
        Ok(response.map(|_| Body::empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_websocket_that_is_asked_for_is_one() {
        for (method, connection, protocol, wanted) in [
            ("GET", "upgrade", "websocket", true),
            ("GET", "keep-alive, Upgrade", "WebSocket", true),
            ("GET", "keep-alive", "websocket", false),
            ("POST", "upgrade", "websocket", false),
            ("GET", "upgrade", "h2c", false),
            ("GET", "upgrade", "TLS/1.0", false),
        ] {
            let request = Request::builder().method(method).header("connection", connection);
            let request = request.header("upgrade", protocol).body(()).unwrap();
            assert_eq!(wanted_protocol(&request).is_some(), wanted, "{method} {connection} {protocol}");
        }
    }
}
