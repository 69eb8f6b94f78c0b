//! The main job: a live stream through the edge, real players, a cap that they obey.

use crate::stack::{
    Headroom, Kind, LiveStream, Player, Report, Tool, artifacts, edge_configuration, have, unused_port,
};
use serde_json::json;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// From page load to the top rung on a machine that is busy with other things.
const START: Duration = Duration::from_secs(60);
/// The rules of dash.js change nothing, caps included, before they have several throughput samples.
const SETTLED_MS: u64 = 12_000;
/// A forced cap must be on the screen by then: two segments, one tick, and the media a live player holds.
const DOWN: Duration = Duration::from_secs(8);
/// Players climb more carefully than they fall; dash.js alone has been seen to take 33 s on a loaded machine.
const UP: Duration = Duration::from_secs(60);
/// What a viewer would still call live, with two-second segments and players that hold two of them.
const LIVE_LATENCY_S: f64 = 10.0;

#[test]
fn hls_js_with_the_agent_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::Hls);
}

#[test]
fn hls_js_that_asks_before_every_segment_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::HlsAsking);
}

#[test]
fn dash_js_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::Dash);
}

#[test]
fn dash_js_that_asks_before_every_segment_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::DashAsking);
}

#[test]
fn shaka_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::Shaka);
}

#[test]
fn shaka_that_asks_before_every_segment_obeys_a_cap_and_its_release() {
    obeys_a_cap(Kind::ShakaAsking);
}

#[test]
fn players_whose_reports_go_nowhere_play_on_and_do_not_flood_the_network() {
    if !have(&[Tool::Ffmpeg, Tool::Nginx, Tool::NginxRtmp, Tool::Browser]) {
        return;
    }
    let directory = artifacts("nobody-listens");
    let live = LiveStream::start(&directory);
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, unused_port()));
    for kind in [Kind::Hls, Kind::Dash, Kind::Shaka] {
        let mut player = Player::start_apart(kind, live.origin(), nobody, kind.manifest(), &directory);
        player.wait_for("a picture", START, |report| report.frames > 0);
        let first = player.reports().last().map_or(0, |report| report.at_ms);
        player.wait_for("ten more seconds", START, |report| report.at_ms > first + 10_000);
        let reports = player.finish();
        let refused = reports.iter().filter(|report| report.event == "failed" && report.host == nobody.to_string());
        let refused = refused.filter(|report| report.path == "/v1/cmcd").count();
        let seconds = reports.last().map_or(0, |report| report.at_ms) / 1_000;
        println!("{kind:?}: {refused} reports refused in {seconds} s");
        // About one for each segment of video and of audio, one every two seconds, a few at the start. The reporter in
        // hls.js and dash.js by itself repeats every lost report with every new one: hundreds by now.
        assert!((5..10 * seconds).contains(&(refused as u64)), "{kind:?}: {refused} reports in {seconds} s");
    }
}

fn obeys_a_cap(kind: Kind) {
    if !have(&[Tool::Ffmpeg, Tool::Nginx, Tool::NginxRtmp, Tool::Browser]) {
        return;
    }
    let directory = artifacts(&format!("cap-{}", kind.name()));
    let mut live = LiveStream::start(&directory);
    let mut headroom = Headroom::start(&edge_configuration(live.origin()), &directory);
    let [top, _, bottom] = LiveStream::heights();
    let scope = json!({ "session": kind.name() });

    let mut player = Player::start(kind, headroom.public(), kind.manifest(), &directory);
    player.wait_for("the top rung after settling", START, |report| {
        report.event == "sample" && report.height == top && report.at_ms > SETTLED_MS
    });

    headroom.control_request("PUT", "/v1/overrides", &json!({ "scope": scope, "max_bitrate_kbps": 300 }));
    let down = player.wait_for_height(bottom, DOWN);
    let session = headroom.control_request("GET", &format!("/v1/sessions/{}", kind.name()), &json!(null)).json();

    headroom.control_request("DELETE", "/v1/overrides", &json!({ "scope": scope }));
    let up = player.wait_for_height(top, UP);
    println!("{kind:?}: {bottom} lines {down:.1?} after the cap, {top} lines {up:.1?} after its release");

    let reports = player.finish();
    live.assert_running();
    headroom.process().assert_running();
    assert!(session["max_bitrate_kbps"].as_f64().is_some_and(|cap| cap <= 300.0), "{session}");
    assert_nothing_failed(&reports);
    assert_players_and_edge_talked(&reports);
    assert_live(&reports);
    let advised = reports.iter().filter(|report| report.path == "/v1/advice" && report.status == 200).count();
    assert_eq!(advised > 5, kind.asks(), "{advised} answers to questions for advice");
    let screenshot = fs::metadata(directory.join(format!("{}.png", kind.name())));
    assert!(screenshot.is_ok_and(|file| file.len() > 10_000), "no screenshot of a picture");
}

fn assert_nothing_failed(reports: &[Report]) {
    let failed: Vec<_> = reports.iter().filter(|report| report.event == "error").collect();
    assert!(failed.is_empty(), "{failed:?}");
}

fn assert_players_and_edge_talked(reports: &[Report]) {
    let segments: Vec<_> = reports.iter().filter(|report| report.is_segment()).collect();
    assert!(segments.len() > 8, "only {} segments", segments.len());
    let without_cmcd = segments.iter().filter(|report| !report.cmcd).count();
    assert_eq!(without_cmcd, 0, "segment requests without CMCD");
    let with_cmsd = segments.iter().filter(|report| report.cmsd.is_some()).count();
    assert!(with_cmsd * 2 > segments.len(), "{with_cmsd} of {} segments came with CMSD-Dynamic", segments.len());
    let events = reports.iter().filter(|report| report.path == "/v1/cmcd").collect::<Vec<_>>();
    assert!(!events.is_empty(), "no CMCD events");
    assert!(events.iter().all(|report| (200..300).contains(&report.status)), "{events:?}");
}

fn assert_live(reports: &[Report]) {
    let samples: Vec<_> = reports.iter().filter(|report| report.event == "sample" && report.frames > 0).collect();
    let mut latencies: Vec<_> = samples.iter().filter_map(|report| report.latency_s).collect();
    latencies.sort_by(f64::total_cmp);
    let median = latencies[latencies.len() / 2];
    println!("median live latency {median:.1} s");
    assert!(median < LIVE_LATENCY_S, "median live latency {median} s");
    let last = samples.last().expect("there are samples");
    assert!(last.latency_s.is_some_and(|latency| latency < LIVE_LATENCY_S), "{last:?}");
}
