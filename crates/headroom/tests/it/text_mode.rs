//! `headroom text`: the lines a viewer's words lead to, on networks of every kind.

use crate::{
    messages::{headroom, objects},
    stack::{Headroom, artifacts, get, request, wait_until},
};
use expect_test::expect;
use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Output,
    time::Duration,
};

/// Figures of the confidence replaced: they differ in the last digits between processors.
fn without_confidence(output: &Output) -> String {
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let masked = lines.lines().map(|line| match (line.starts_with("Sentiment: "), line.split_once('(')) {
        (true, Some((label, figure))) => {
            let figure = figure.strip_suffix("%)").and_then(|figure| figure.parse::<f64>().ok());
            assert!(figure.is_some_and(|figure| (33.0..=100.0).contains(&figure)), "{line}");
            format!("{label}(…%)\n")
        }
        _ => format!("{line}\n"),
    });
    masked.collect()
}

/// Radio readings of the table: the two of the brief, a good link, one that carries 720p, one that carries next to nothing.
const FIRST: &str = "--radio=-94.21,-12.45,8.32";
const SECOND: &str = "--radio=-88.76,-9.32,15.43";
/// Plays 1080p, with room for 1440p.
const ROOM: &str = "--radio=-94,-12.45,9.05";
const GOOD: &str = "--radio=-80,-8,20";
const MIDDLING: &str = "--radio=-100,-12,3";
const WEAK: &str = "--radio=-125,-19,-12";

/// Network, message, prediction, action.
const GOLDEN: &[(&str, &str, &str, &str)] = &[
    (FIRST, "The stream keeps buffering every few minutes", "Needs Adjustment", "Lower bitrate (720p)"),
    (SECOND, "Video quality looks great today!", "High Quality", "Maintain HD (1080p+)"),
    (GOOD, "it keeps buffering", "Needs Adjustment", "Lower bitrate (1440p)"),
    (ROOM, "so blurry", "Needs Adjustment", "Raise bitrate (1440p)"),
    (GOOD, "so blurry", "Needs Adjustment", "Maintain HD (1080p+); Alert broadcaster (picture)"),
    (MIDDLING, "so blurry", "Needs Adjustment", "Maintain bitrate (720p); the link carries no more"),
    (GOOD, "audio is out of sync", "Needs Adjustment", "Maintain HD (1080p+); Alert broadcaster (audio)"),
    (MIDDLING, "black screen", "Needs Adjustment", "Maintain bitrate (720p); Alert broadcaster (availability)"),
    (GOOD, "the delay is huge", "Needs Adjustment", "Lower latency (4.8 s)"),
    (GOOD, "nice play", "High Quality", "Maintain HD (1080p+)"),
    (WEAK, "nice play", "Needs Adjustment", "Maintain bitrate (240p); Buffer more (6.3 s)"),
    (GOOD, "720p please", "High Quality", "Set quality (720p)"),
    (GOOD, "status", "High Quality", "Report status (2160p at 20.0 Mbit/s, link 39.0 Mbit/s, stall risk 1 %)"),
];

#[test]
fn every_message_has_its_lines() {
    for &(network, message, qoe, action) in GOLDEN {
        let output = headroom(&["text", message, network], b"");
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = |name: &str| lines.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        let found = (line("QoE Prediction: "), line("Action: "));
        assert_eq!((found.0.as_str(), found.1.as_str()), (qoe, action), "{message} {network}\n{lines}");
        let reason = line("Reason: ");
        assert!(!reason.is_empty(), "{lines}");
        assert!(
            !action.starts_with("Maintain") || !reason.contains("higher rung"),
            "kept, with a reason to climb: {lines}"
        );
    }
}

