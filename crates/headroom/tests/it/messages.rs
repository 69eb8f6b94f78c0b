//! `headroom classify` and `headroom text` from the outside, with the models of the repository.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

pub(crate) fn headroom(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_headroom"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("it was written");
    output
}

pub(crate) fn objects(output: &Output) -> Vec<Value> {
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn classify_keeps_order_and_keys() {
    let output =
        headroom(&["classify", "-", "--json"], "id\tsentiment\ttext\n7\tx\tno sound\n8\ty\tset 720p\n".as_bytes());
    let found = objects(&output);
    assert_eq!((found.len(), output.status.code()), (2, Some(0)));
    assert_eq!(
        (&found[0]["id"], &found[0]["given_sentiment"], &found[0]["text"]),
        (&"7".into(), &"x".into(), &"no sound".into())
    );
    assert_eq!((&found[0]["sentiment"], &found[0]["aspects"][0]), (&"negative".into(), &"audio".into()));
    assert_eq!(found[1]["command"], "set_quality=720p");
    let keys = ["aspects", "command", "confidence", "language", "probabilities", "sentiment", "text"];
    assert!(keys.iter().all(|key| found[1].get(key).is_some()), "{}", found[1]);
}

#[test]
fn classify_reports_a_broken_line_and_goes_on() {
    let output = headroom(&["classify", "-"], b"{\"text\":\"one\"}\n{\"text\":\n{\"text\":\"three\"}\n");
    let texts: Vec<_> = objects(&output).into_iter().map(|object| object["text"].clone()).collect();
    assert_eq!(texts, ["one", "three"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.starts_with("headroom: line 2: no JSON: "), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn classify_survives_strange_input() {
    let mut input: Vec<u8> = vec![b'a'; 1 << 20];
    input.extend_from_slice(b"\n\n\xff\xfe\xfd\n\0\x01\x1b[31m\n");
    input.extend_from_slice("\u{200b}\u{202e}gnireffub\u{202c}\n".as_bytes());
    input.extend_from_slice("KEKW ".repeat(10_000).as_bytes());
    let output = headroom(&["classify", "-", "--format", "plain"], &input);
    let found = objects(&output);
    assert_eq!((found.len(), output.status.code()), (6, Some(0)));
    assert_eq!(found[1]["sentiment"], "neutral");
}

#[test]
fn a_missing_file_or_folder_is_one_line() {
    for arguments in [&["classify", "nowhere.txt"][..], &["classify", "-", "--models", "nowhere"]] {
        let output = headroom(arguments, b"");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((error.lines().count(), output.status.code()), (1, Some(2)), "{error}");
        assert!(error.contains("nowhere"), "{error}");
    }
}

#[test]
fn text_has_the_agreed_keys() {
    let found = objects(&headroom(&["text", "--json", "no sound"], b""));
    let keys = ["network", "feedback", "origin", "qoe", "risk", "sentiment", "aspects", "command", "action", "reason"];
    assert!(keys.iter().all(|key| found[0].get(key).is_some()), "{}", found[0]);
    assert_eq!((&found[0]["sentiment"]["label"], &found[0]["origin"]), (&"negative".into(), &"text".into()));
    assert_eq!(found[0]["network"]["source"], "synthetic, seed 7");
    for key in ["rsrp", "rsrq", "snr"] {
        assert!(found[0]["network"][key].is_f64(), "{}", found[0]);
    }
    let refused = headroom(&["text", "hi", "--radio", "1,2,3"], b"");
    assert_eq!(refused.status.code(), Some(2));
}
