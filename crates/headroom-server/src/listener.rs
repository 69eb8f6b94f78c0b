//! Accepts connections and serves HTTP/1.1 and HTTP/2 on them, plain or encrypted, within bounds.

use crate::{
    clients::Clients,
    http::problem::Problem,
    identity::masked,
    metrics::{Metrics, ShedKind},
    open_requests::OpenRequests,
    request_line::Repaired,
    tls::{Fingerprint, Tls},
};
use axum::response::{IntoResponse, Response};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, Ready, ready},
};
use http::{HeaderValue, Request, Version, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections the kernel may hold until they are accepted.
const BACKLOG: u32 = 4_096;

/// Longest path, as files of the usual systems have it.
const MAX_PATH: usize = 4_096;

/// Pause after an accept that failed for lack of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection of HTTP/2 begins with, encrypted or not (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Pause before an unfinished beginning is looked at again.
const PREFACE_PAUSE: Duration = Duration::from_millis(10);

/// Requests at a time on one connection of HTTP/2: a player has few, a web server that speaks for many opens more connections.
const MAX_STREAMS: u32 = 128;

/// How often the peer of a connection of HTTP/2 is asked whether it lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);

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
    /// It speaks TLS.
    pub(crate) encrypted: bool,
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
    let protocols = Protocols::new(bounds);
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
        let (protocols, handler, tls) = (protocols.dated(SystemTime::now()), Arc::clone(&handler), tls.clone());
        let (metrics, shutdown) = (Arc::clone(&metrics), shutdown.clone());
        connections.spawn(async move {
            metrics.connections.inc();
            let outcome = match tls {
                None => {
                    let spoken = tokio::select! {
                        spoken = timeout(bounds.header_timeout, speaks_http2(&stream)) => spoken,
                        () = shutdown.cancelled() => Ok(Ok(None)),
                    };
                    match spoken {
                        Ok(Ok(Some(http2))) => protocols.drive(http2, stream, connection, handler, shutdown).await,
                        Ok(Ok(None)) => Ok(()),
                        Ok(Err(error)) => Err(error),
                        Err(_) => Err(io::ErrorKind::TimedOut.into()),
                    }
                }
                Some(tls) => match timeout(bounds.header_timeout, tls.accept(stream)).await {
                    Ok(Ok((stream, certificate))) => {
                        (connection.certificate, connection.encrypted) = (certificate, true);
                        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        protocols.drive(http2, stream, connection, handler, shutdown).await
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

/// How connections are served.
#[derive(Clone)]
struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    idle: Duration,
}

impl Protocols {
    fn new(bounds: Bounds) -> Self {
        let (mut http1, mut http2) = (http1::Builder::new(), http2::Builder::new(TokioExecutor::new()));
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.header_timeout)
            .max_buf_size(bounds.max_header_bytes)
            .half_close(false);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(bounds.max_header_bytes).unwrap_or(u32::MAX))
            .adaptive_window(true)
            .keep_alive_interval(Some(PING))
            .keep_alive_timeout(PONG);
        Self { http1, http2, idle: bounds.header_timeout }
    }

    /// The same for a connection that begins now: without the `Date` header while the clock stands before 1970, since what
    /// writes it panics there.
    fn dated(&self, now: SystemTime) -> Self {
        let has_date = now.duration_since(UNIX_EPOCH).is_ok();
        let mut protocols = self.clone();
        protocols.http1.auto_date_header(has_date);
        protocols.http2.auto_date_header(has_date);
        protocols
    }

    /// Serves one connection until it ends or, after `shutdown`, until it has finished the requests it is at.
    async fn drive<H: Handler>(
        &self,
        is_http2: bool,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        connection: Connection,
        handler: Arc<H>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        if is_http2 {
            return self
                .drive_http2(TokioIo::new(stream), connection, handler, shutdown)
                .await
                .map_err(io::Error::other);
        }
        let stream = TokioIo::new(Repaired::new(stream));
        let service = service_fn(move |request| answer(&handler, connection, request).map(Ok::<_, Infallible>));
        let mut served = pin!(self.http1.serve_connection(stream, service).with_upgrades());
        tokio::select! {
            outcome = served.as_mut() => outcome.map_err(io::Error::other),
            () = shutdown.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await.map_err(io::Error::other)
            }
        }
    }

    async fn drive_http2<H: Handler>(
        &self,
        stream: TokioIo<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>,
        connection: Connection,
        handler: Arc<H>,
        shutdown: CancellationToken,
    ) -> hyper::Result<()> {
        let open = OpenRequests::default();
        let counting = open.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            // HTTP/2 names the host elsewhere; what looks at it looks in one place.
            if let Some(authority) = request.uri().authority()
                && let Ok(host) = HeaderValue::try_from(authority.as_str())
            {
                request.headers_mut().entry(header::HOST).or_insert(host);
            }
            let held = counting.one();
            answer(&handler, connection, request).map(move |response| Ok::<_, Infallible>(held.until_sent(response)))
        });
        let mut served = pin!(self.http2.serve_connection(stream, service));
        let mut look = tokio::time::interval(self.idle);
        look.tick().await;
        let mut seen = 0;
        loop {
            tokio::select! {
                outcome = served.as_mut() => return outcome,
                () = shutdown.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    return served.await;
                }
                _ = look.tick() => {
                    let (now_open, begun) = open.counts();
                    if now_open == 0 && begun == seen {
                        // Nothing since the last look: the room is for others.
                        served.as_mut().graceful_shutdown();
                        return timeout(self.idle, served).await.unwrap_or(Ok(()));
                    }
                    seen = begun;
                }
            }
        }
    }
}

