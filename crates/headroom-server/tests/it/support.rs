//! A server in this process and a plain client.

use headroom_server::{Config, Reader, Server};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A server on free ports with the shortest tick and few shards.
pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Server {
    start_with(change, None).await
}

/// The same with somebody who reads messages.
pub(crate) async fn start_with(change: impl FnOnce(&mut Config), reader: Option<Arc<dyn Reader>>) -> Server {
    let mut config = Config { tick_ms: 1_000, shards: 4, ..Config::default() };
    config.public.listen = "127.0.0.1:0".parse().unwrap();
    config.control.listen = "127.0.0.1:0".parse().unwrap();
    config.identity.key = "test".into();
    change(&mut config);
    Server::start_with(config.validated().unwrap(), reader).await.unwrap()
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The stable code of a problem.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{:?}", self.body);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    }

    /// `mb` of our member of CMSD-Dynamic.
    pub(crate) fn suggested_kbps(&self) -> Option<u32> {
        let hops = headroom_wire::cmsd::parse_dynamic(self.header("cmsd-dynamic")).unwrap();
        hops.last()?.maximum_suggested_bitrate
    }
}

/// An answer whose body has not been read.
pub(crate) async fn open(address: SocketAddr, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = request;
    request.headers_mut().entry("host").or_insert("localhost".parse().unwrap());
    sender.send_request(request).await.unwrap()
}

pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let (parts, body) = open(address, request).await.into_parts();
    let body = tokio::time::timeout(Duration::from_secs(20), body.collect()).await.unwrap().unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> Answer {
    send(address, Request::get(target).body(Full::default()).unwrap()).await
}

pub(crate) async fn post(address: SocketAddr, target: &str, media_type: &str, body: impl Into<Bytes>) -> Answer {
    let request = Request::post(target).header("content-type", media_type);
    send(address, request.body(Full::new(body.into())).unwrap()).await
}

/// A request to the API with a JSON body.
pub(crate) async fn order(address: SocketAddr, method: &str, target: &str, body: Value) -> Answer {
    let request = Request::builder().method(method).uri(target).header("content-type", "application/json");
    send(address, request.body(Full::new(body.to_string().into())).unwrap()).await
}

/// Whatever bytes, and the status of what comes back; `None` when the connection closes without a word.
pub(crate) async fn send_raw(address: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may hang up before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut head = [0; 64];
    let length = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut head)).await.unwrap().unwrap_or(0);
    let head = std::str::from_utf8(&head[..length]).unwrap();
    head.split(' ').nth(1).map(|status| status.parse().unwrap())
}

/// The value of a metric line that starts with `name`.
pub(crate) async fn metric(server: &Server, name: &str) -> f64 {
    let answer = get(server.control_address(), "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    let line = answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("no metric {name}")).parse().unwrap()
}

/// A target with a CMCD record in its query.
pub(crate) fn with_cmcd(path: &str, record: &str) -> String {
    let mut encoded = String::new();
    for byte in record.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{path}?CMCD={encoded}")
}

/// Tries until `probe` gives something, for at most `seconds`.
pub(crate) async fn eventually<T>(seconds: u64, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "did not happen within {seconds} s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Says why a test cannot do its work; with `HEADROOM_STRICT` that is a failure.
#[expect(clippy::print_stdout, reason = "the words that whoever runs the tests looks for")]
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("HEADROOM_STRICT").is_none(), "{why}");
    println!("skipped: {why}");
}

/// A directory of its own for one test.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("headroom-server-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}
