//! Requests to the control listener of a running server, for commands that ask or order something.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Uri, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{path::PathBuf, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// Until a server must have answered: it waits up to 2 s for its disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest answer that is read.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Which server, and how it lets us in.
#[derive(Args)]
pub(super) struct Control {
    /// Control listener of the server, as `headroom serve` prints it.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8081")]
    url: String,
    /// File with the bearer token of the control listener.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The token itself.
    #[arg(long, env = "HEADROOM_CONTROL__TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl Control {
    /// Asks, and gives the answer. What the server refuses is an error in its own words.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let url = &self.url;
        let full = if url.contains("://") { url.clone() } else { format!("http://{url}") };
        let uri: Uri = full.parse().with_context(|| format!("{url} is no URL; give http://HOST:PORT"))?;
        ensure!(uri.scheme_str() == Some("http"), "{url}: only http:// is spoken; put TLS in front with a tunnel");
        let authority = uri.authority().with_context(|| format!("{url} names no host"))?;
        let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
        let mut request = Request::builder().method(method).uri(path).header("host", authority.as_str());
        if let Some(token) = self.token()? {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)))?;
        let exchange = async {
            let stream = TcpStream::connect(&address).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| anyhow::anyhow!(error))?;
            Ok::<_, anyhow::Error>((head.status, body.to_bytes()))
        };
        let unreachable = || format!("no control listener at {address}; start `headroom serve` or give its --url");
        let (status, body) =
            timeout(ANSWER_WITHIN, exchange).await.with_context(unreachable)?.with_context(unreachable)?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        match status.as_u16() {
            200..300 => Ok(answer),
            401 => bail!("the control listener needs its token; give --token-file FILE"),
            status => match answer["detail"].as_str() {
                Some(detail) => bail!("{detail}"),
                None => bail!("{address} answered {status} to {path}; is that the control listener?"),
            },
        }
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Some(text.trim().to_owned()))
    }
}
