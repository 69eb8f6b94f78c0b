//! A real encoder that is too slow for the wall clock, reported by `deploy/ingest/ffmpeg-progress.sh` as it stands.

use crate::stack::{Headroom, Process, Tool, artifacts, get, have, program, repository, wait_until};
use serde_json::Value;
use std::{fs, path::Path, process::Command, time::Duration};

/// The default rules page from 300 ms a minute on, after half a minute; here fractions of a second at the start count, too.
const RULES: &str = "[[rule]]
name = \"drift\"
signal = \"encoder_drift_rate\"
above = 3000.0
clear = 100.0
for_s = 0
hold_s = 60
predict_s = 0
min_sessions = 0
severity = \"page\"
summary = \"a test\"
";

/// What a player fetches first: it gives the stream its name.
const MANIFEST: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=200000,RESOLUTION=160x90\nlow.m3u8\n";

#[test]
fn an_encoder_slower_than_the_clock_is_told_from_one_in_time() {
    if !have(&[Tool::Ffmpeg]) || program("curl").is_none() {
        return;
    }
    let directory = artifacts("drift");
    fs::write(directory.join("rules.toml"), RULES).expect("the artefact directory is writable");
    for stream in ["steady", "slow"] {
        let folder = directory.join("www").join(stream);
        fs::create_dir_all(&folder).expect("the artefact directory is writable");
        fs::write(folder.join("main.m3u8"), MANIFEST).expect("the artefact directory is writable");
    }
    let configuration = format!(
        "tick_ms = 1000\nshards = 4\n[edge]\norigin = 'dir:{directory}/www'\n[alerts]\nrules = '{directory}/rules.toml'\n",
        directory = directory.display()
    );
    let headroom = Headroom::start(&configuration.parse().expect("it is TOML"), &directory);
    let _steady = publish(&headroom, "steady", "1.0", &directory);
    for stream in ["steady", "slow"] {
        let played = get(headroom.public(), &format!("/{stream}/main.m3u8")).expect("it answers");
        assert_eq!(played.status, 200);
    }
    // A second of media takes 1.11 s: six seconds behind after a minute.
    let _slow = publish(&headroom, "slow", "0.9", &directory);
    let mut alerts = Value::Null;
    wait_until("the drift is noticed", Duration::from_secs(90), || {
        let answer = get(headroom.control(), "/v1/alerts").expect("it answers");
        alerts = serde_json::from_slice(&answer.body).expect("it is JSON");
        alerts["total"] != 0
    });
    let [alert] = &alerts["items"].as_array().expect("a list")[..] else { panic!("one of two drifts: {alerts}") };
    assert_eq!(alert["subject"], "stream=slow", "an alert about the name that the manifest has: {alert}");
    let evidence = alert["evidence"].as_str().expect("it says why");
    println!("{evidence}");
    assert!((3_000.0..9_000.0).contains(&alert["value"].as_f64().expect("a number")), "{alert}");
    assert!(evidence.contains("ms behind the wall clock") && evidence.contains("falling behind by"), "{evidence}");
}

/// ffmpeg that makes media at a share of the wall clock's speed, and the script that reports it.
fn publish(headroom: &Headroom, stream: &str, speed: &str, directory: &Path) -> [Process; 2] {
    let progress = directory.join(format!("{stream}.progress"));
    let made = Command::new("mkfifo").arg(&progress).status().expect("mkfifo is there");
    assert!(made.success(), "no pipe");
    let mut script = Command::new("sh");
    // The redirection waits for ffmpeg to open the other end.
    script.args(["-c", r#"exec "$0" "$1" "$2" < "$3""#]).arg(repository().join("deploy/ingest/ffmpeg-progress.sh"));
    script.arg(format!("http://{}", headroom.public())).arg(stream).arg(&progress);
    let script = Process::spawn(&mut script, &format!("{stream}-progress"), directory);
    let mut ffmpeg = Command::new(program("ffmpeg").expect("ffmpeg is there"));
    ffmpeg.args("-hide_banner -loglevel warning -nostdin -nostats -y -readrate".split(' ')).arg(speed);
    ffmpeg.args("-f lavfi -i testsrc2=s=160x90:r=25 -c:v libx264 -preset ultrafast -b:v 200k".split(' '));
    ffmpeg.arg("-progress").arg(&progress).args(["-f", "flv", "/dev/null"]);
    [script, Process::spawn(&mut ffmpeg, stream, directory)]
}
