//! Players that report: CMCD in every form, answers, event streams, steering.

use crate::support::{eventually, get, metric, open, order, post, send, start, with_cmcd};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;

const RECORD: &str = "bl=(6000),br=(3000;v),cid=\"s\",d=2000,mtp=(9500),ot=v,sf=d,sid=\"one\",sn=1,st=l,sta=p,v=2";

/// The three ways of one report lead to the same session and the same kind of answer.
#[tokio::test]
async fn every_form_of_cmcd_is_answered() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    let by_headers = |target: &str| {
        Request::get(target)
            .header("cmcd-object", "br=3000,d=2000,ot=v")
            .header("cmcd-request", "bl=6000,mtp=9500")
            .header("cmcd-session", "cid=\"s\",sf=d,sid=\"two\",st=l")
            .body(Full::default())
            .unwrap()
    };
    let original = |target: String| Request::get("/decide?cap=1").header("x-original-uri", target);
    // First contact: the throughput is known, a cap is not decided yet.
    let first = get(public, &with_cmcd("/decide", RECORD)).await;
    let expected = first.header("cmsd-dynamic").strip_prefix("\"headroom\";etp=").and_then(|kbps| kbps.parse().ok());
    assert_eq!(first.status, StatusCode::NO_CONTENT);
    assert!(expected.is_some_and(|kbps: u32| (8_500..=10_500).contains(&kbps)), "{}", first.header("cmsd-dynamic"));
    assert_eq!(send(public, by_headers("/decide")).await.status, StatusCode::NO_CONTENT);
    let posted = post(public, "/v1/cmcd", "application/cmcd", RECORD.replace("one", "three") + ",e=t,ts=1").await;
    assert_eq!(posted.status, StatusCode::NO_CONTENT, "{:?}", posted.body);
    let body = json!([{ "sid": "four", "cid": "s", "v": 2, "e": "t", "bl": [6000], "mtp": [9500], "br": [3000] }]);
    let posted = post(public, "/v1/cmcd", "application/json", body.to_string()).await;
    assert_eq!(posted.status, StatusCode::NO_CONTENT, "{:?}", posted.body);

    // After a tick each of them has a cap, and a web server may ask for it in plain.
    let later = RECORD.replace("sn=1", "sn=2");
    let decided = eventually(5, async || {
        let request = original(with_cmcd("/seg.m4s", &later)).body(Full::default()).unwrap();
        Some(send(public, request).await).filter(|answer| answer.suggested_kbps().is_some())
    })
    .await;
    let plain = decided.header("x-headroom-max-bitrate-kbps");
    assert_eq!(plain.parse().ok(), decided.suggested_kbps());
    for name in ["one", "two", "three", "four"] {
        let told = eventually(5, async || {
            let told = get(public, &format!("/v1/decisions/{name}")).await.json();
            Some(told).filter(|told| told["max_bitrate_kbps"].is_number())
        })
        .await;
        assert_eq!(told["session"], name);
    }
    assert!(metric(&server, "headroom_reports_total{source=\"cmcd_headers\"}").await >= 1.0);
    server.stop().await;
}

/// A question before every segment: the report goes in, what to fetch comes out, without waiting for a tick.
#[tokio::test]
async fn a_player_that_asks_is_advised_at_once() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    let ask = async |record: &str| get(public, &with_cmcd("/v1/advice", record)).await;
    assert_eq!(get(public, "/v1/advice").await.code(), "malformed", "who asks says how it fares");
    let starting = ask("bl=(0),cid=\"s\",mtp=(9500),ot=v,sid=\"asks\",sta=s,su,v=2").await;
    assert_eq!(starting.status, StatusCode::NO_CONTENT, "a starting player knows better");

    let fares = |mtp: u32, bl: u32, ttlb: u32| {
        format!(
            "bl=({bl}),br=(3000;v),cid=\"s\",d=2000,e=rr,mtp=({mtp}),ot=v,rc=200,sid=\"asks\",sta=p,ttlb={ttlb},v=2"
        )
    };
    let advised = ask(&fares(9_500, 6_000, 700)).await;
    assert_eq!((advised.status, advised.header("cache-control")), (StatusCode::OK, "no-store"));
    let kbps = |advice: &serde_json::Value| advice["bitrate_kbps"].as_u64().unwrap();
    let fast = advised.json();
    assert!((3_000..=9_500).contains(&kbps(&fast)) && fast["reason"].is_string(), "{fast}");
    let slow = ask(&fares(500, 1_000, 8_000)).await.json();
    assert!(kbps(&slow) < 1_000, "{slow}");
    // An order binds it, and leaves room for the audio as `mb` does.
    let cap = json!({ "scope": { "session": "asks" }, "max_bitrate_kbps": 400 });
    assert_eq!(order(server.control_address(), "PUT", "/v1/overrides", cap).await.status, StatusCode::OK);
    let ordered = ask(&fares(9_500, 6_000, 700)).await.json();
    assert_eq!((&ordered["reason"], kbps(&ordered) >= 400), (&json!("override"), true), "{ordered}");
    assert!(metric(&server, "headroom_requests_total{kind=\"advice\"}").await >= 5.0);
    server.stop().await;
}

