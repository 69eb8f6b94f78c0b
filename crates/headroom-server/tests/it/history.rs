//! What is kept over restarts, and that nothing depends on it.

use crate::support::{directory, eventually, get, metric, order, post, start, with_cmcd};
use headroom_server::{Config, Server};
use http::StatusCode;
use serde_json::json;

const RECORD: &str = "bl=6000,br=3000,cid=\"s\",d=2000,mtp=9500,ot=v,sf=h,sid=\"one\"";

async fn keeping(directory: &std::path::Path) -> Server {
    let keep = |config: &mut Config| {
        config.history.directory = directory.to_owned();
        config.identity.key.clear();
        config.history.networks.insert("here".into(), vec!["127.0.0.0/8".parse().unwrap()]);
    };
    start(keep).await
}

#[tokio::test]
async fn minutes_and_actions_outlive_the_server() {
    let directory = directory("history");
    let server = keeping(&directory).await;
    let (public, control) = (server.public_address(), server.control_address());
    eventually(30, async || {
        for viewer in ["one", "two", "three"] {
            get(public, &with_cmcd("/decide", &RECORD.replace("one", viewer))).await;
        }
        let capacity = get(control, "/v1/capacity").await.json();
        let whole = capacity["sessions"] == 3 && capacity["egress_kbps"].as_f64()? > 0.0;
        whole.then(|| assert_eq!(capacity["streams"][0]["sessions"], 3, "{capacity}"))
    })
    .await;
    let body = json!({ "scope": "all", "max_bitrate_kbps": 900, "for_s": 60 });
    assert_eq!(order(control, "PUT", "/v1/overrides", body.clone()).await.status, StatusCode::OK);
    assert_eq!(order(control, "PUT", "/v1/overrides", json!({ "scope": 7 })).await.status, StatusCode::BAD_REQUEST);
    server.stop().await;

    let server = keeping(&directory).await;
    let control = server.control_address();
    for (query, group) in [("stream=s", json!(null)), ("by=network", json!("here")), ("by=rung", json!("3000"))] {
        let history = get(control, &format!("/v1/history?{query}")).await.json();
        let points = history["items"].as_array().unwrap();
        let sessions = points.iter().map(|point| point["sessions"].as_f64().unwrap()).fold(0.0, f64::max);
        assert!((1.0..=3.0).contains(&sessions), "{query}: {history}");
        assert_eq!(points[0]["group"], group);
        assert!(points.iter().any(|point| point["throughput_kbps"]["p50"].as_f64() > Some(1_000.0)), "{history}");
    }
    assert_eq!(get(control, "/v1/history?stream=other").await.json()["items"], json!([]));
    assert_eq!(get(control, "/v1/history?from=900&to=300").await.code(), "out_of_range");
    assert_eq!(get(control, "/v1/history?from=x").await.code(), "malformed");
    // Two starts and what was done between them, newest first.
    let audit = eventually(20, async || {
        let audit = get(control, "/v1/audit").await.json();
        (audit["total"] == 4).then_some(audit)
    })
    .await;
    assert_eq!((&audit["items"][0]["method"], &audit["items"][1]["status"]), (&json!("START"), &json!(400)));
    assert_eq!(audit["items"][2]["status"], 200);
    assert_eq!(audit["items"][2]["body"], body.to_string());
    let settings = audit["items"][3]["body"].as_str().unwrap();
    assert!(
        settings.contains("\"tick_ms\":1000") && settings.contains("\"identity.key\":\"(not shown)\""),
        "{settings}"
    );
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_disk_in_trouble_is_announced_and_decisions_go_on() {
    let directory = directory("no-history");
    let file = directory.join("file");
    std::fs::write(&file, "in the way").unwrap();
    let server = keeping(&file).await;
    let control = server.control_address();
    eventually(10, async || {
        let ready = get(control, "/readyz").await;
        assert_eq!(ready.status, StatusCode::OK);
        ready.text().starts_with("ready, degraded: history").then_some(())
    })
    .await;
    assert!(metric(&server, "headroom_history_degraded").await > 0.0);
    assert_eq!(get(server.public_address(), &with_cmcd("/decide", RECORD)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(control, "/v1/history").await.code(), "not_ready");
    server.stop().await;
    let server = start(|_| {}).await;
    assert_eq!(get(server.control_address(), "/v1/history").await.code(), "not_found");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// What was said is kept as counts; who said what is not.
#[tokio::test]
async fn an_audience_is_remembered_without_its_words() {
    let directory = directory("audience");
    let server = keeping(&directory).await;
    let reading = json!({ "sentiment": "negative", "confidence": 0.9, "aspects": ["audio"], "command": null });
    for author in ["anna-the-author", "bert", "carl"] {
        let body = json!({ "stream": "show", "author": author, "text": "the sound is gone", "reading": reading });
        let answer = post(server.public_address(), "/v1/feedback", "application/x-ndjson", body.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    let ticks = metric(&server, "headroom_engine_ticks_total").await;
    eventually(20, async || (metric(&server, "headroom_engine_ticks_total").await > ticks + 8.0).then_some(())).await;
    server.stop().await;
    let server = keeping(&directory).await;
    let history = get(server.control_address(), "/v1/history?stream=show").await.json();
    let last = history["audience"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["messages"], &last["complaints"]), (&json!(3), &json!({ "audio": 3 })), "{history}");
    assert!(last["mood"].as_f64().unwrap() < 0.0, "{history}");
    server.stop().await;
    for entry in std::fs::read_dir(&directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for word in [&b"anna-the-author"[..], b"sound is gone"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word));
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}
