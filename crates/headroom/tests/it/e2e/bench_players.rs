//! `headroom bench players`: filler media, links, browsers and the state file, in short.

use crate::{
    link,
    stack::{Tool, artifacts, have, repository},
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

/// What makes it short.
const SHORT: [[&str; 2]; 5] =
    [["--pairs", "1"], ["--seconds", "10"], ["--warm-up", "4"], ["--links", "3"], ["--busy-limit", "1"]];

/// One pair of each player on a steady link; flags in `more` replace those here.
fn bench(directory: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command.current_dir(repository()).args(["bench", "players", "--traces"]).arg(directory.join("steady.csv"));
    command.args(SHORT.iter().filter(|[flag, _]| !more.contains(flag)).flatten());
    command.arg("--state").arg(directory.join("state.jsonl")).arg("--json").args(more);
    command
}

fn write_trace(directory: &Path) {
    std::fs::write(directory.join("steady.csv"), "t_s,throughput_kbps\n0,6000\n11,6000\n13,6000\n")
        .expect("it is writable");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_player_plays_a_pair_and_a_second_run_goes_on_from_the_first() {
    if !have(&[Tool::Browser]) {
        return;
    }
    let Some(_alone) = link::possible() else { return };
    let directory = artifacts("bench-players");
    write_trace(&directory);
    let page = directory.join("report.html");
    let more = ["--html", page.to_str().expect("UTF-8"), "--artifacts", directory.to_str().expect("UTF-8")];
    let first = bench(&directory, &more).output().expect("the binary runs");
    assert!(first.status.success(), "{}", said(&first));
    let result: Value = serde_json::from_slice(&first.stdout).expect("JSON");
    let players = result["players"].as_array().expect("players");
    assert_eq!(players.len(), 3);
    for player in players {
        let name = player["player"].as_str().expect("a name");
        let rate = |arm: &str| player[arm]["bitrate_mbps"].as_f64().expect("a rate");
        println!("{name}: alone {:.2} Mbit/s, with the agent {:.2} Mbit/s", rate("alone"), rate("agent"));
        assert_eq!(player["pairs"], 1, "{name}: {}", said(&first));
        for arm in ["alone", "agent"] {
            assert!((0.4..=20.0).contains(&rate(arm)), "{name} {arm}: {player}");
            // The link carries 6 Mbit/s, and the lowest rung has 0.4.
            let egress = player[arm]["egress_mbps"].as_f64().expect("a rate");
            assert!((0.2..=6.5).contains(&egress), "{name} {arm}: {player}");
        }
    }
    for pair in result["pairs"].as_array().expect("pairs") {
        assert_eq!(pair["alone"]["advice_answers"], 0, "{pair}");
        assert!(pair["agent"]["advice_answers"].as_u64().expect("a count") > 0, "{pair}");
        for arm in ["alone", "agent"] {
            assert_eq!(pair[arm]["errors"].as_array().map(Vec::len), Some(0), "{pair}");
        }
    }
    let html = std::fs::read_to_string(&page).expect("a page was written");
    assert!(html.contains("dash.js with agent") && html.ends_with("</html>\n"));

    let started = Instant::now();
    let again = bench(&directory, &[]).output().expect("the binary runs");
    assert!(started.elapsed() < Duration::from_secs(10), "nothing was left to play");
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).expect("JSON"), result);
    let other = bench(&directory, &["--objective", "sharp"]).output().expect("the binary runs");
    assert_eq!(other.status.code(), Some(2));
    assert!(said(&other).contains("pairs of other settings") && said(&other).contains("--state"), "{}", said(&other));
}

#[test]
fn what_is_missing_or_wrong_is_said_in_one_line() {
    let directory = artifacts("bench-players-wrong");
    write_trace(&directory);
    for (more, path, expected) in [
        (&[][..], "/nowhere", "node is missing: run make setup"),
        (&["--browser", "/nowhere"], "/nowhere", "no play.mjs in /nowhere"),
        (&["--players", "hls,hls"], "/nowhere", "names a player twice"),
        (&["--pairs", "2"], "/nowhere", "have 1 windows of 10 s with a mean of 400 kbit/s or more; --pairs asks for 2"),
        (&["--warm-up", "8"], "/nowhere", "leaves less than 5 s"),
    ] {
        let output = bench(&directory, more).env("PATH", path).output().expect("the binary runs");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{more:?}: {said}");
    }
}
