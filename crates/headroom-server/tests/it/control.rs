//! Operators: token, lists, overrides, readiness.

use crate::support::{directory, eventually, get, order, send, start, with_cmcd};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

const RECORD: &str = "bl=6000,br=3000,cid=\"s\",d=2000,mtp=9500,ot=v,sf=h,sid=\"one\"";

#[tokio::test]
async fn the_token_is_needed_where_one_is_set() {
    let directory = directory("token");
    let file = directory.join("token");
    std::fs::write(&file, "secret\n").unwrap();
    let server = start(|config| config.control.token_file.clone_from(&file)).await;
    let control = server.control_address();
    let with = |token: &str| Request::get("/v1/sessions").header("authorization", token).body(Full::default()).unwrap();
    assert_eq!(get(control, "/v1/sessions").await.code(), "unauthorized");
    assert_eq!(get(control, "/metrics").await.code(), "unauthorized");
    for wrong in ["Bearer secre", "Bearer secrets", "secret", "Basic secret"] {
        assert_eq!(send(control, with(wrong)).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(send(control, with("Bearer secret")).await.status, StatusCode::OK);
    assert_eq!(get(control, "/healthz").await.status, StatusCode::OK, "probes need none");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// A cap comes down at once, ends by itself, and its release announces the top again in words a sticky player obeys.
#[tokio::test]
async fn overrides_act_at_once_and_end() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    let ask = async || get(public, &with_cmcd("/decide", RECORD)).await.suggested_kbps();
    let free = eventually(10, async || ask().await.filter(|&kbps| kbps > 5_000)).await;
    for scope in [json!("all"), json!({ "stream": "s" }), json!({ "session": "one" })] {
        let body = json!({ "scope": scope, "max_bitrate_kbps": 900, "for_s": 600 });
        assert_eq!(order(control, "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
        assert_eq!(ask().await, Some(880), "{scope}");
        assert_eq!(get(control, "/v1/overrides").await.json()["items"][0]["max_bitrate_kbps"], 900.0);
        let release = order(control, "DELETE", "/v1/overrides", json!({ "scope": scope })).await;
        assert_eq!(release.status, StatusCode::NO_CONTENT);
        eventually(20, async || ask().await.filter(|&kbps| kbps >= free)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    for number in 0..25 {
        get(public, &with_cmcd("/decide", &RECORD.replace("one", &number.to_string()))).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for offset in [0, 10, 20, 30] {
        let page = get(control, &format!("/v1/sessions?offset={offset}&limit=10")).await.json();
        assert_eq!(page["total"], 25);
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), [10, 10, 5, 0][offset / 10]);
        seen.extend(items.iter().map(|item| item["session"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 25);
    let one = get(control, "/v1/sessions/7").await.json();
    let same = get(control, &format!("/v1/sessions/id:{}", one["session"].as_str().unwrap())).await.json();
    assert_eq!((&one["session"], &one["playing_kbps"]), (&same["session"], &json!(3_000)));
    assert_eq!(get(control, "/v1/sessions/nobody").await.code(), "not_found");
    assert_eq!(get(control, "/v1/streams").await.json()["total"], 0);
    assert_eq!(get(control, "/readyz").await.text(), "ready\n");
    server.stop().await;
}

/// Sessions of all shards and formats together stay within the capacity of their bottleneck, others go free.
#[tokio::test]
async fn a_bottleneck_is_shared_over_all_shards() {
    let server = start(|_| {}).await;
    let (public, control) = (server.public_address(), server.control_address());
    let record = |index: usize| {
        let format = if index.is_multiple_of(2) { "h" } else { "d" };
        RECORD.replace("one", &format!("viewer {index}")).replace("sf=h", &format!("sf={format}"))
    };
    let ask = async |index: usize| get(public, &with_cmcd("/decide", &record(index))).await.suggested_kbps();
    let cap = async |index: usize| {
        ask(index).await;
        let session = get(control, &format!("/v1/sessions/viewer%20{index}")).await.json();
        session["max_bitrate_kbps"].as_f64()
    };
    for index in 0..8 {
        eventually(20, async || cap(index).await.filter(|&kbps| kbps > 4_000.0)).await;
    }
    let body = json!({ "stream": "s", "capacity_kbps": 12_000 });
    let listed = order(control, "PUT", "/v1/bottlenecks", body).await.json();
    assert_eq!((&listed["stream"], &listed["sessions"]), (&json!("s"), &json!(8)), "{listed}");
    eventually(20, async || {
        let mut sum = 0.0;
        for index in 0..8 {
            sum += cap(index).await?;
        }
        (sum <= 12_000.0).then_some(())
    })
    .await;
    let page = get(control, "/v1/bottlenecks").await;
    let (allocated, demand) = (&page.json()["items"][0]["allocated_kbps"], &page.json()["items"][0]["demand_kbps"]);
    assert!(allocated.as_f64().unwrap() > 8_000.0 && allocated.as_f64().unwrap() <= 12_000.0, "{allocated}");
    assert!(demand.as_f64().unwrap() > 30_000.0, "{demand}");
    let session = get(control, "/v1/sessions/viewer%200").await.json();
    assert_eq!(session["reason"], "allocation");

    let gone = order(control, "DELETE", "/v1/bottlenecks", json!({ "stream": "s" })).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    eventually(30, async || cap(0).await.filter(|&kbps| kbps > 4_000.0)).await;
    let again = order(control, "DELETE", "/v1/bottlenecks", json!({ "stream": "s" })).await;
    assert_eq!(again.code(), "not_found");
    for body in
        [json!({ "capacity_kbps": 0 }), json!({ "capacity_kbps": 1e12 }), json!({ "stream": "", "capacity_kbps": 9 })]
    {
        assert_eq!(order(control, "PUT", "/v1/bottlenecks", body).await.code(), "out_of_range");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let server = start(|_| {}).await;
    let control = server.control_address();
    let first = get(control, "/v1/overrides").await;
    let asking = |tag: &str| Request::get("/v1/overrides").header("if-none-match", tag).body(Full::default()).unwrap();
    let same = send(control, asking(first.header("etag"))).await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let body = json!({ "scope": "all", "max_bitrate_kbps": 900 });
    order(control, "PUT", "/v1/overrides", body).await;
    assert_eq!(send(control, asking(first.header("etag"))).await.status, StatusCode::OK);
    server.stop().await;
}
