//! `headroom voice` and `headroom models` as a user runs them. Tests that need weights or recordings say `skipped: ...`
//! where they are missing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod microphone;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn headroom() -> Command {
    Command::new(env!("CARGO_BIN_EXE_headroom"))
}

/// A recording of the development data, if it and the weights are there.
fn recording(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("HEADROOM_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = shared.join("data/audio").join(name);
    if !path.exists() {
        println!("skipped: no recording {}", path.display());
        return None;
    }
    if !headroom().args(["models", "verify", "tiny.en"]).output().unwrap().status.success() {
        println!("skipped: no weights; fetch them with `headroom models pull tiny.en`");
        return None;
    }
    Some(path)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output, standard error, exit code.
fn parts(output: &Output) -> (String, String, Option<i32>) {
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

const GO_FORWARD: &str = "Listening... (Press Ctrl+C to stop)\nAudio captured: \"Go forward 10 meters.\"\n";

/// The words, then what follows from them, line by line, and the source of the network.
fn assert_goes_forward(output: &Output) {
    let (out, error, code) = parts(output);
    assert_eq!((error.as_str(), code), ("", Some(0)));
    let follows = out.strip_prefix(GO_FORWARD).unwrap_or_else(|| panic!("{out}"));
    let starts =
        ["Network: {'RSRP': ", "QoE Prediction: ", "Sentiment: ", "Action: ", "Source: synthetic, seed 7", "Reason: "];
    let lines: Vec<&str> = follows.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{follows}");
    for (line, start) in lines.iter().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
}

#[test]
fn a_sound_file_gives_the_contract_lines() {
    let Some(path) = recording("goforward.wav") else { return };
    assert_goes_forward(&headroom().args(["voice", "--wav"]).arg(&path).output().unwrap());
}

#[test]
fn json_is_one_object_an_utterance() {
    let Some(path) = recording("goforward.wav") else { return };
    let output = headroom().args(["voice", "--json", "--wav"]).arg(&path).output().unwrap();
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["feedback"], &lines[0]["origin"]), (&"Go forward 10 meters.".into(), &"voice".into()));
    assert!(lines[0]["speech"]["latency_s"].as_f64().unwrap() > 0.0);
    for key in ["network", "qoe", "risk", "sentiment", "aspects", "command", "action", "reason"] {
        assert!(lines[0].get(key).is_some(), "{key}");
    }
}

#[test]
fn raw_samples_on_standard_input_give_the_same_words() {
    let Some(path) = recording("goforward.wav") else { return };
    let mut child = headroom().args(["voice", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // The recordings are 16 kHz, 16 bit, mono, with a header of 44 bytes.
    child.stdin.take().unwrap().write_all(&std::fs::read(path).unwrap()[44..]).unwrap();
    assert_goes_forward(&child.wait_with_output().unwrap());
}

#[test]
fn words_so_far_are_shown_while_somebody_speaks() {
    let Some(path) = recording("jfk.wav") else { return };
    let samples = std::fs::read(&path).unwrap().split_off(44);
    let arguments = ["voice", "--stdin", "--json", "--partial"];
    let mut child = headroom().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Eleven seconds of speech at twice its pace: 16 kHz of 16 bit.
    for tenth in samples.chunks(3_200) {
        stdin.write_all(tenth).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(stdin);
    let output = text(&child.wait_with_output().unwrap().stdout);
    let lines: Vec<serde_json::Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (partial, whole): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.get("partial").is_some());
    assert!(lines[0].get("partial").is_some_and(|words| !words.as_str().unwrap().is_empty()), "{output}");
    assert!(partial.iter().all(|line| line.as_object().unwrap().len() == 1), "{output}");
    let said: String = whole.iter().map(|line| line["feedback"].as_str().unwrap().to_lowercase() + " ").collect();
    assert!(said.contains("my fellow americans") && said.contains("your country can do for you"), "{said}");
}

#[test]
fn ctrl_c_ends_cleanly() {
    let Some(_) = recording("goforward.wav") else { return };
    let mut child = headroom().args(["voice", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 36];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"Listening... (Press Ctrl+C to stop)\n");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    for _ in 0..200 {
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0));
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    panic!("still running ten seconds after Ctrl+C");
}

#[test]
fn missing_weights_name_the_command_that_fetches_them() {
    let empty = std::env::temp_dir().join(format!("headroom-no-models-{}", std::process::id()));
    let run = |arguments: &[&str]| headroom().args(arguments).env("HEADROOM_MODELS", &empty).output().unwrap();
    let (out, error, code) = parts(&run(&["voice", "--wav", "any.wav"]));
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert_eq!(error, "headroom: the model tiny.en is not there; fetch it once with `headroom models pull tiny.en`\n");
    let (out, _, code) = parts(&run(&["models", "list"]));
    assert!(code == Some(0) && out.starts_with("tiny.en  absent"), "{out}");
    let (_, error, code) = parts(&run(&["models", "pull", "huge"]));
    assert_eq!((error.as_str(), code), ("headroom: no model named \"huge\"; there are: tiny.en, base\n", Some(2)));
    let (_, error, code) = parts(&run(&["models", "verify"]));
    assert!(code == Some(2) && error.contains("`headroom models pull`"), "{error}");
}

#[test]
fn damaged_weights_are_not_loaded() {
    let directory = std::env::temp_dir().join(format!("headroom-bad-models-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("ggml-tiny.en.bin"), b"lmgg, and then nothing").unwrap();
    let output = headroom().args(["voice", "--wav", "any.wav"]).env("HEADROOM_MODELS", &directory).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let (_, error, code) = parts(&output);
    assert!(code == Some(2) && error.contains("models pull tiny.en` --force"), "{error}");
}

#[test]
fn a_file_that_is_no_sound_is_one_line_and_exit_code_two() {
    let Some(_) = recording("goforward.wav") else { return };
    let output = headroom().args(["voice", "--wav", env!("CARGO_MANIFEST_PATH")]).output().unwrap();
    let (out, error, code) = parts(&output);
    assert_eq!((out.as_str(), code, error.lines().count()), ("", Some(2), 1), "{error}");
    assert!(error.contains("not a readable WAV, FLAC, Ogg or WebM file"), "{error}");
}