/// Requests and events are told apart: dash.js tells of a stall in both, and puts its average into the event of a transfer.
#[tokio::test]
async fn a_stall_told_twice_is_one_and_an_average_is_no_transfer() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    let stalled = "bl=(1500),br=(800;v),bs,bsd=(1524),cid=\"s\",d=2000,mtp=(1900),ot=v,sid=\"stalls\",sta=p,v=2";
    for _ in 0..4 {
        let event = format!("{stalled},e=rr,rc=200,ts=1,ttlb=60").replace("bs,bsd=(1524),", "");
        post(public, "/v1/cmcd", "application/cmcd", event).await;
    }
    get(public, &with_cmcd("/decide", stalled)).await;
    post(public, "/v1/cmcd", "application/cmcd", format!("{stalled},e=rr,rc=200,ts=2,ttlb=1250")).await;
    let session = get(server.control_address(), "/v1/sessions/stalls").await.json();
    assert_eq!(session["stalled_ms"], 1524, "{session}");
    // One observation, not six: the forecast is still as wide as one average makes it.
    let width = |session: &serde_json::Value| {
        let level = |level: usize| session["forecast_kbps"][level].as_f64().unwrap();
        level(2) / level(0)
    };
    get(public, &with_cmcd("/decide", &stalled.replace("stalls", "calm"))).await;
    let once = get(server.control_address(), "/v1/sessions/calm").await.json();
    assert_eq!(width(&session), width(&once), "{session} {once}");
    server.stop().await;
}

#[tokio::test]
async fn replayed_and_late_reports_are_told_apart() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    for number in [5, 5, 7, 6, 6] {
        get(public, &with_cmcd("/decide", &RECORD.replace("sn=1", &format!("sn={number}")))).await;
    }
    assert_eq!(metric(&server, "headroom_reports_dropped_total{reason=\"replayed\"}").await, 2.0);
    assert_eq!(metric(&server, "headroom_reports_dropped_total{reason=\"late\"}").await, 1.0);
    assert_eq!(metric(&server, "headroom_engine_samples_total").await, 3.0);
    // The numbers of events run beside those of requests.
    post(public, "/v1/cmcd", "application/cmcd", format!("{RECORD},e=t,ts=1")).await;
    assert_eq!(metric(&server, "headroom_engine_samples_total").await, 4.0);
    server.stop().await;
}

#[tokio::test]
async fn decisions_stream_as_they_change() {
    let server = start(|config| config.public.max_subscribers = 1).await;
    let public = server.public_address();
    // Listening may begin before the player does.
    let request = || Request::get("/v1/decisions/one/events").body(Full::default()).unwrap();
    let mut response = open(public, request()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(send(public, request()).await.code(), "overloaded", "streams are bounded");

    get(public, &with_cmcd("/decide", RECORD)).await;
    let first = next_event(&mut response).await;
    assert_eq!(first["session"], "one");
    assert!(first["suggested_bitrate_kbps"].as_f64() > first["max_bitrate_kbps"].as_f64(), "{first}");

    let cap = json!({ "scope": { "session": "one" }, "max_bitrate_kbps": 900 });
    let answer = order(server.control_address(), "PUT", "/v1/overrides", cap).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let second = next_event(&mut response).await;
    assert_eq!((&second["max_bitrate_kbps"], &second["reason"]), (&json!(800), &json!("override")));

    // An agent drops a decision it has not heard for ten seconds, so a steady one is repeated.
    let said = std::time::Instant::now();
    let third = next_event(&mut response).await;
    assert_eq!(third["max_bitrate_kbps"], 800);
    assert!(said.elapsed() < std::time::Duration::from_millis(5500), "{:?}", said.elapsed());

    // Stopping ends the stream rather than waiting for it.
    let began = std::time::Instant::now();
    server.stop().await;
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
    assert!(response.body_mut().frame().await.is_none_or(|frame| frame.is_err()));
}

async fn next_event(response: &mut http::Response<hyper::body::Incoming>) -> serde_json::Value {
    let limit = std::time::Duration::from_secs(10);
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let frame = tokio::time::timeout(limit, response.body_mut().frame()).await.unwrap().unwrap().unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    assert!(text.contains("event: decision\n"), "{text}");
    serde_json::from_str(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap()
}

#[tokio::test]
async fn steering_follows_the_operator_and_hears_the_player() {
    let server = start(|config| {
        config.steering.ttl_s = 4;
        config.steering.pathways = vec!["A".into(), "B".into()];
    })
    .await;
    let (public, control) = (server.public_address(), server.control_address());
    let ask = async |session: &str| {
        let target = format!("/v1/steering?session={session}&_HLS_pathway=A&_HLS_throughput=5000000");
        let answer = get(public, &target).await;
        assert_eq!(answer.header("content-type"), "application/vnd.apple.steering-list");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        answer.json()
    };
    assert_eq!(ask("one").await, json!({ "VERSION": 1, "TTL": 4, "PATHWAY-PRIORITY": ["A", "B"] }));
    let answer = order(control, "PUT", "/v1/pathways", json!({ "order": ["B", "A"], "session": "one" })).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(ask("one").await["PATHWAY-PRIORITY"], json!(["B", "A"]));
    assert_eq!(ask("two").await["PATHWAY-PRIORITY"], json!(["A", "B"]));
    assert_eq!(order(control, "PUT", "/v1/pathways", json!({ "order": ["B"] })).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask("two").await["PATHWAY-PRIORITY"], json!(["B"]));
    for wrong in [json!({ "order": [] }), json!({ "order": ["C"] }), json!({ "order": ["A", "A"] })] {
        assert_eq!(order(control, "PUT", "/v1/pathways", wrong).await.code(), "out_of_range");
    }
    assert_eq!(metric(&server, "headroom_reports_total{source=\"steering\"}").await, 4.0);
    let forecast = &get(control, "/v1/sessions/two").await.json()["forecast_kbps"];
    assert!(forecast[1].as_f64().is_some_and(|median| (4_000.0..6_000.0).contains(&median)), "{forecast}");
    server.stop().await;
}
