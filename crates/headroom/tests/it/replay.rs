//! The engine of the player agent (`agent/wasm`) and this one are the same.

use super::stack::repository;
use std::process::Command;

/// `npm test` in `agent/` holds the module to the same two files.
#[test]
fn the_log_that_the_page_replays_gives_the_same_decisions_here() {
    let replay = repository().join("agent/test/replay");
    let output = Command::new(env!("CARGO_BIN_EXE_headroom"))
        .arg("replay")
        .arg(replay.join("inputs.jsonl"))
        .output()
        .expect("the binary runs");
    let decisions = std::fs::read_to_string(replay.join("decisions.jsonl")).expect("decisions.jsonl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    let differs = told.lines().zip(decisions.lines()).find(|(here, there)| here != there);
    assert_eq!(differs, None, "the engine has changed: run `npm run build:wasm` in agent/");
    assert_eq!(told.lines().count(), decisions.lines().count());
}
