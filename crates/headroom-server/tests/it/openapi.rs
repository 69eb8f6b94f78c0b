//! The documents and what answers: neither knows a path the other does not.

use crate::support::{get, send, start};
use headroom_server::api::{Listener, document};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

#[tokio::test]
async fn every_path_that_is_described_is_answered() {
    let server = start(|_| {}).await;
    for (listener, address) in
        [(Listener::Public, server.public_address()), (Listener::Control, server.control_address())]
    {
        let described: Value = serde_json::from_str(&document(listener)).unwrap();
        for (path, operations) in described["paths"].as_object().unwrap() {
            // Nothing has such a name; the path is what counts.
            let target = path.replace("{session}", "nobody").replace("{stream}", "nothing");
            let target = target.replace("{file}", "none.js").replace("{document}", "none.json");
            for method in operations.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
                if target.ends_with("/events") || target.ends_with("/live") {
                    let request = Request::get(&target).body(Full::default()).unwrap();
                    let answer = crate::support::open(address, request).await;
                    assert_eq!(answer.headers()["content-type"], "text/event-stream", "{target}");
                    continue;
                }
                let request = Request::builder().method(method.as_str()).uri(&target);
                let answer = send(address, request.body(Full::default()).unwrap()).await;
                let text = answer.text();
                assert!(!text.contains("no such path"), "{method} {target}: {text}");
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {target}");
                assert!(answer.status.as_u16() < 500 || answer.code().starts_with("no_"), "{method} {target}: {text}");
            }
        }
        let other = send(address, Request::patch("/v1/x").body(Full::default()).unwrap()).await;
        assert_eq!(other.code(), "not_found");
    }
    let refused = send(server.public_address(), Request::get("/v1/cmcd").body(Full::default()).unwrap()).await;
    assert_eq!((refused.code().as_str(), refused.header("allow")), ("method_not_allowed", "POST, OPTIONS"));
    let refused = send(server.control_address(), Request::post("/v1/overrides").body(Full::default()).unwrap()).await;
    assert_eq!((refused.code().as_str(), refused.header("allow")), ("method_not_allowed", "PUT,DELETE,GET,HEAD"));
    server.stop().await;
}

/// The page names every operation, and a browser that opens it loads nothing from anywhere else.
#[tokio::test]
async fn the_page_of_the_interface_works_alone() {
    let server = start(|_| {}).await;
    let control = server.control_address();
    let page = get(control, "/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    let html = page.text();
    for listener in [Listener::Public, Listener::Control] {
        let text = document(listener);
        let described: Value = serde_json::from_str(&text).unwrap();
        for path in described["paths"].as_object().unwrap().keys() {
            assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
        }
        let name = format!("/openapi/{}.json", format!("{listener:?}").to_lowercase());
        assert_eq!(get(control, &name).await.text(), text);
    }
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href=\"http"));
    assert_eq!(get(control, "/docs/style.css").await.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(get(control, "/openapi/other.json").await.code(), "not_found");
    server.stop().await;
}
