//! What the tests need from outside: files, Node.js, and whether their absence is an error.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the ban holds for the library; these tests read files and run a reference implementation"
)]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Answers of the reference implementations to `jobs`, in order; `None` when they are not installed.
///
/// # Panics
/// When they are not installed although `CI` or `HEADROOM_STRICT` is set, or when they do not answer.
pub(crate) fn reference_answers(jobs: &[Value]) -> Option<Vec<Value>> {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    if !oracle.join("node_modules").is_dir() {
        let strict = ["CI", "HEADROOM_STRICT"].iter().any(|name| std::env::var_os(name).is_some());
        assert!(!strict, "the reference implementations are not installed: run make setup");
        println!("skipped: run make setup");
        return None;
    }
    let mut child = Command::new("node")
        .arg("oracle.mjs")
        .current_dir(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs where its packages are installed");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = Value::from(jobs.to_vec()).to_string();
    // The reference answers only after the last byte, so writing first cannot block on its output.
    stdin.write_all(input.as_bytes()).expect("the reference reads its jobs");
    drop(stdin);
    let output = child.wait_with_output().expect("the reference ends");
    assert!(output.status.success(), "the reference failed");
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("the reference answers in JSON");
    assert_eq!(answers.len(), jobs.len());
    Some(answers)
}

/// A file of the captures made with real players; `None` when the development data is not there.
pub(crate) fn capture(name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("HEADROOM_SHARED").map_or(PathBuf::from("../shared"), PathBuf::from);
    // A relative path is relative to the root of the repository.
    let file = root.join(shared).join("data/captures").join(name);
    let text = std::fs::read_to_string(file).ok();
    if text.is_none() {
        println!("skipped: {name} is not there; set HEADROOM_SHARED");
    }
    text
}
