//! The server's stream of frames, over one connection.

use anyhow::{Context, bail, ensure};
use bytes::{Bytes, BytesMut};
use headroom_server::tls_client;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Uri,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    http::uri::Authority,
};
use hyper_util::rt::TokioIo;
use std::{fmt, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

/// Until a server must have answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Frames come every second; so long a silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest event: the past of a quarter of an hour takes a hundred kilobytes.
const MAX_EVENT: usize = 4 * 1024 * 1024;

/// Where frames come from.
pub(super) struct Source {
    authority: Authority,
    /// Host and port as a connection wants them.
    address: String,
    token: Option<String>,
    tls: Option<Arc<ClientConfig>>,
}

/// An open stream.
pub(super) struct Feed {
    body: Incoming,
    pending: BytesMut,
}

/// The server answered, and will answer the same again.
#[derive(Debug)]
pub(super) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Source {
    /// The server at `url`: `http://HOST:PORT`, the same with `https`, or without a scheme. `roots` replace the platform's.
    pub(super) fn new(url: &str, token: Option<String>, roots: Option<&Path>) -> anyhow::Result<Self> {
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = full.parse().with_context(|| format!("{url} is no URL; give http://HOST:PORT"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{url} is neither http:// nor https://"),
        };
        let authority = uri.authority().with_context(|| format!("{url} names no host"))?.clone();
        let port = authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let address = format!("{}:{port}", authority.host());
        let tls = if encrypted {
            Some(tls_client::client(roots.unwrap_or(Path::new(""))).context("--ca-file")?)
        } else {
            None
        };
        Ok(Self { authority, address, token, tls })
    }

    /// Opens the stream of frames.
    pub(super) async fn open(&self) -> anyhow::Result<Feed> {
        let connect = async {
            let stream = TcpStream::connect(&self.address).await?;
            let mut sender = match &self.tls {
                None => handshake(stream).await?,
                Some(tls) => {
                    let host = self.authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
                    let name = ServerName::try_from(host)?;
                    handshake(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?).await?
                }
            };
            let mut request = Request::get("/v1/live").header("host", self.authority.as_str());
            if let Some(token) = &self.token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Ok::<_, anyhow::Error>(sender.send_request(request.body(Empty::new())?).await?)
        };
        let address = &self.address;
        let unreachable = || match self.tls {
            None => format!("no control listener at {address}; start `headroom serve` or give its URL"),
            Some(_) => format!("no control listener with TLS at {address}; --ca-file names roots of your own"),
        };
        let response = timeout(ANSWER_WITHIN, connect).await.with_context(unreachable)?.with_context(unreachable)?;
        match response.status().as_u16() {
            200 => Ok(Feed { body: response.into_body(), pending: BytesMut::new() }),
            401 => bail!(Refused("the control listener needs its token; give --token-file FILE".into())),
            404 => bail!(Refused(format!("{address} has no /v1/live; is that the control listener?"))),
            status => bail!("{address} answered {status}"),
        }
    }
}

async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> hyper::Result<SendRequest<Empty<Bytes>>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

impl Feed {
    /// The next frame, as the server wrote it.
    pub(super) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            while let Some(end) = find(&self.pending, b"\n\n") {
                let event = self.pending.split_to(end + 2);
                if let Some(data) = frame_of(&String::from_utf8_lossy(&event)) {
                    return Ok(data);
                }
            }
            ensure!(self.pending.len() <= MAX_EVENT, "the server sends an event without end");
            let next = timeout(SILENCE, self.body.frame()).await.context("the server has gone silent")?;
            let frame = next.context("the server closed the connection")?.context("the connection broke")?;
            if let Some(data) = frame.data_ref() {
                self.pending.extend_from_slice(data);
            }
        }
    }
}

/// The data of an event that is a frame.
fn frame_of(event: &str) -> Option<String> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::trim_start));
    (field("event:") == Some("frame")).then(|| field("data:").unwrap_or_default().to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        for (url, expected) in [
            ("127.0.0.1:8081", Some("127.0.0.1:8081")),
            ("http://a", Some("a:80")),
            ("http://[::1]:9", Some("[::1]:9")),
            ("ftp://a", None),
            ("http://", None),
        ] {
            let source = Source::new(url, None, None);
            assert_eq!(source.ok().map(|source| source.address).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_frames_are_frames() {
        for (event, expected) in [
            ("event: frame\ndata: {\"a\":1}\n\n", Some("{\"a\":1}")),
            ("event:frame\ndata:{}\n\n", Some("{}")),
            ("event: past\ndata: {}\n\n", None),
            (": keep-alive\n\n", None),
        ] {
            assert_eq!(frame_of(event).as_deref(), expected, "{event:?}");
        }
    }
}
