//! What operators ordered, over a restart.

use crate::support::{directory, eventually, get, order, start, with_cmcd};
use headroom_server::{Config, Server};
use http::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

const RECORD: &str = "bl=6000,br=3000,cid=\"show\",d=2000,mtp=95000,ot=v,sf=h,sid=\"one\"";

async fn keeping(directory: &Path) -> Server {
    let keep = |config: &mut Config| {
        config.history.directory = directory.to_owned();
        config.steering.pathways = vec!["a".into(), "b".into()];
    };
    start(keep).await
}

async fn items(server: &Server, target: &str) -> Value {
    get(server.control_address(), target).await.json()["items"].clone()
}

#[tokio::test]
async fn standing_orders_outlive_the_server() {
    let directory = directory("orders");
    let server = keeping(&directory).await;
    let (public, control) = (server.public_address(), server.control_address());
    get(public, &with_cmcd("/decide", RECORD)).await;
    for (target, body) in [
        ("/v1/overrides", json!({ "scope": { "stream": "show" }, "max_bitrate_kbps": 900 })),
        ("/v1/overrides", json!({ "scope": "all", "max_bitrate_kbps": 4000, "for_s": 600 })),
        ("/v1/overrides", json!({ "scope": { "session": "one" }, "max_bitrate_kbps": 500 })),
        ("/v1/objectives", json!({ "scope": { "stream": "show" }, "objective": "balanced" })),
        ("/v1/objectives", json!({ "scope": { "session": "one" }, "objective": "sharp" })),
        ("/v1/bottlenecks", json!({ "capacity_kbps": 50_000 })),
        ("/v1/bottlenecks", json!({ "stream": "gone", "capacity_kbps": 1_000 })),
        ("/v1/silences", json!({ "rule": "stalls", "for_s": 600 })),
        ("/v1/pathways", json!({ "order": ["b", "a"] })),
    ] {
        let answer = order(control, "PUT", target, body).await;
        assert!(answer.status.is_success(), "{target}: {}", answer.text());
    }
    order(control, "DELETE", "/v1/bottlenecks", json!({ "stream": "gone" })).await;
    server.stop().await;

    let server = keeping(&directory).await;
    let (public, control) = (server.public_address(), server.control_address());
    let overrides = items(&server, "/v1/overrides").await;
    let limits: Vec<_> = overrides.as_array().unwrap().iter().map(|order| &order["max_bitrate_kbps"]).collect();
    assert_eq!(limits, [4_000.0, 900.0], "the order for a session has ended with it: {overrides}");
    let objectives = json!([{ "scope": { "stream": "show" }, "objective": "balanced" }]);
    assert_eq!(items(&server, "/v1/objectives").await, objectives, "and so has its objective");
    let bottlenecks = items(&server, "/v1/bottlenecks").await;
    assert_eq!((&bottlenecks[0]["capacity_kbps"], &bottlenecks[1]), (&json!(50_000), &json!(null)));
    assert_eq!(items(&server, "/v1/silences").await[0]["rule"], "stalls");
    assert_eq!(get(control, "/v1/pathways").await.json()["order"], json!(["b", "a"]));
    // They are not only listed.
    eventually(20, async || {
        let suggested = get(public, &with_cmcd("/decide", RECORD)).await.suggested_kbps()?;
        (suggested <= 900).then_some(())
    })
    .await;
    assert_eq!(get(control, "/v1/sessions/one").await.json()["objective"], "balanced");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn orders_that_cannot_be_read_are_laid_aside_and_the_server_serves() {
    let directory = directory("orders-broken");
    let file = directory.join("orders.json");
    std::fs::write(&file, "{\"overrides\": [{").unwrap();
    let server = keeping(&directory).await;
    assert_eq!(items(&server, "/v1/overrides").await, json!([]));
    assert_eq!(std::fs::read_to_string(directory.join("orders.json.unreadable")).unwrap(), "{\"overrides\": [{");
    let body = json!({ "scope": "all", "max_bitrate_kbps": 900 });
    assert_eq!(order(server.control_address(), "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
    assert!(std::fs::read_to_string(&file).unwrap().contains("900"), "and the next one is written down");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_silence_of_no_rule_is_refused() {
    let server = start(|_| {}).await;
    let answer = order(server.control_address(), "PUT", "/v1/silences", json!({ "rule": "stals", "for_s": 60 })).await;
    assert_eq!(answer.code(), "out_of_range");
    assert!(answer.text().contains("stalls"), "it says which there are: {}", answer.text());
    server.stop().await;
}
