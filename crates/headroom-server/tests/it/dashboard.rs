//! The dashboard's page and what it reads.

use crate::support::{eventually, get, open, start, with_cmcd};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::time::Duration;

const RECORD: &str = "bl=6000,br=3000,cid=\"s\",d=2000,ltc=4000,mtp=9500,ot=v,sf=h,sid=\"one\"";

#[tokio::test]
async fn the_page_comes_without_a_token_and_keeps_to_itself() {
    let server = start(|config| config.control.token = "secret-0123456789".into()).await;
    let control = server.control_address();
    let page = get(control, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-cache");
    let policy = page.header("content-security-policy");
    for rule in
        ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]
    {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let named: Vec<&str> = page.text().split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(named.len(), 2, "{}", page.text());
    for name in named {
        let asset = get(control, name).await;
        assert_eq!(asset.status, StatusCode::OK, "{name}");
        assert!(asset.header("cache-control").contains("immutable"));
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
        assert!(asset.body.len() > 1_000, "{name}");
    }
    assert_eq!(get(control, "/assets/app.js").await.code(), "not_found", "names change with content");
    assert_eq!(get(control, "/assets/..%2findex.html").await.code(), "not_found");
    for path in ["/v1/live", "/v1/fleet", "/v1/fleet/streams", "/v1/sessions/one/timeline"] {
        let refused = get(control, path).await;
        assert_eq!(refused.code(), "unauthorized", "{path}");
        assert_eq!(refused.header("cache-control"), "no-store", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_fleet_counts_streams_and_sessions() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    for number in 0..30 {
        let record = RECORD.replace("one", &number.to_string());
        let record = if number % 3 == 0 { record.replace("\"s\"", "\"t\"") } else { record };
        get(public, &with_cmcd("/decide", &record)).await;
    }
    let fleet = eventually(10, async || {
        let fleet = get(control, "/v1/fleet").await.json();
        (fleet["sessions"] == 30).then_some(fleet)
    })
    .await;
    assert_eq!(fleet["streams_total"], 2);
    assert_eq!(fleet["streams"][0]["sessions"], 20, "the largest first: {fleet}");
    assert_eq!(fleet["latency_s"][1].as_f64().map(f64::floor), Some(4.0));
    let largest = fleet["streams"][0]["stream"].as_str().unwrap();
    let stream = get(control, &format!("/v1/fleet/streams/{largest}")).await.json();
    let playing: u64 = stream["ladder"].as_array().unwrap().iter().map(|rung| rung["playing"].as_u64().unwrap()).sum();
    assert_eq!(playing, 20);
    let page = get(control, "/v1/fleet/streams?offset=1&limit=1").await.json();
    assert_eq!((page["total"].as_u64(), page["items"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(get(control, "/v1/fleet/streams/0000000000000001").await.code(), "not_found");
    assert_eq!(get(control, "/v1/fleet/streams/x").await.code(), "malformed");
    assert_eq!(get(control, "/v1/fleet/streams?limit=0").await.code(), "out_of_range");
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_is_looked_at_has_a_timeline() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    assert_eq!(get(control, "/v1/sessions/one/timeline").await.code(), "not_found");
    get(public, &with_cmcd("/decide", RECORD)).await;
    let first = get(control, "/v1/sessions/one/timeline").await.json();
    assert_eq!(first["points"].as_array().unwrap().len(), 1);
    let since = first["points"][0]["at_us"].as_u64().unwrap();
    let more = eventually(10, async || {
        let more = get(control, &format!("/v1/sessions/one/timeline?since_us={since}")).await.json();
        (!more["points"].as_array().unwrap().is_empty()).then_some(more)
    })
    .await;
    assert!(more["points"].as_array().unwrap().iter().all(|point| point["at_us"].as_u64() > Some(since)), "{more}");
    assert_eq!(more["points"][0]["buffer_ms"], 6_000);
    assert!(more["why"].as_str().is_some_and(|why| why.ends_with('.')), "{more}");
    assert_eq!(get(control, "/v1/sessions/one/timeline?since_us=x").await.code(), "malformed");
    server.stop().await;
}

/// However many pages follow, they get the same frames, a frame a second, and one too many is told so.
#[tokio::test]
async fn frames_are_shared_and_followers_bounded() {
    let server = start(|_| {}).await;
    let control = server.control_address();
    let ask = || Request::get("/v1/live").body(Full::default()).unwrap();
    let mut followers = Vec::new();
    for _ in 0..64 {
        followers.push(open(control, ask()).await);
    }
    assert_eq!(get(control, "/v1/live").await.code(), "overloaded");
    let mut fourth_frames = Vec::new();
    for follower in &mut followers {
        assert_eq!(follower.headers()["content-type"], "text/event-stream");
        let mut text = String::new();
        while text.matches("event: frame").count() < 4 || !text.ends_with("\n\n") {
            let chunk = tokio::time::timeout(Duration::from_secs(10), follower.body_mut().frame()).await.unwrap();
            text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().into_data().unwrap()).unwrap());
        }
        assert!(text.starts_with("event: past\n"), "{text}");
        let last = text.split("\n\n").filter(|event| event.starts_with("event: frame")).nth(3).unwrap();
        let frame: Value = serde_json::from_str(last.split_once("data: ").unwrap().1).unwrap();
        fourth_frames.push(frame["at_us"].as_u64().unwrap());
    }
    let spread = fourth_frames.iter().max().unwrap() - fourth_frames.iter().min().unwrap();
    assert!(spread < 3_000_000, "frames are taken once for all: {spread} µs apart");
    drop(followers);
    eventually(20, async || (get_head(control).await == StatusCode::OK).then_some(())).await;
    server.stop().await;
}

async fn get_head(control: std::net::SocketAddr) -> StatusCode {
    open(control, Request::get("/v1/live").body(Full::default()).unwrap()).await.status()
}
