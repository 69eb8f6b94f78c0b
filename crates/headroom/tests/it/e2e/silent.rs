//! A player that reports nothing is still seen, measured and, by its playlist, steered.

use crate::stack::{Headroom, LiveStream, Tool, artifacts, edge_configuration, have};
use serde_json::json;
use std::{net::SocketAddr, process::Command};

#[test]
fn ffmpeg_is_seen_and_its_playlist_is_cut_to_the_cap() {
    if !have(&[Tool::Ffmpeg, Tool::Nginx, Tool::NginxRtmp]) {
        return;
    }
    let directory = artifacts("silent");
    let live = LiveStream::start(&directory);
    let headroom = Headroom::start(&edge_configuration(live.origin()), &directory);
    let [top, _, bottom] = LiveStream::heights();

    assert_eq!(played_heights(headroom.public())[0], top, "an uncapped player is offered everything");
    let sessions = headroom.control_request("GET", "/v1/sessions", &json!(null)).json();
    assert_eq!(sessions["total"], 1, "{sessions}");
    println!("{}", sessions["items"][0]);

    headroom.control_request("PUT", "/v1/overrides", &json!({ "scope": "all", "max_bitrate_kbps": 300 }));
    assert_eq!(played_heights(headroom.public()), [bottom], "a capped player is offered what the cap allows");
    headroom.control_request("DELETE", "/v1/overrides", &json!({ "scope": "all" }));
}

/// Plays five seconds of the live stream and gives the heights that were on offer, highest first.
fn played_heights(edge: SocketAddr) -> Vec<u64> {
    let url = format!("http://{edge}/master.m3u8");
    let played = Command::new("ffmpeg")
        .args([
            "-hide_banner",
            "-loglevel",
            "error",
            "-nostdin",
            "-i",
            &url,
            "-t",
            "5",
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ])
        .output()
        .expect("ffmpeg starts");
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let probed = Command::new("ffprobe")
        .args(["-loglevel", "error", "-select_streams", "v", "-show_entries", "stream=height", "-of", "csv=p=0", &url])
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
