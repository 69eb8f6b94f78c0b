//! Accepts connections and serves HTTP/1.1 on them, plain or encrypted, within bounds.

use crate::{
    clients::Clients,
    identity::masked,
    metrics::{Metrics, ShedKind},
    request_line::Repaired,
    tls::{Fingerprint, Tls},
};
use axum::response::Response;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, Ready, ready},
};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections the kernel may hold until they are accepted.
const BACKLOG: u32 = 4_096;

/// Pause after an accept that failed for lack of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bounds of one listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections held at most.
    pub(crate) max_connections: usize,
    /// Bytes of a request's head.
    pub(crate) max_header_bytes: usize,
    /// Time for the head of a request.
    pub(crate) header_timeout: Duration,
    /// Milliseconds a peer may leave data unacknowledged; 0 leaves it to the system.
    pub(crate) user_timeout_ms: u32,
}

/// A client's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    /// What the client proved to own, where certificates are asked for.
    pub(crate) certificate: Option<Fingerprint>,
}

/// One listener.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) bounds: Bounds,
    /// Bounds on the connections of one client.
    pub(crate) clients: Arc<Clients>,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
}

/// Answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(self: &Arc<Self>, connection: Connection, request: Request<Incoming>) -> ResponseFuture;
}

/// An answer that is there already, or will be.
///
/// One that is there spares the connection more than the waiting: hyper calls a service before it looks whether the client has
/// hung up, and if the request is gone by then, the buffer that held it takes in the next one.
pub(crate) type ResponseFuture = Either<Ready<Response>, BoxFuture<'static, Response>>;

/// An answer that waits for nothing.
pub(crate) fn at_once(response: Response) -> ResponseFuture {
    Either::Left(ready(response))
}

/// An answer that waits for the network, for disks or for others.
pub(crate) fn later(answer: impl Future<Output = Response> + Send + 'static) -> ResponseFuture {
    Either::Right(answer.boxed())
}

/// Opens a listening socket.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until `shutdown`, then lets every connection finish the request it is at. Returns once no more are accepted;
/// `connections` knows those still open.
pub(crate) async fn serve<H: Handler>(
    listener: Listener,
    handler: Arc<H>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
    connections: TaskTracker,
) {
    let Listener { socket, bounds, clients, tls } = listener;
    let permits = Arc::new(Semaphore::new(bounds.max_connections.min(Semaphore::MAX_PERMITS)));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_buf_size(bounds.max_header_bytes)
        .half_close(false);
    loop {
        if permits.available_permits() == 0 {
            metrics.shed(ShedKind::Connection);
        }
        let accept = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (socket.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = accept => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(connected) = clients.connect(peer.ip()) else {
            metrics.shed(ShedKind::Client);
            continue;
        };
        let Ok(mut connection) = prepare(&stream, peer, bounds) else { continue };
        let (builder, handler, tls) = (builder.clone(), Arc::clone(&handler), tls.clone());
        let (metrics, shutdown) = (Arc::clone(&metrics), shutdown.clone());
        connections.spawn(async move {
            metrics.connections.inc();
            let outcome = match tls {
                None => drive(&builder, stream, connection, handler, shutdown).await.map_err(io::Error::other),
                Some(tls) => match timeout(bounds.header_timeout, tls.accept(stream)).await {
                    Ok(Ok((stream, certificate))) => {
                        connection.certificate = certificate;
                        drive(&builder, stream, connection, handler, shutdown).await.map_err(io::Error::other)
                    }
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                },
            };
            if let Err(error) = outcome {
                tracing::debug!(%error, peer = masked(peer.ip()), "connection");
            }
            metrics.connections.dec();
            drop((connected, permit));
        });
    }
}

/// Serves one connection until it ends or, after `shutdown`, until it has finished the request it is at.
async fn drive<H: Handler>(
    builder: &http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Connection,
    handler: Arc<H>,
    shutdown: CancellationToken,
) -> hyper::Result<()> {
    let service = service_fn(move |request| handler.handle(connection, request).map(Ok::<_, Infallible>));
    let mut served = pin!(builder.serve_connection(TokioIo::new(Repaired::new(stream)), service).with_upgrades());
    tokio::select! {
        outcome = served.as_mut() => outcome,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    }
}

fn prepare(stream: &TcpStream, peer: SocketAddr, bounds: Bounds) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    if bounds.user_timeout_ms > 0 {
        rustix::net::sockopt::set_tcp_user_timeout(stream, bounds.user_timeout_ms)?;
    }
    Ok(Connection { local: stream.local_addr()?, peer, certificate: None })
}
