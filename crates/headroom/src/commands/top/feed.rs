//! The server's stream of frames, over one connection.

use anyhow::{Context, bail, ensure};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Uri, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{fmt, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// Until a server must have answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Frames come every second; so long a silence is a dead connection.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest event: the past of a quarter of an hour takes a hundred kilobytes.
const MAX_EVENT: usize = 4 * 1024 * 1024;

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

impl Feed {
    /// Opens the stream of the server at `url`: `http://HOST:PORT`, or without the scheme.
    pub(super) async fn open(url: &str, token: Option<&str>) -> anyhow::Result<Self> {
        let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let uri: Uri = full.parse().with_context(|| format!("{url} is no URL; give http://HOST:PORT"))?;
        ensure!(uri.scheme_str() == Some("http"), "{url}: only http:// is spoken; put TLS in front with a tunnel");
        let authority = uri.authority().with_context(|| format!("{url} names no host"))?;
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let connect = async {
            let stream = TcpStream::connect(&address).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut request = Request::get("/v1/live").header("host", authority.as_str());
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Ok::<_, anyhow::Error>(sender.send_request(request.body(Empty::<Bytes>::new())?).await?)
        };
        let unreachable = || format!("no control listener at {address}; start `headroom serve` or give its URL");
        let response = timeout(ANSWER_WITHIN, connect).await.with_context(unreachable)?.with_context(unreachable)?;
        match response.status().as_u16() {
            200 => Ok(Self { body: response.into_body(), pending: BytesMut::new() }),
            401 => bail!(Refused("the control listener needs its token; give --token-file FILE".into())),
            404 => bail!(Refused(format!("{address} has no /v1/live; is that the control listener?"))),
            status => bail!("{address} answered {status}"),
        }
    }

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