/// The handler's answer, or a refusal.
fn answer<H: Handler>(handler: &Arc<H>, connection: Connection, request: Request<Incoming>) -> ResponseFuture {
    match refusal(&request) {
        None => handler.handle(connection, request),
        Some(problem) => at_once(problem.into_response()),
    }
}

/// Why no handler sees a request: whom it is for is not said, or said twice, or its path is longer than any of media.
fn refusal<B>(request: &Request<B>) -> Option<Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    // RFC 9112 §3.2. HTTP/1.0 knows no Host.
    let named = hosts.next().is_some() || request.version() < Version::HTTP_11;
    if !named || hosts.next().is_some() {
        return Some(Problem::malformed("a request has exactly one Host"));
    }
    let length = request.uri().path().len();
    (length > MAX_PATH).then(|| Problem::path_too_long(format!("the path has {length} bytes; {MAX_PATH} are allowed")))
}

/// Whether a connection begins as HTTP/2 does; `None` when it ended before it said anything.
async fn speaks_http2(stream: &TcpStream) -> io::Result<Option<bool>> {
    let mut seen = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut seen).await?;
        match &seen[..length] {
            [] => return Ok(None),
            PREFACE => return Ok(Some(true)),
            begun if !PREFACE.starts_with(begun) => return Ok(Some(false)),
            _ => tokio::time::sleep(PREFACE_PAUSE).await,
        }
    }
}

fn prepare(stream: &TcpStream, peer: SocketAddr, bounds: Bounds) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    if bounds.user_timeout_ms > 0 {
        rustix::net::sockopt::set_tcp_user_timeout(stream, bounds.user_timeout_ms)?;
    }
    Ok(Connection { local: stream.local_addr()?, peer, encrypted: false, certificate: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Empty};
    use hyper::client::conn;

    /// A connection as it is served at a time of the clock; whether the answer has a date.
    async fn has_date(now: SystemTime, is_http2: bool) -> bool {
        let bounds = Bounds {
            max_connections: 1,
            max_header_bytes: 8_192,
            header_timeout: Duration::from_secs(5),
            user_timeout_ms: 0,
        };
        let protocols = Protocols::new(bounds).dated(now);
        let (ours, theirs) = tokio::io::duplex(65_536);
        let service =
            service_fn(|_: Request<Incoming>| async { Ok::<_, Infallible>(Response::new(axum::body::Body::empty())) });
        let (ours, theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
        let request = Request::get("http://edge.example/").header("host", "edge.example");
        let request = request.body(Empty::<axum::body::Bytes>::new()).unwrap();
        let response = if is_http2 {
            tokio::spawn(protocols.http2.serve_connection(ours, service));
            let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), theirs).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            tokio::spawn(protocols.http1.serve_connection(ours, service));
            let (mut sender, connection) = conn::http1::handshake(theirs).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let dated = response.headers().contains_key(header::DATE);
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
        dated
    }

    #[tokio::test]
    async fn answers_are_dated_unless_the_clock_stands_before_1970() {
        for is_http2 in [false, true] {
            assert!(has_date(SystemTime::now(), is_http2).await);
            assert!(!has_date(UNIX_EPOCH - Duration::from_secs(1), is_http2).await);
        }
    }

    #[test]
    fn requests_name_one_host_and_a_path_of_media() {
        let long = format!("/{}", "a".repeat(5_000));
        for (hosts, version, path, refused) in [
            (1, Version::HTTP_11, "/a", false),
            (0, Version::HTTP_11, "/a", true),
            (0, Version::HTTP_2, "/a", true),
            (0, Version::HTTP_10, "/a", false),
            (2, Version::HTTP_10, "/a", true),
            (2, Version::HTTP_11, "/a", true),
            (1, Version::HTTP_11, &long, true),
        ] {
            let mut request = Request::get(path).version(version);
            for _ in 0..hosts {
                request = request.header("host", "a");
            }
            assert_eq!(refusal(&request.body(()).unwrap()).is_some(), refused, "{hosts} {version:?} {path:.9}");
        }
    }
}
