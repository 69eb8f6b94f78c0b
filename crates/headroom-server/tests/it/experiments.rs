//! Experiments in a running server: who is in which arm, what is told there, and what bad input changes: nothing.

use crate::support::{directory, eventually, get, order, start, with_cmcd};
use headroom_core::{
    experiment::{Experiment, Holdback, bucket},
    mode::Mode,
};
use headroom_server::{Config, Server};
use http::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

const VIEWERS: usize = 60;
const PLAYLIST: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow.m3u8\n\
                        #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nmid.m3u8\n\
                        #EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=1920x1080\nhigh.m3u8\n";

/// A server that knows the rungs of what its viewers play.
async fn start_on(directory: &Path, change: impl FnOnce(&mut Config)) -> Server {
    let media = directory.join("media/show");
    std::fs::create_dir_all(&media).unwrap();
    std::fs::write(media.join("main.m3u8"), PLAYLIST).unwrap();
    let server = start(|config| {
        config.edge.origin = format!("dir:{}", directory.join("media").display());
        change(config);
    })
    .await;
    let playlist = get(server.public_address(), &with_cmcd("/show/main.m3u8", &record(0))).await;
    assert_eq!(playlist.status, StatusCode::OK);
    server
}

fn record(viewer: usize) -> String {
    format!("bl=6000,br=3000,cid=\"show\",d=2000,mtp=4000,ot=v,sf=h,sid=\"v{viewer}\"")
}

/// What a viewer is told: `mb` and `etp`.
async fn told(server: &Server, viewer: usize) -> (bool, bool) {
    let answer = get(server.public_address(), &with_cmcd("/decide", &record(viewer))).await;
    (answer.header("cmsd-dynamic").contains("mb="), answer.header("cmsd-dynamic").contains("etp="))
}

/// Every viewer asks once: a decision needs more than one report.
async fn ask_all(server: &Server) {
    for viewer in 0..VIEWERS {
        told(server, viewer).await;
    }
}

async fn arm_of(server: &Server, viewer: usize) -> Value {
    get(server.control_address(), &format!("/v1/sessions/v{viewer}")).await.json()
}

async fn put(server: &Server, body: Value) -> crate::support::Answer {
    order(server.control_address(), "PUT", "/v1/experiments", body).await
}

fn two_arms(name: &str) -> Value {
    json!({ "name": name, "arms": [{ "name": "left_alone", "mode": "observe" }, { "name": "throughput_only", "actuators": ["etp"] }] })
}