#[test]
fn the_brief_gets_its_exact_lines() {
    let output = headroom(&["text", "The stream keeps buffering every few minutes", FIRST], b"");
    expect![[r#"
        Network: {'RSRP': -94.21, 'RSRQ': -12.45, 'SNR': 8.32}
        Feedback (text): The stream keeps buffering every few minutes
        QoE Prediction: Needs Adjustment
        Sentiment: NEGATIVE (…%)
        Action: Lower bitrate (720p)
        Source: radio as given, throughput estimated from RSRQ and SNR
        Reason: the viewer reports buffering at 1080p; so it goes down to 720p
    "#]]
    .assert_eq(&without_confidence(&output));
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn every_line_of_a_pipe_is_answered_and_a_command_stays() {
    let output = headroom(&["text", GOOD], "set quality to 480p\n\nwow great picture\n".as_bytes());
    expect![[r#"
        Network: {'RSRP': -80.00, 'RSRQ': -8.00, 'SNR': 20.00}
        Feedback (text): set quality to 480p
        QoE Prediction: High Quality
        Sentiment: NEUTRAL (…%)
        Action: Set quality (480p)
        Source: radio as given, throughput estimated from RSRQ and SNR
        Reason: the viewer asks for 480p
        Confirmation: Quality set to 480p.
        Network: {'RSRP': -80.00, 'RSRQ': -8.00, 'SNR': 20.00}
        Feedback (text): wow great picture
        QoE Prediction: High Quality
        Sentiment: POSITIVE (…%)
        Action: Maintain bitrate (480p)
        Source: radio as given, throughput estimated from RSRQ and SNR
        Reason: set by an operator or the viewer
    "#]]
    .assert_eq(&without_confidence(&output));
}

#[test]
fn reason_and_action_of_the_object_agree() {
    let found = objects(&headroom(&["text", "--json", "it keeps buffering", FIRST], b""));
    assert_eq!((&found[0]["qoe"], &found[0]["action"]), (&"Needs Adjustment".into(), &"Lower bitrate (720p)".into()));
    assert_eq!(found[0]["reason"], "the viewer reports buffering at 1080p; so it goes down to 720p");
}

#[test]
fn a_live_session_is_answered_for() {
    let directory = artifacts("text-session");
    let headroom_server = Headroom::start(&toml::Table::new(), &directory);
    let control = headroom_server.control();
    wait_until("the session has a forecast", Duration::from_secs(20), || {
        let record = b"sid=\"demo\",cid=\"demo\",sf=h,ot=v,st=l,bl=4000,br=3000,mtp=9000,d=2000";
        let answer = request(headroom_server.public(), "POST", "/v1/cmcd", &[], record).expect("it answers");
        assert_eq!(answer.status, 204);
        let session = get(control, "/v1/sessions/demo").expect("it answers");
        serde_json::from_slice::<serde_json::Value>(&session.body)
            .is_ok_and(|session| session["forecast_kbps"].is_array())
    });
    let url = format!("http://{control}/v1/sessions/demo");
    let output = headroom(&["text", "--json", "--session", &url, "it keeps buffering"], b"");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""));
    let found = objects(&output);
    // The player said 3 Mbit/s, which is 720p of the usual ladder.
    assert_eq!((&found[0]["qoe"], &found[0]["action"]), (&"Needs Adjustment".into(), &"Lower bitrate (480p)".into()));
    assert_eq!(found[0]["network"]["source"], format!("session {url}"));

    for url in [format!("http://{control}/v1/sessions/nobody"), "http://127.0.0.1:9/v1/sessions/x".into()] {
        let output = headroom(&["text", "--session", &url, "hi"], b"");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((error.lines().count(), output.status.code()), (1, Some(2)), "{error}");
        assert!(error.contains(&url), "{error}");
    }
}

/// The rungs are those of the session's own stream where the server knows them.
#[test]
fn a_live_session_has_the_ladder_of_its_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        let session = r#"{"stream":"00ab","forecast_kbps":[8000,9000,9900],"playing_kbps":2480,"buffer_length_ms":5000,
            "live_latency_ms":8000}"#;
        let streams = r#"{"total":1,"offset":0,"items":[{"stream":"00ab","ladder":[
            {"bitrate_kbps":600,"width":640,"height":360,"frame_rate":30},
            {"bitrate_kbps":2500,"width":960,"height":540,"frame_rate":30},
            {"bitrate_kbps":5500,"width":1280,"height":720,"frame_rate":30}]}]}"#;
        for connection in listener.incoming() {
            let mut connection = connection.expect("it connects");
            let mut bytes = [0; 4096];
            let read = connection.read(&mut bytes).expect("it asks");
            let body = if String::from_utf8_lossy(&bytes[..read]).contains("/v1/streams") { streams } else { session };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            connection.write_all((head + body).as_bytes()).expect("it listens");
        }
    });
    let url = format!("http://{address}/v1/sessions/demo");
    for (message, action) in [
        ("it keeps buffering", "Lower bitrate (360p)"),
        ("so blurry", "Raise bitrate (720p)"),
        ("the delay is huge", "Lower latency (7.7 s)"),
    ] {
        let found = objects(&headroom(&["text", "--json", "--session", &url, message], b""));
        assert_eq!(found[0]["action"], action, "{}", found[0]);
    }
}
