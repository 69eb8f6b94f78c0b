//! Operators: token, lists, overrides, readiness.

use crate::support::{directory, eventually, get, order, send, start, with_cmcd};
use headroom_server::Config;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;

const RECORD: &str = "bl=6000,br=3000,cid=\"s\",d=2000,mtp=9500,ot=v,sf=h,sid=\"one\"";

#[tokio::test]
async fn the_token_is_needed_where_one_is_set() {
    let directory = directory("token");
    let file = directory.join("token");
    std::fs::write(&file, "secret-0123456789\n").unwrap();
    let server = start(|config| config.control.token_file.clone_from(&file)).await;
    let control = server.control_address();
    let with = |token: &str| Request::get("/v1/sessions").header("authorization", token).body(Full::default()).unwrap();
    assert_eq!(get(control, "/v1/sessions").await.code(), "unauthorized");
    assert_eq!(get(control, "/metrics").await.code(), "unauthorized");
    for wrong in
        ["Bearer secret-012345678", "Bearer secret-0123456789s", "secret-0123456789", "Basic secret-0123456789"]
    {
        assert_eq!(send(control, with(wrong)).await.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(send(control, with("Bearer secret-0123456789")).await.status, StatusCode::OK);
    assert_eq!(get(control, "/healthz").await.status, StatusCode::OK, "probes need none");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_role_allows_what_it_says() {
    let directory = directory("roles");
    let file = directory.join("tokens");
    std::fs::write(&file, "ann admin admin-0123456789\nbob operate operate-01234567\neve view view-0123456789ab\n")
        .unwrap();
    let server = start(|config| {
        config.control.tokens_file.clone_from(&file);
        config.history.directory = directory.join("data");
    })
    .await;
    let control = server.control_address();
    let ask = async |method: &str, target: &str, token: &str| {
        let request = Request::builder().method(method).uri(target).header("authorization", format!("Bearer {token}"));
        let body = json!({ "scope": "all", "max_bitrate_kbps": 900 }).to_string();
        let body = if method == "GET" { String::new() } else { body };
        let request = request.header("content-type", "application/json").body(Full::new(body.into())).unwrap();
        send(control, request).await.status.as_u16()
    };
    let (admin, operate, view) = ("admin-0123456789", "operate-01234567", "view-0123456789ab");
    // The database is made by a thread of its own.
    eventually(20, async || (ask("GET", "/v1/audit", admin).await == 200).then_some(())).await;
    for (method, target, token, expected) in [
        ("GET", "/v1/sessions", view, 200),
        ("PUT", "/v1/overrides", view, 403),
        ("DELETE", "/v1/overrides", "forged-0123456789", 401),
        ("PUT", "/v1/overrides", operate, 200),
        ("PUT", "/v1/objectives", view, 403),
        ("PUT", "/v1/objectives", operate, 400),
        ("GET", "/v1/audit", operate, 403),
        ("GET", "/v1/audit", admin, 200),
        ("GET", "/metrics", "", 401),
    ] {
        assert_eq!(ask(method, target, token).await, expected, "{method} {target} {token}");
    }
    server.stop().await;
    let history = text_of(&directory.join("data/history.sqlite"));
    assert!(history.contains("bob") && !history.contains("eve") && !history.contains(operate));
    std::fs::remove_dir_all(directory).unwrap();
}

/// A token is taken back or given while the server runs, and a file that cannot be used changes nothing.
#[tokio::test]
async fn tokens_are_read_again_when_their_file_changes() {
    let directory = directory("renewed-tokens");
    let file = directory.join("tokens");
    std::fs::write(&file, "ann view view-0123456789ab\n").unwrap();
    let server = start(|config| config.control.tokens_file.clone_from(&file)).await;
    let control = server.control_address();
    let status = async |token: &str| send(control, bearing(token, None)).await.status.as_u16();
    let (first, second) = ("view-0123456789ab", "view-ba9876543210");
    assert_eq!((status(first).await, status(second).await), (200, 401));
    std::fs::write(&file, "bob view view-ba9876543210\n").unwrap();
    eventually(10, async || (status(second).await == 200).then_some(())).await;
    assert_eq!(status(first).await, 401, "it was taken back");
    std::fs::write(&file, "carl view short\n").unwrap();
    let failed = "headroom_reloads_failed_total 1";
    eventually(10, async || {
        let request = Request::get("/metrics").header("authorization", format!("Bearer {second}"));
        let metrics = send(control, request.body(Full::default()).unwrap()).await;
        metrics.text().contains(failed).then_some(())
    })
    .await;
    assert_eq!(status(second).await, 200);
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// Who guesses has to wait, even with the right token in the end; others and repetitions of one wrong token do not count.
#[tokio::test]
async fn guessing_tokens_gets_nowhere() {
    let directory = directory("guesses");
    let file = directory.join("tokens");
    std::fs::write(&file, "ann view view-0123456789ab\n").unwrap();
    // Where no proxy is configured, an address that a request names is not believed.
    let alone = start(|config| config.control.tokens_file.clone_from(&file)).await;
    for guess in 0..11 {
        let made_up = format!("192.0.2.{guess}");
        let guessed = bearing(&format!("guess-0123456789-{guess}"), Some(&made_up));
        let answer = send(alone.control_address(), guessed).await;
        assert_eq!(answer.code(), if guess < 10 { "unauthorized" } else { "too_many_requests" }, "{guess}");
    }
    alone.stop().await;
    let server = start(|config| {
        config.control.tokens_file.clone_from(&file);
        config.control.forwarded_from = serde_json::from_str("\"loopback\"").unwrap();
    })
    .await;
    let control = server.control_address();
    let right = "view-0123456789ab";
    let (guesser, neighbour, other) = ("2001:db8:1:1::1", "2001:db8:1:1::2", "192.0.2.7");
    for guess in 0..10 {
        let answer = send(control, bearing(&format!("guess-0123456789-{guess}"), Some(guesser))).await;
        assert_eq!(answer.code(), "unauthorized", "{guess}");
    }
    for client in [guesser, neighbour] {
        let refused = send(control, bearing(right, Some(client))).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"));
        assert!((1..=6).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    }
    for _ in 0..30 {
        assert_eq!(send(control, bearing("token-of-yesterday", Some(other))).await.code(), "unauthorized");
    }
    assert_eq!(send(control, bearing(right, Some(other))).await.status, StatusCode::OK);
    let metrics = Request::get("/metrics").header("authorization", format!("Bearer {right}"));
    let metrics = send(control, metrics.body(Full::default()).unwrap()).await;
    assert!(metrics.text().contains("headroom_shed_total{kind=\"token_attempt\"} 2"), "{}", metrics.text());
    // Once the time has passed that the answer names.
    eventually(15, async || (send(control, bearing(right, Some(guesser))).await.status == 200).then_some(())).await;
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// A request for the sessions with a token, on behalf of a client where one is named.
fn bearing(token: &str, client: Option<&str>) -> Request<Full<hyper::body::Bytes>> {
    let mut request = Request::get("/v1/sessions").header("authorization", format!("Bearer {token}"));
    if let Some(client) = client {
        request = request.header("x-real-ip", client);
    }
    request.body(Full::default()).unwrap()
}

/// The bytes of the database, in which actors stand as text.
fn text_of(path: &std::path::Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// A page whose name was made to resolve to loopback is not answered.
#[tokio::test]
async fn a_rebound_name_is_not_answered() {
    let server = start(|_| {}).await;
    let control = server.control_address();
    let from = |host: &str| Request::get("/v1/sessions").header("host", host).body(Full::default()).unwrap();
    assert_eq!(send(control, from("evil.example:8081")).await.code(), "forbidden");
    assert_eq!(send(control, from(&control.to_string())).await.status, StatusCode::OK);
    server.stop().await;
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

/// A session's own objective counts first, then its stream's, then everyone's, then the configuration's.
#[tokio::test]
async fn the_nearest_objective_counts() {
    let configured = |config: &mut Config| {
        let edge = "[edge]\nstreams = [{ name = \"told\", ladder_kbps = [800, 3000], objective = \"sharp\" }]";
        config.edge.streams = toml::from_str::<Config>(edge).unwrap().edge.streams;
    };
    let server = start(configured).await;
    let (public, control) = (server.public_address(), server.control_address());
    for record in [RECORD.to_owned(), RECORD.replace("\"s\"", "\"told\"").replace("one", "two")] {
        get(public, &with_cmcd("/decide", &record)).await;
    }
    let objective = async |session: &str| {
        get(control, &format!("/v1/sessions/{session}")).await.json()["objective"].as_str().unwrap().to_owned()
    };
    assert_eq!((objective("one").await, objective("two").await), ("smooth".to_owned(), "sharp".to_owned()));
    let steps = [
        ("PUT", json!("all"), Some("balanced"), "balanced"),
        ("PUT", json!({ "stream": "s" }), Some("sharp"), "sharp"),
        ("PUT", json!({ "session": "one" }), Some("smooth"), "smooth"),
        ("DELETE", json!({ "session": "one" }), None, "sharp"),
        ("DELETE", json!({ "stream": "s" }), None, "balanced"),
        ("DELETE", json!("all"), None, "smooth"),
    ];
    for (method, scope, ordered, expected) in steps {
        let mut body = json!({ "scope": scope });
        if let Some(ordered) = ordered {
            body["objective"] = json!(ordered);
        }
        let answer = order(control, method, "/v1/objectives", body.clone()).await;
        assert!(answer.status.is_success(), "{method} {body}: {}", answer.text());
        assert_eq!(objective("one").await, expected, "{method} {body}");
    }
    assert_eq!(get(control, "/v1/objectives").await.json()["total"], 0);
    for (body, code) in [
        (json!({ "scope": "all" }), "malformed"),
        (json!({ "scope": "all", "objective": "sharpest" }), "malformed"),
        (json!({ "scope": "all", "objective": "sharp", "for": 3 }), "malformed"),
        (json!({ "scope": { "session": "nobody" }, "objective": "sharp" }), "not_found"),
        (json!({ "scope": { "session_id": "xyz" }, "objective": "sharp" }), "malformed"),
        (json!({ "scope": { "stream": "" }, "objective": "sharp" }), "out_of_range"),
        (json!({ "scope": { "stream": "s".repeat(257) }, "objective": "sharp" }), "out_of_range"),
    ] {
        assert_eq!(order(control, "PUT", "/v1/objectives", body.clone()).await.code(), code, "{body}");
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
