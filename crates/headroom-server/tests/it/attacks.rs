//! What somebody with bad intentions sends: nothing gets in, nothing falls over.

use crate::support::{eventually, get, metric, order, send, send_raw, start, with_cmcd};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Requests that do not say whom they are for, or whose path is none, are answered with a problem document.
#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let directory = crate::support::directory("none");
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(5_000));
    for address in [server.public_address(), server.control_address()] {
        assert_eq!(send_raw(address, b"GET /healthz HTTP/1.0\r\n\r\n").await, Some(200));
        for (request, expected) in [
            ("GET /healthz HTTP/1.1\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n", 400),
            ("GET /healthz HTTP/1.1\r\nhost: localhost\r\nHOST: other\r\n\r\n", 400),
            (long.as_str(), 414),
        ] {
            assert_eq!(send_raw(address, request.as_bytes()).await, Some(expected), "{request:.60}");
        }
        assert_eq!(get(address, &format!("/{}", "a".repeat(5_000))).await.code(), "path_too_long");
        for target in ["/%ff", "/v1/sessions/%ff", "/v1/decisions/%ff", "/v1/streams/%ff/audience", "/a/%c3%28.m3u8"] {
            let code = get(address, target).await.code();
            assert!(matches!(code.as_str(), "malformed" | "not_found"), "{target}: {code}");
        }
    }
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// Text of a report never becomes part of a header, whatever it contains and wherever it stands.
#[tokio::test]
async fn a_report_cannot_write_headers() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    let payloads =
        ["x\r\nSet-Cookie: stolen=1\r\n\r\n<html>", "x\nset-cookie: stolen=1", "x\\\",mb=1,y=\\\"", "x\0\u{7f}"];
    for payload in payloads {
        let record = format!("bl=6000,br=3000,cid=\"{payload}\",d=2000,mtp=9500,ot=v,sf=h,sid=\"{payload}\"");
        for path in ["/decide", "/decide?cap=1"] {
            let target = with_cmcd(path, &record).replacen("cap=1?", "cap=1&", 1);
            let answer = get(public, &target).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{payload:?}");
            assert!(!answer.headers.contains_key("set-cookie"), "{payload:?}");
            let all: String = answer.headers.values().map(|value| format!("{value:?}")).collect();
            assert!(!all.contains("stolen") && !all.contains("<html>"), "{payload:?}: {all}");
        }
    }
    // What went in comes out of the API as JSON text, and no metric carries it.
    let body = json!({ "stream": "x\r\n# HELP forged\nforged 1", "capacity_kbps": 5_000 });
    assert_eq!(order(control, "PUT", "/v1/bottlenecks", body).await.status, StatusCode::OK);
    assert_eq!(get(control, "/v1/bottlenecks").await.json()["items"][0]["stream"], "x\r\n# HELP forged\nforged 1");
    assert!(!get(control, "/metrics").await.text().contains("forged"));
    server.stop().await;
}

/// A body that says it is compressed is read as it stands: there is nothing to blow up.
#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let server = start(|_| {}).await;
    // The head of a gzip stream; what follows is of no matter.
    let bomb = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0; 1_000]].concat();
    for target in ["/v1/cmcd", "/v1/samples"] {
        let request = Request::post(target).header("content-encoding", "gzip").header("content-type", "text/plain");
        let answer = send(server.public_address(), request.body(Full::new(bomb.clone().into())).unwrap()).await;
        assert_eq!(answer.code(), "malformed", "{target}");
    }
    server.stop().await;
}

/// Connections that send a byte now and then are cut off, and meanwhile others are answered.
#[tokio::test]
async fn slow_connections_hold_nobody_up() {
    const SLOW: usize = 500;
    let server = start(|config| config.public.header_timeout_ms = 1_500).await;
    let public = server.public_address();
    let mut slow = Vec::with_capacity(SLOW);
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(public).await.unwrap();
        stream.write_all(b"GET /decide HTTP/1.1\r\nx-").await.unwrap();
        slow.push(stream);
    }
    let drip = tokio::spawn(async move {
        for _ in 0..20 {
            for stream in &mut slow {
                // Those that were cut off already refuse.
                let _ = stream.write_all(b"a").await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        slow
    });
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(get(public, "/decide").await.status, StatusCode::NO_CONTENT);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    eventually(20, async || (metric(&server, "headroom_connections").await < 20.0).then_some(())).await;
    drip.await.unwrap();
    server.stop().await;
}

/// Paths that try to leave, to hide or to confuse get one of the known answers on both listeners.
#[tokio::test]
async fn odd_paths_lead_nowhere() {
    let server = start(|_| {}).await;
    for target in [
        "/v1/../../etc/passwd",
        "/v1/sessions/..%2f..%2fetc%2fpasswd",
        "/v1/sessions/id:../../etc",
        "/v1/sessions/%00",
        "//v1/sessions",
        "/v1/decisions/..%2f",
        "/v1/history?stream=%27%3B%20DROP%20TABLE%20minute%3B--",
    ] {
        for address in [server.public_address(), server.control_address()] {
            let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let status = send_raw(address, request.as_bytes()).await;
            assert!(matches!(status, Some(400 | 404)), "{target}: {status:?}");
        }
    }
    server.stop().await;
}

/// A pathway is a name that players are told; whatever it looks like, the server goes nowhere.
#[tokio::test]
async fn steering_leads_the_server_nowhere() {
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/latest/meta-data", trap.local_addr().unwrap());
    let id = format!("{}", trap.local_addr().unwrap().port());
    let server = start(|config| config.steering.pathways = vec![id.clone()]).await;
    let control = server.control_address();
    assert_eq!(order(control, "PUT", "/v1/pathways", json!({ "order": [url] })).await.code(), "out_of_range");
    assert_eq!(order(control, "PUT", "/v1/pathways", json!({ "order": [id] })).await.status, StatusCode::NO_CONTENT);
    let target = format!("/v1/steering?_HLS_pathway=%22{}%22&_HLS_throughput=5000000", url.replace('/', "%2F"));
    assert_eq!(get(server.public_address(), &target).await.json()["PATHWAY-PRIORITY"], json!([id]));
    let visitor = tokio::time::timeout(Duration::from_millis(500), trap.accept()).await;
    assert!(visitor.is_err(), "somebody came: {visitor:?}");
    server.stop().await;
}

/// A page of another site cannot change anything, even where nobody needs a token.
#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let server = start(|_| {}).await;
    let control = server.control_address();
    let body = json!({ "scope": "all", "max_bitrate_kbps": 900 }).to_string();
    let from = async |name: &str, value: &str| {
        let request = Request::put("/v1/overrides").header("content-type", "application/json").header(name, value);
        send(control, request.body(Full::new(body.clone().into())).unwrap()).await
    };
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(from(name, value).await.code(), "forbidden", "{name}: {value}");
    }
    assert_eq!(get(control, "/v1/overrides").await.json()["total"], 0);
    assert_eq!(from("sec-fetch-site", "same-origin").await.status, StatusCode::OK);
    server.stop().await;
}
