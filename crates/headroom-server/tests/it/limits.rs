//! What one client may use up.

use crate::support::{eventually, get, metric, post, start, with_cmcd};
use http::StatusCode;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// Who asks too often is told to wait; media and `/decide` are not counted, and others are not concerned.
#[tokio::test]
async fn requests_of_one_address_are_bounded() {
    let server = start(|config| {
        config.public.limits.requests_per_s = 1;
        config.public.limits.burst = 5;
    })
    .await;
    let public = server.public_address();
    let record = "sid=\"a\",bl=4000";
    let from = async |address: &str| {
        let request = http::Request::post("/v1/cmcd").header("x-forwarded-for", address);
        crate::support::send(public, request.body(http_body_util::Full::from(record)).unwrap()).await
    };
    let mut refused = None;
    for _ in 0..20 {
        let answer = from("192.0.2.7").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("20 requests at once are too many");
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("too_many_requests", "2"));
    assert_eq!(from("192.0.2.8").await.status, StatusCode::NO_CONTENT);
    // This machine's web server speaks for many.
    for _ in 0..20 {
        assert_eq!(post(public, "/v1/cmcd", "text/plain", record).await.status, StatusCode::NO_CONTENT);
        assert_eq!(get(public, &with_cmcd("/decide", record)).await.status, StatusCode::NO_CONTENT);
    }
    assert!(metric(&server, "headroom_shed_total{kind=\"client\"}").await >= 1.0);
    server.stop().await;
}

#[tokio::test]
async fn connections_of_one_address_are_bounded() {
    let server = start(|config| {
        config.public.limits.connections = 3;
        config.identity.forwarded_from = serde_json::from_str("\"none\"").unwrap();
    })
    .await;
    let public = server.public_address();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(public).await.unwrap());
    }
    eventually(10, async || {
        let mut stream = TcpStream::connect(public).await.unwrap();
        // Closed at once, without a word. Before the others were accepted, it would wait for our request instead.
        let read = tokio::time::timeout(std::time::Duration::from_millis(500), stream.read(&mut [0; 8])).await;
        matches!(read, Ok(Ok(0) | Err(_))).then_some(())
    })
    .await;
    drop(held);
    eventually(10, async || {
        let stream = TcpStream::connect(public).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let answered = crate::support::send_raw(public, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        (answered == Some(200)).then_some(())
    })
    .await;
    server.stop().await;
}