#[tokio::test]
async fn sessions_held_back_are_told_nothing_and_the_hash_alone_says_which() {
    let holdback = Holdback { share: 0.4, ..Holdback::default() };
    let held = holdback.clone();
    let directory = directory("holdback");
    let server = start_on(&directory, |config| config.holdback = holdback).await;
    eventually(30, async || {
        ask_all(&server).await;
        let mut told_anything = 0;
        for viewer in 0..VIEWERS {
            let told = told(&server, viewer).await;
            let session = arm_of(&server, viewer).await;
            let id = u64::from_str_radix(session["session"].as_str()?, 16).ok()?;
            let is_held = bucket(&held.salt, &id.to_string()) < 400_000;
            assert_eq!(session["arm"], if is_held { "holdback" } else { "outside" }, "{session}");
            assert!(!is_held || told == (false, false), "{session}");
            told_anything += usize::from(told.0);
            // Decided for all the same.
            session["max_bitrate_kbps"].as_f64()?;
        }
        (told_anything > VIEWERS / 4).then_some(())
    })
    .await;
    let results = eventually(30, async || {
        ask_all(&server).await;
        let results = get(server.control_address(), "/v1/experiments/holdback").await.json();
        let sessions = |arm: usize| results["arms"][arm]["sessions"].as_u64();
        (sessions(0)? + sessions(1)? == VIEWERS as u64).then_some(results)
    })
    .await;
    assert_eq!((&results["arms"][0]["arm"], &results["arms"][1]["arm"]), (&json!("holdback"), &json!("steered")));
    let observed = eventually(30, async || {
        ask_all(&server).await;
        let observed = get(server.control_address(), "/v1/observation").await.json();
        (observed["agreed"].as_u64()? + observed["differed"].as_u64()? > 0).then_some(observed)
    })
    .await;
    assert!(observed["reasons"].as_object().is_some_and(|reasons| !reasons.is_empty()), "{observed}");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_experiment_starts_acts_by_its_ways_outlives_the_server_and_stops() {
    let directory = directory("experiments");
    let keep = |config: &mut Config| config.history.directory = directory.join("data");
    let server = start_on(&directory, keep).await;
    ask_all(&server).await;
    assert_eq!(
        put(&server, json!({ "experiment": two_arms("ways"), "reason": "a test" })).await.status,
        StatusCode::OK
    );
    let by_arm = async |server: &Server| {
        eventually(30, async || {
            ask_all(server).await;
            let mut arms = Vec::new();
            for viewer in 0..VIEWERS {
                let told = told(server, viewer).await;
                let session = arm_of(server, viewer).await;
                session["max_bitrate_kbps"].as_f64()?;
                match session["arm"].as_str()? {
                    "ways/left_alone" => assert_eq!(told, (false, false)),
                    "ways/throughput_only" if !told.1 => return None,
                    "ways/throughput_only" => assert!(!told.0),
                    other => panic!("in {other}"),
                }
                arms.push(session["arm"].clone());
            }
            Some(arms)
        })
        .await
    };
    let before = by_arm(&server).await;
    assert!(before.iter().any(|arm| *arm != before[0]), "both arms have sessions");
    // Every one of these is refused, and the experiment that runs goes on.
    let with = |name: &str, key: &str, value: Value| {
        let mut experiment = two_arms(name);
        experiment[key] = value;
        json!({ "experiment": experiment, "reason": "a test" })
    };
    let arms = |arms: Value| with("other", "arms", arms);
    for (body, says) in [
        (with("other", "salt", json!("x")), "overlap"),
        (arms(json!([{ "name": "a", "share": 0.7 }, { "name": "b", "share": 0.7 }])), "shares"),
        (arms(json!([{ "name": "a" }, { "name": "b", "policy": "magic" }])), "no policy is called"),
        (arms(json!([{ "name": "a" }])), "2 to"),
        (with("ways", "arms", json!([{ "name": "a" }, { "name": "b", "policy": "bola" }])), "policy"),
        (
            json!({ "experiment": { "name": "ways", "start": "2026-11-30T00:00:00Z", "end": "2026-11-29T00:00:00Z", "arms": two_arms("x")["arms"] }, "reason": "x" }),
            "ends before it starts",
        ),
        (json!({ "holdback": { "share": 0.9 }, "reason": "x" }), "holdback"),
        (json!({ "experiment": two_arms("other") }), "reason"),
        (json!({ "reason": "x" }), "experiment"),
    ] {
        let answer = put(&server, body.clone()).await;
        assert!(answer.status.is_client_error() && answer.text().contains(says), "{body}: {}", answer.text());
    }
    assert_eq!(by_arm(&server).await, before);
    server.stop().await;

    let server = start_on(&directory, keep).await;
    assert_eq!(by_arm(&server).await, before, "the same sessions are in the same arms after a restart");
    let body = json!({ "name": "ways", "reason": "done" });
    let unknown = json!({ "name": "way", "reason": "done" });
    let control = server.control_address();
    assert_eq!(order(control, "DELETE", "/v1/experiments", unknown).await.status, StatusCode::NOT_FOUND);
    assert_eq!(order(control, "DELETE", "/v1/experiments", body).await.status, StatusCode::OK);
    assert_eq!(arm_of(&server, 0).await["arm"], "outside");
    eventually(20, async || told(&server, 0).await.0.then_some(())).await;
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_arm_that_steers_does_not_act_while_everybody_is_observed() {
    let experiment: Experiment = serde_json::from_value(two_arms("ways")).unwrap();
    let directory = directory("experiment_observed");
    let server = start_on(&directory, |config| {
        config.mode = Mode::Observe;
        config.experiment = vec![experiment];
    })
    .await;
    for _ in 0..40 {
        for viewer in 0..8 {
            assert_eq!(told(&server, viewer).await, (false, false));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}
