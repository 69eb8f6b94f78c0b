//! Disks that are full, read-only or locked, and clocks that jump: announced, survived, and nothing to a decision.

use crate::stack::{Headroom, Process, Tool, artifacts, get, have, wait_until};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Longest wait for the server to notice something: its writers try again within half a minute.
const NOTICED: Duration = Duration::from_secs(60);

/// A file system of eight mebibytes in memory.
struct Small {
    place: PathBuf,
}

impl Small {
    /// `None`, and said so, where mounting is not allowed.
    fn mount(directory: &Path) -> Option<Self> {
        let place = directory.join("small");
        fs::create_dir_all(&place).expect("the artefact directory is writable");
        let mounted = rustix::process::geteuid().is_root()
            && mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs", &place.display().to_string()]);
        if !mounted {
            assert!(std::env::var_os("HEADROOM_STRICT").is_none(), "root may not mount here");
            println!("skipped: mounting needs root");
        }
        mounted.then_some(Self { place })
    }

    fn remount(&self, mode: &str) {
        assert!(mount(&["-o", &format!("remount,{mode}"), &self.place.display().to_string()]));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: whoever still holds a file of it is about to be killed.
        let _ = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
}

/// A server that keeps a history and an archive of everything.
fn keeping(data: &Path, directory: &Path, environment: &[(&str, &str)]) -> Headroom {
    let configuration = format!(
        "tick_ms = 1000\nshards = 4\n[history]\ndirectory = '{data}'\n[history.archive]\nlocation = '{data}/archive'\n\
         session_share = 1.0\nsegment_s = 1\n",
        data = data.display()
    );
    Headroom::start_with(&configuration.parse().expect("valid TOML"), directory, environment)
}

/// Lets ten viewers report; each must be answered at once, with a decision once there is one.
#[track_caller]
fn play(headroom: &Headroom) -> usize {
    let mut decided = 0;
    for viewer in 0..10 {
        let target = format!(
            "/decide?CMCD=bl%3D4000%2Cbr%3D3000%2Ccid%3D%22s%22%2Cd%3D2000%2Cmtp%3D9000%2Cot%3Dv%2Csf%3Dh%2Csid%3D%22v{viewer}%22"
        );
        let answer = get(headroom.public(), &target).expect("the server answers");
        assert_eq!(answer.status, 204);
        assert!(answer.took < Duration::from_secs(2), "a decision waited {:?}", answer.took);
        decided += usize::from(answer.header("cmsd-dynamic").is_some_and(|value| value.contains("mb=")));
    }
    decided
}

fn ready(headroom: &Headroom) -> String {
    let answer = get(headroom.control(), "/readyz").expect("the server answers");
    assert_eq!(answer.status, 200, "trouble with the history is no reason to turn players away");
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn metric(headroom: &Headroom, name: &str) -> f64 {
    let answer = get(headroom.control(), "/metrics").expect("the server answers");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or_else(|| panic!("no metric {name}"))
}

/// Something to write at once: an operator's action.
fn act(headroom: &Headroom) {
    headroom.control_request(
        "PUT",
        "/v1/overrides",
        &serde_json::json!({"scope": "all", "max_bitrate_kbps": 9000, "for_s": 1}),
    );
}

/// Waits for trouble to be announced, with viewers playing on and being decided for.
#[track_caller]
fn announced(headroom: &Headroom, what: &str) -> String {
    let mut text = String::new();
    wait_until(&format!("{what} is announced"), NOTICED, || {
        play(headroom);
        text = ready(headroom);
        text.contains("degraded")
    });
    let before = metric(headroom, "headroom_engine_ticks_total");
    wait_until("decisions go on", NOTICED, || {
        play(headroom) == 10 && metric(headroom, "headroom_engine_ticks_total") > before + 8.0
    });
    text
}

#[track_caller]
fn recovered(headroom: &Headroom) {
    wait_until("the recovery", NOTICED, || {
        play(headroom);
        ready(headroom) == "ready\n"
    });
    let archived = metric(headroom, "headroom_archive_rows_total");
    wait_until("the archive is written again", NOTICED, || {
        play(headroom);
        metric(headroom, "headroom_archive_rows_total") > archived
    });
}

#[test]
fn a_full_disk_costs_history_and_no_decision() {
    let directory = artifacts("disk-full");
    let Some(small) = Small::mount(&directory) else { return };
    let headroom = keeping(&small.place, &directory, &[]);
    wait_until("the first decisions", NOTICED, || play(&headroom) == 10);
    let filler = small.place.join("filler");
    let outcome = fs::write(&filler, vec![0; 16 * 1024 * 1024]);
    assert_eq!(outcome.expect_err("it is smaller").kind(), std::io::ErrorKind::StorageFull);
    act(&headroom);
    let text = announced(&headroom, "the full disk");
    assert!(text.contains("full") || text.contains("No space"), "{text}");
    fs::remove_file(filler).expect("it is there");
    recovered(&headroom);
    drop(headroom);
}

#[test]
fn a_read_only_disk_costs_history_and_no_decision() {
    let directory = artifacts("disk-read-only");
    let Some(small) = Small::mount(&directory) else { return };
    small.remount("ro");
    let headroom = keeping(&small.place, &directory, &[]);
    let text = announced(&headroom, "the read-only disk");
    assert!(text.contains("history cannot be written"), "{text}");
    small.remount("rw");
    act(&headroom);
    recovered(&headroom);
    drop(headroom);
}

#[test]
fn a_locked_database_delays_history_and_no_decision() {
    let directory = artifacts("disk-locked");
    let headroom = keeping(&directory.join("data"), &directory, &[]);
    let database = directory.join("data/history.sqlite");
    wait_until("the database", NOTICED, || database.exists());
    let hold = "import sqlite3, sys\n\
                held = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                held.execute('BEGIN IMMEDIATE')\n\
                print('held', flush=True)\n\
                sys.stdin.read()";
    let mut python = Command::new("python3");
    python.args(["-c", hold]).arg(&database);
    let (mut holder, lines) = Process::spawn_with_lines(&mut python, "holder", &directory);
    assert_eq!(lines.recv_timeout(NOTICED).as_deref(), Ok("held"));
    act(&headroom);
    let text = announced(&headroom, "the lock");
    assert!(text.contains("locked"), "{text}");
    holder.finish(NOTICED);
    recovered(&headroom);
    assert_eq!(metric(&headroom, "headroom_history_lost_total"), 0.0);
    assert!(metric(&headroom, "headroom_history_written_total") >= 2.0);
}

/// Seconds since the epoch by the name of the newest file of the archive: what the server took for the time.
fn newest_file(directory: &Path) -> Option<u64> {
    let mut newest = None;
    let Ok(entries) = fs::read_dir(directory) else { return None };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let found = if path.is_dir() {
            newest_file(&path)
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.split('-').next().and_then(|millis| millis.parse::<u64>().ok()).map(|millis| millis / 1_000)
        };
        newest = newest.max(found);
    }
    newest
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    if !have(&[Tool::Faketime]) {
        return;
    }
    let directory = artifacts("clock");
    let offset = directory.join("offset");
    fs::write(&offset, "+0").expect("the artefact directory is writable");
    let library = crate::stack::faketime_library().expect("the tool is there").display().to_string();
    let file = offset.display().to_string();
    let environment = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", file.as_str()),
        ("FAKETIME_NO_CACHE", "1"),
        // An operator or NTP sets the wall clock; the monotonic clock stays as it is.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let data = directory.join("data");
    let headroom = keeping(&data, &directory, &environment);
    wait_until("the first decisions", NOTICED, || play(&headroom) == 10);
    for (step, seconds) in [("+3600", 3_600_i64), ("-3600", -3_600)] {
        fs::write(&offset, step).expect("the artefact directory is writable");
        let began = metric(&headroom, "headroom_engine_ticks_total");
        let mut jumped = false;
        wait_until("the server sees the other time", NOTICED, || {
            play(&headroom);
            let real = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64;
            // The newest name stays an hour ahead after a step back: only forward can it be seen by its name.
            jumped |= newest_file(&data.join("archive")).is_some_and(|newest| newest as i64 > real + 3_000);
            jumped && metric(&headroom, "headroom_engine_ticks_total") >= began + 12.0
        });
        assert_eq!(play(&headroom), 10, "after {seconds} s everybody is still decided for");
        assert_eq!(ready(&headroom), "ready\n");
        assert_eq!(metric(&headroom, "headroom_sessions"), 10.0);
        assert_eq!(metric(&headroom, "headroom_sessions_expired_total"), 0.0);
        assert_eq!(metric(&headroom, "headroom_engine_redated_total"), 0.0);
    }
    act(&headroom);
    wait_until("the action is kept", NOTICED, || metric(&headroom, "headroom_history_written_total") >= 2.0);
    drop(headroom);
    // Started an hour in the past beside a history of the present: nothing is deleted, and more is kept.
    let again = keeping(&data, &directory, &environment);
    let actions = || {
        let audit = again.control_request("GET", "/v1/audit", &serde_json::Value::Null).json();
        audit["items"].as_array().expect("a list").iter().filter(|action| action["method"] == "PUT").count()
    };
    assert_eq!(actions(), 1);
    act(&again);
    wait_until("another action is kept", NOTICED, || actions() == 2);
}
