//! `headroom trace` from the outside: files in, files and figures out.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn trace(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headroom")).arg("trace").args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A directory of its own for one test, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("headroom-trace-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn synthetic_traces_are_reproducible_and_stay_labelled() {
    let directory = Directory::new("synth");
    let arguments = ["synth", "--preset", "lte", "--seed", "9", "--duration", "60"];
    let first = text(&trace(&arguments).stdout);
    assert_eq!(first, text(&trace(&arguments).stdout));
    assert!(first.starts_with("# synthetic, not measured: preset lte, seed 9"), "{first}");

    let (made, again) = (directory.path("made.csv"), directory.path("again.csv"));
    std::fs::write(&made, &first).expect("it is writable");
    let output = trace(&["import", &made, "--start", "10", "--length", "20", "-o", &again, "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((said["format"].as_str(), said["duration_s"].as_f64()), (Some("csv"), Some(20.0)));
    let written = std::fs::read_to_string(&again).expect("it was written");
    assert!(written.starts_with("# synthetic, not measured"), "{written}");

    let shown = text(&trace(&["show", &again]).stdout);
    assert!(shown.contains("synthetic, not measured") && shown.contains('█'), "{shown}");
    assert!(!shown.contains('\x1b'), "no colour without a terminal");
}

#[test]
fn foreign_files_become_ours_and_mahimahi() {
    let directory = Directory::new("import");
    let foreign = directory.path("cooked.log");
    std::fs::write(&foreign, "0 1\n10 1.2\n20 2.4\n").expect("it is writable");
    let csv = text(&trace(&["import", &foreign]).stdout);
    assert_eq!(csv, "# imported from cooked.log (pensieve)\nt_s,throughput_kbps\n0,1200\n10,2400\n20,2400\n");
    let mahimahi = text(&trace(&["import", &foreign, "--to", "mahimahi"]).stdout);
    // 1.2 Mbit/s are 100 packets a second, 2.4 are 200.
    assert_eq!((mahimahi.lines().count(), mahimahi.lines().last()), (3000, Some("20000")));

    let many = directory.path("many");
    let output = trace(&["import", &directory.path(""), "-o", &many]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(Path::new(&many).join("cooked.csv").exists());
}

#[test]
fn statistics_and_pictures_come_out() {
    let directory = Directory::new("show");
    let (a, b) = (directory.path("a.csv"), directory.path("b"));
    trace(&["synth", "--preset", "driving", "-o", &a]);
    trace(&["synth", "--preset", "static", "--count", "3", "-o", &b]);
    let lines = text(&trace(&["show", &a, &b, "--json"]).stdout);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((lines[0]["files"].as_u64(), lines[1]["files"].as_u64()), (Some(1), Some(3)));
    assert!(lines.iter().all(|line| line["note"].as_str().is_some_and(|note| note.starts_with("synthetic"))));
    assert!(lines[0]["throughput_kbps"]["p50"].as_f64().is_some_and(|kbps| kbps > 1000.0));
    let table = text(&trace(&["show", "--stats", &a, &b]).stdout);
    assert!(table.contains("autocorrelation 1/2/5/10 s"), "{table}");
    for name in ["picture.svg", "picture.png"] {
        let path = directory.path(name);
        let output = trace(&["show", &a, "--picture", &path]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 3000));
    }
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_written() {
    let directory = Directory::new("errors");
    let (bad, out) = (directory.path("bad.csv"), directory.path("out.csv"));
    std::fs::write(&bad, "t_s,throughput_kbps\n0,5000\n1,fast\n").expect("it is writable");
    let unknown = directory.path("unknown.txt");
    std::fs::write(&unknown, "hello\n").expect("it is writable");
    for (arguments, expected) in [
        (
            vec!["import", bad.as_str(), "-o", &out],
            "bad.csv: line 3: `fast` in column `throughput_kbps` is not a number",
        ),
        (vec!["import", &unknown, "-o", &out], "not a trace format known here"),
        (vec!["import", "/nowhere.csv", "-o", &out], "reading /nowhere.csv"),
        (vec!["import", &bad, "--format", "pcap"], "no trace format is named `pcap`"),
        (vec!["synth", "--preset", "flying"], "no preset is named `flying`"),
        (vec!["synth", "--duration", "0"], "the trace ends at 0 s"),
        (vec!["show", &bad], "line 3"),
    ] {
        let output = trace(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?} says {said}");
    }
    assert!(!Path::new(&out).exists());
}

/// `headroom trace synth | head`: long output, and a reader that goes away at once.
#[test]
fn a_benchmark_says_which_files_of_a_folder_it_skips_and_why() {
    let directory = Directory::new("folder");
    trace(&["synth", "--duration", "310", "-o", &directory.path("good.csv")]);
    std::fs::write(directory.path("bad.csv"), "t_s,throughput_kbps\n0,1000\n1,abc\n").expect("it is writable");
    let folder = directory.path("");
    let output = Command::new(env!("CARGO_BIN_EXE_headroom"))
        .args(["bench", "abr", "--policies", "throughput", "--traces", &folder])
        .output()
        .expect("the binary runs");
    let (said, measured) = (text(&output.stderr), text(&output.stdout));
    assert!(said.contains("bad.csv: line 3: `abc`") && said.contains("skipped"), "{said}");
    assert!(measured.contains("1 windows of 1 traces"), "{measured}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command.args(["trace", "synth", "--duration", "36000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(text(&output.stderr), "");
}
