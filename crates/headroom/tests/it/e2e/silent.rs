//! A player that reports nothing is still seen, measured and, by its playlist, steered.

use crate::stack::{Headroom, LiveStream, Process, Tool, artifacts, edge_configuration, have, wait_until};
use serde_json::{Value, json};
use std::{net::SocketAddr, process::Command, time::Duration};

#[test]
fn ffmpeg_is_measured_and_its_playlist_is_cut_to_the_cap() {
    if !have(&[Tool::Ffmpeg, Tool::Nginx, Tool::NginxRtmp]) {
        return;
    }
    let directory = artifacts("silent");
    let live = LiveStream::start(&directory);
    let headroom = Headroom::start(&edge_configuration(live.origin()), &directory);
    let [top, middle, bottom] = LiveStream::heights();

    let mut playing = Command::new("ffmpeg");
    playing.args("-hide_banner -loglevel warning -nostdin -re -i".split(' ')).arg(master(headroom.public()));
    playing.args("-c copy -f null -".split(' '));
    let mut player = Process::spawn(&mut playing, "player", &directory);
    let mut session = Value::Null;
    wait_until("the server has measured its throughput", Duration::from_secs(30), || {
        player.assert_running();
        let sessions = headroom.control_request("GET", "/v1/sessions", &json!(null)).json();
        session = sessions["items"][0].clone();
        sessions["total"] == 1 && session["forecast_kbps"].is_array()
    });
    println!("{session}");
    assert_eq!(offered_heights(headroom.public()), [top, middle, bottom], "a healthy player is offered everything");

    headroom.control_request("PUT", "/v1/overrides", &json!({ "scope": "all", "max_bitrate_kbps": 300 }));
    assert_eq!(offered_heights(headroom.public()), [bottom], "a capped player is offered what the cap allows");
    headroom.control_request("DELETE", "/v1/overrides", &json!({ "scope": "all" }));
    player.assert_running();
}

fn master(edge: SocketAddr) -> String {
    format!("http://{edge}/master.m3u8")
}

/// Heights ffmpeg finds when it starts now, highest first. ffprobe introduces itself as ffmpeg does: one session.
fn offered_heights(edge: SocketAddr) -> Vec<u64> {
    let probed = Command::new("ffprobe")
        .args("-loglevel error -select_streams v -show_entries stream=height -of csv=p=0".split(' '))
        .arg(master(edge))
        .output()
        .expect("ffprobe starts");
    assert!(probed.status.success(), "{}", String::from_utf8_lossy(&probed.stderr));
    let text = String::from_utf8_lossy(&probed.stdout);
    // With programs ffprobe names a stream once for each; a height may come twice.
    let mut heights: Vec<u64> = text.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect();
    heights.sort_unstable_by(|a, b| b.cmp(a));
    heights.dedup();
    heights
}
