//! The modes: what is off or observed answers as if nothing were there, from the next answer on, and over restarts.

use crate::support::{Answer, directory, eventually, get, open, order, send, start, with_cmcd};
use headroom_core::mode::Mode;
use headroom_server::{Config, Server};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::path::Path;

const RECORD: &str = "bl=6000,br=3000,cid=\"show\",d=2000,mtp=4000,ot=v,sf=h,sid=\"one\"";
const PLAYLIST: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow.m3u8\n\
                        #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nmid.m3u8\n\
                        #EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=1920x1080\nhigh.m3u8\n";

/// A server with an origin whose playlists are cut for everybody, and pathways in an order that is not the default.
async fn steering(directory: &Path, mode: Mode) -> Server {
    let media = directory.join("media/show");
    std::fs::create_dir_all(&media).unwrap();
    std::fs::write(media.join("main.m3u8"), PLAYLIST).unwrap();
    let keep = |config: &mut Config| {
        config.mode = mode;
        config.history.directory = directory.join("data");
        config.steering.pathways = vec!["a".into(), "b".into()];
        config.edge.origin = format!("dir:{}", directory.join("media").display());
        config.edge.filter_playlists = serde_json::from_value(json!("all")).unwrap();
    };
    start(keep).await
}

async fn ask(server: &Server, target: &str) -> Answer {
    get(server.public_address(), &with_cmcd(target, RECORD)).await
}

async fn put(server: &Server, body: Value) -> Answer {
    order(server.control_address(), "PUT", "/v1/mode", body).await
}

