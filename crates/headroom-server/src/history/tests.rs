//! A disk that fails in every way must cost history, never decisions.

use super::{archive::ArchiveMetrics, metrics::HistoryMetrics, store::FILE, *};
use crate::{network::Networks, places::Places};
use headroom_cluster::rollup::{Cell, Key, Rollup};
use headroom_core::telemetry::StreamId;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("headroom-history-{}-{name}", std::process::id()));
    // Left behind by an earlier run that was killed.
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn history(directory: &Path, change: impl FnOnce(&mut Settings)) -> History {
    let mut settings = Settings { directory: directory.to_owned(), ..Settings::default() };
    change(&mut settings);
    History::start(&settings, places(), Arc::default(), HistoryMetrics::default(), ArchiveMetrics::default()).unwrap()
}

fn places() -> Arc<Places> {
    Arc::new(Places::new("edge".into(), Vec::new(), Networks::default()))
}

/// A minute of `streams` streams, 100 s watched in each and 1 s stalled.
fn minute(at_s: u64, streams: u64) -> Entry {
    let mut rollup = Rollup { rounds: 6, ..Rollup::default() };
    for stream in 1..=streams {
        let mut cell =
            Cell { observations: 60, watched_ms: 100_000, stalled_ms: 1_000, played_kbit: 6e5, ..Cell::default() };
        (1..=60).for_each(|value| cell.throughput.add(f64::from(value) * 100.0));
        rollup.cells.insert(Key { stream: StreamId(stream), rung_kbps: 3_000, ..Key::default() }, cell);
    }
    Entry::Minute { at_s, rollup }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn all(path: &Path) -> Vec<SeriesPoint> {
    let asked = SeriesQuery { streams: vec![], from_s: 0, to_s: 60_000, step_s: 60, by: GroupBy::Nothing };
    series(path, &asked).unwrap()
}

#[test]
fn minutes_merge_over_streams_and_time() {
    let directory = directory("merge");
    let kept = history(&directory, |_| {});
    [60, 120, 180].into_iter().for_each(|at_s| kept.keep(minute(at_s, 2)));
    kept.close();
    let points = all(kept.path());
    assert_eq!(points.len(), 3);
    assert_eq!((points[0].at_s, points[0].sessions, points[0].watched_s), (60, 20.0, 200.0));
    assert_eq!((points[0].stall_ratio, points[0].egress_kbps), (Some(0.01), 20_000.0));
    let asked = SeriesQuery { streams: vec![StreamId(2)], from_s: 0, to_s: 240, step_s: 240, by: GroupBy::Rung };
    let points = series(kept.path(), &asked).unwrap();
    assert_eq!((points.len(), points[0].watched_s, points[0].group.as_deref()), (1, 300.0, Some("3000")));
    let median = points[0].throughput_kbps.unwrap().p50;
    assert!((median / 3_000.0 - 1.0).abs() < 0.05, "{median}");
    for (from_s, to_s, step_s) in [(60, 60, 60), (0, 600, 61), (0, 600, 0), (0, 60_000_000, 60)] {
        let asked = SeriesQuery { from_s, to_s, step_s, ..asked.clone() };
        assert!(matches!(series(kept.path(), &asked), Err(QueryError::Range(_))), "{from_s} {to_s} {step_s}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn minutes_become_hours_of_demand() {
    let directory = directory("demand");
    assert!(demand(&directory.join(FILE), GroupBy::Stream).unwrap_err().to_string().contains("holds no history"));
    let kept = history(&directory, |_| {});
    // Two whole hours, one of half an hour inside, and one that still runs.
    let minutes = (60..180).chain(180..210).chain(240..270).map(|number| number * 60);
    minutes.for_each(|at_s| kept.keep(minute(at_s, 2)));
    kept.close();
    let found = demand(kept.path(), GroupBy::Stream).unwrap();
    assert_eq!((found.from_s, found.hours(), found.filled), (3_600, 3, 0));
    // Each stream: ten sessions, 600 Mbit a minute.
    assert_eq!(found.total.sessions, [20.0; 3]);
    assert_eq!(found.total.egress_kbps, [20_000.0; 3]);
    assert_eq!(found.groups.len(), 2);
    assert_eq!(found.mix.iter().map(|rung| (rung.kbps, rung.share)).collect::<Vec<_>>(), [(3_000, 1.0)]);
    assert!((found.mix[0].throughput.share_above(3_000.0).unwrap() - 0.5).abs() < 0.05);
    assert!(demand(kept.path(), GroupBy::Edge).unwrap().groups.contains_key("edge"));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_history_of_an_earlier_version_goes_on() {
    let directory = directory("earlier");
    let kept = history(&directory, |_| {});
    kept.keep(minute(60, 1));
    kept.close();
    // As the first version left it.
    let database = rusqlite::Connection::open(kept.path()).unwrap();
    database.execute_batch("DROP TABLE audience; PRAGMA user_version = 1").unwrap();
    drop(database);
    let kept = history(&directory, |_| {});
    let said = AudienceMinute {
        at_s: 120,
        stream: "s".into(),
        messages: 12,
        messages_per_minute: 2.5,
        authors: 7.0,
        mood: -0.5,
        engagement: 40.0,
        complaints: BTreeMap::from([("buffering".into(), 3)]),
        blind_spots: vec!["audio".into()],
    };
    kept.keep(Entry::Audience(said.clone()));
    kept.close();
    assert_eq!(audiences(kept.path(), "s", 60, 180).unwrap(), [said]);
    assert_eq!(audiences(kept.path(), "s", 121, 180).unwrap(), []);
    assert_eq!(audiences(kept.path(), "t", 60, 180).unwrap(), []);
    assert_eq!(all(kept.path()).len(), 1);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_lock_held_by_others_delays_and_loses_nothing() {
    let directory = directory("locked");
    let kept = history(&directory, |_| {});
    kept.keep(minute(60, 1));
    wait("the first minute", || kept.metrics.written.get() == 1);
    let other = rusqlite::Connection::open(kept.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    kept.keep(minute(120, 1));
    wait("the announcement", || kept.degraded().is_some_and(|reason| reason.contains("locked")));
    assert_eq!(all(kept.path()).len(), 1, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    wait("the recovery", || kept.degraded().is_none());
    assert_eq!(all(kept.path()).len(), 2);
    assert_eq!(kept.metrics.lost.get(), 0);
    kept.close();
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_directory_that_cannot_be_made_is_announced() {
    let directory = directory("unmade");
    let file = directory.join("file");
    std::fs::write(&file, "in the way").unwrap();
    let kept = history(&file.join("below"), |_| {});
    wait("the announcement", || kept.degraded().is_some());
    std::fs::remove_file(&file).unwrap();
    kept.keep(minute(60, 1));
    wait("the recovery", || kept.degraded().is_none() && kept.metrics.written.get() == 1);
    kept.close();
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_full_disk_is_announced_and_the_database_stays_whole() {
    let directory = directory("full");
    let kept = history(&directory, |settings| settings.max_megabytes = 1);
    // SQLite reports SQLITE_FULL at the page limit just as on a full disk.
    (1..=40).for_each(|number| kept.keep(minute(number * 60, 500)));
    wait("the announcement", || kept.degraded().is_some_and(|reason| reason.contains("full")));
    kept.close();
    assert_eq!(kept.metrics.lost.get() + kept.metrics.written.get(), 40);
    let database = rusqlite::Connection::open(kept.path()).unwrap();
    let verdict: String = database.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_old_goes_by_age_and_by_size() {
    let directory = directory("old");
    let day = 86_400;
    let kept = history(&directory, |settings| settings.retention_days = 1);
    kept.keep(minute(60, 1));
    kept.keep(minute(3 * day, 1));
    kept.close();
    // Cleaned once, when the database is opened.
    history(&directory, |settings| settings.retention_days = 1).close();
    let database = rusqlite::Connection::open(kept.path()).unwrap();
    let left = || database.query_row("SELECT count(*) FROM minute", [], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(left(), 1);
    let more = history(&directory, |_| {});
    (0..100).for_each(|number| more.keep(minute(3 * day + number * 60, 200)));
    more.close();
    let before = left();
    history(&directory, |settings| settings.max_megabytes = 1).close();
    assert!(left() < before, "{before}");
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_key_is_drawn_once() {
    let directory = directory("key");
    let below = directory.join("data");
    assert_eq!(identifier_key(&below, "first").unwrap(), "first");
    assert_eq!(identifier_key(&below, "second").unwrap(), "first");
    std::fs::remove_dir_all(directory).unwrap();
}

/// Directory the killed child writes to; the test below starts this test binary again with it set.
const CHILD: &str = "HEADROOM_TEST_HISTORY_CHILD";

/// Not a test by itself: the process that [`nothing_committed_is_lost_to_a_kill`] kills.
#[test]
fn child_writes_until_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let first: u64 = std::env::var("HEADROOM_TEST_HISTORY_FIRST").unwrap().parse().unwrap();
    let kept = history(Path::new(&directory), |_| {});
    for number in first.. {
        kept.keep(minute(number * 60, 50));
        let written = number - first + 1;
        wait("a commit", || kept.metrics.written.get() == written);
        println!("committed {number}");
        io::stdout().flush().unwrap();
    }
}

/// Kill -9 at any moment: the database opens, and every minute that was committed is there, whole.
#[test]
fn nothing_committed_is_lost_to_a_kill() {
    let rounds: u64 = std::env::var("HEADROOM_KILL_ROUNDS").map_or(50, |rounds| rounds.parse().unwrap());
    let directory = directory("kill");
    let mut first = 1;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::tests::child_writes_until_killed", "--nocapture"])
            .env(CHILD, &directory)
            .env("HEADROOM_TEST_HISTORY_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, committed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let numbers = lines.filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok());
            numbers.for_each(|number| sender.send(number).unwrap());
        });
        committed.recv_timeout(Duration::from_secs(60)).unwrap();
        // At a different place of a write every time.
        std::thread::sleep(Duration::from_millis(round * 37 % 150));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = committed.iter().last().unwrap_or(first);
        let database = rusqlite::Connection::open(directory.join(FILE)).unwrap();
        let verdict: String = database.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "round {round}");
        let mut statement = database.prepare("SELECT at_s / 60, count(*) FROM minute GROUP BY at_s").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let counts: BTreeMap<u64, u64> = rows.map(Result::unwrap).collect();
        for number in 1..=last {
            assert_eq!(counts.get(&number), Some(&50), "round {round}: minute {number}");
        }
        // One more may have been committed without the child getting to say so.
        assert!(counts.len() as u64 <= last + 1 && counts.values().all(|&rows| rows == 50), "round {round}: {last}");
        first = counts.len() as u64 + 1;
    }
    assert!(first > rounds, "the children wrote nothing");
    std::fs::remove_dir_all(directory).unwrap();
}