/// Waits until everything is steered that can be.
async fn wait_until_steered(server: &Server) {
    let body = json!({ "order": ["b", "a"] });
    assert!(order(server.control_address(), "PUT", "/v1/pathways", body).await.status.is_success());
    eventually(30, async || {
        ask(server, "/decide").await.suggested_kbps().filter(|&kbps| kbps < 9_000)?;
        (ask(server, "/show/main.m3u8").await.text() != PLAYLIST).then_some(())?;
        (ask(server, "/v1/advice").await.status == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(get(server.public_address(), "/v1/decisions/one").await.status, StatusCode::OK);
    assert_eq!(ask(server, "/v1/steering").await.json()["PATHWAY-PRIORITY"], json!(["b", "a"]));
}

/// Everything a viewer can ask for is what it would be without Headroom.
async fn assert_untouched(server: &Server) {
    for target in ["/decide?cap=1", "/decide"] {
        let answer = get(
            server.public_address(),
            &with_cmcd(target, RECORD).replacen("?CMCD", "&CMCD", usize::from(target.contains('='))),
        )
        .await;
        assert_eq!((answer.header("cmsd-dynamic"), answer.header("x-headroom-max-bitrate-kbps")), ("", ""));
    }
    let playlist = ask(server, "/show/main.m3u8").await;
    assert_eq!((playlist.text(), playlist.header("cmsd-dynamic")), (PLAYLIST, ""));
    assert_eq!(ask(server, "/v1/advice").await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(server.public_address(), "/v1/decisions/one").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(server, "/v1/steering").await.json()["PATHWAY-PRIORITY"], json!(["a", "b"]));
}

#[tokio::test]
async fn nothing_shows_while_off_or_observed_and_everything_comes_back() {
    let directory = directory("modes");
    let server = steering(&directory, Mode::Steer).await;
    wait_until_steered(&server).await;
    for body in [
        json!({ "mode": "off", "reason": "incident" }),
        json!({ "mode": "observe", "reason": "look first" }),
        json!({ "mode": "observe", "stream": "show", "reason": "look first" }),
        json!({ "mode": "off", "stream": "show", "reason": "incident" }),
    ] {
        assert_eq!(put(&server, body.clone()).await.status, StatusCode::OK);
        assert_untouched(&server).await;
        // What operators see goes on.
        let session = get(server.control_address(), "/v1/sessions/one").await.json();
        assert!(session["max_bitrate_kbps"].as_f64().is_some_and(|cap| cap < 9_000.0), "{body}: {session}");
        let stream = &body["stream"];
        assert_eq!(
            put(&server, json!({ "mode": null, "stream": stream, "reason": "over" })).await.status,
            StatusCode::OK
        );
        assert!(ask(&server, "/decide").await.suggested_kbps().is_some(), "{body}: steered again at once");
        assert_eq!(ask(&server, "/v1/steering").await.json()["PATHWAY-PRIORITY"], json!(["b", "a"]));
    }
    // Off for everybody is off for a stream that is to be steered; observing it is not.
    put(&server, json!({ "mode": "steer", "stream": "show", "reason": "trial" })).await;
    put(&server, json!({ "mode": "observe", "reason": "all others" })).await;
    assert!(ask(&server, "/decide").await.suggested_kbps().is_some());
    let modes = put(&server, json!({ "mode": "off", "reason": "incident" })).await.json();
    assert_untouched(&server).await;
    assert_eq!((&modes["streams"][0]["mode"], &modes["streams"][0]["order"]["mode"]), (&json!("off"), &json!("steer")));
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_order_outlives_the_server_and_orders_that_cannot_be_read_mean_observe() {
    let directory = directory("modes-kept");
    let server = steering(&directory, Mode::Steer).await;
    put(&server, json!({ "mode": "off", "reason": "incident 7" })).await;
    put(&server, json!({ "mode": "observe", "stream": "show", "reason": "later" })).await;
    server.stop().await;
    let server = steering(&directory, Mode::Steer).await;
    let modes = get(server.control_address(), "/v1/mode").await.json();
    assert_eq!((&modes["mode"], &modes["configured"], &modes["kept"]), (&json!("off"), &json!("steer"), &json!(true)));
    assert_eq!((&modes["order"]["reason"], &modes["streams"][0]["stream"]), (&json!("incident 7"), &json!("show")));
    let audit = eventually(10, async || {
        let audit = get(server.control_address(), "/v1/audit").await.json();
        audit["items"].as_array()?.iter().any(|action| action["path"] == "/v1/mode").then(|| audit.to_string())
    })
    .await;
    assert!(audit.contains("incident 7"), "{audit}");
    server.stop().await;
    std::fs::write(directory.join("data/orders.json"), "{\"modes\": {").unwrap();
    let server = steering(&directory, Mode::Steer).await;
    let modes = get(server.control_address(), "/v1/mode").await.json();
    assert_eq!(modes["mode"], "observe", "one of the orders may have been to stand aside");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn a_stream_of_decisions_takes_back_what_it_said() {
    let directory = directory("modes-events");
    let server = steering(&directory, Mode::Steer).await;
    wait_until_steered(&server).await;
    let request = Request::get("/v1/decisions/one/events").body(Full::default()).unwrap();
    let mut events = open(server.public_address(), request).await.into_body();
    let mut next = async || {
        loop {
            let frame = tokio::time::timeout(std::time::Duration::from_secs(2), events.frame()).await.ok()??.unwrap();
            let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
            if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data:")) {
                return Some(serde_json::from_str::<Value>(data).unwrap());
            }
        }
    };
    let told = next().await.unwrap();
    assert!(told["max_bitrate_kbps"].is_number(), "{told}");
    put(&server, json!({ "mode": "observe", "reason": "look first" })).await;
    let released = loop {
        // Decisions of before the order may still be on their way.
        let event = next().await.expect("it is taken back within 2 s");
        if event.get("max_bitrate_kbps").is_none() {
            break event;
        }
    };
    assert_eq!(released, json!({ "session": "one" }));
    assert_eq!(next().await, None, "and then nothing is said");
    put(&server, json!({ "mode": "steer", "reason": "go" })).await;
    assert!(next().await.unwrap()["max_bitrate_kbps"].is_number());
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn orders_without_a_reason_or_sense_are_refused_and_change_nothing() {
    let server = start(|config| config.mode = Mode::Observe).await;
    for (body, code) in [
        (json!({ "mode": "off" }), "malformed"),
        (json!({ "mode": "off", "reason": " " }), "out_of_range"),
        (json!({ "mode": "off", "reason": "x".repeat(501) }), "out_of_range"),
        (json!({ "mode": "of", "reason": "x" }), "malformed"),
        (json!({ "mode": "off", "stream": "", "reason": "x" }), "out_of_range"),
        (json!({ "mode": "off", "arm": "a", "reason": "x" }), "malformed"),
        (json!([]), "malformed"),
    ] {
        assert_eq!(put(&server, body.clone()).await.code(), code, "{body}");
    }
    let modes = get(server.control_address(), "/v1/mode").await.json();
    assert_eq!(modes, json!({ "mode": "observe", "configured": "observe", "streams": [], "kept": false }));
    let cross_site = Request::put("/v1/mode")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "cross-site")
        .body(Full::new(json!({ "mode": "steer", "reason": "x" }).to_string().into()))
        .unwrap();
    assert_eq!(send(server.control_address(), cross_site).await.status, StatusCode::FORBIDDEN);
    server.stop().await;
}
