//! What is in the files is what was given, and a process killed at any moment loses no more than it says.

use super::{
    journal::{self, Journal},
    metrics::ArchiveMetrics,
    row::{IncidentSample, Row, StreamName},
    *,
};
use crate::places::Places;
use headroom_cluster::rollup::{Cell, Key, Rollup};
use headroom_core::{
    telemetry::{Link, Player, Radio, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc::channel},
    thread,
    time::{Duration as Wait, Instant},
};

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("headroom-archive-{}-{name}", std::process::id()));
    // Left behind by an earlier run that was killed.
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn settings(directory: &Path) -> Settings {
    Settings { location: directory.join("files").display().to_string(), session_share: 1.0, ..Settings::default() }
}

fn archive(directory: &Path, settings: &Settings) -> Archive {
    Archive::start(settings, directory, Arc::default(), ArchiveMetrics::default()).unwrap()
}

/// A report whose time tells it apart.
fn sample(at_s: u64) -> Sample {
    let player = Player {
        buffer_length: Some(Duration::from_millis(4_500)),
        encoded_bitrate: Some(Bitrate::kbps(3_000)),
        ..Player::default()
    };
    let at = Timestamp::from_millis(at_s * 1_000);
    Sample { session: SessionId(u64::MAX - 1), stream: StreamId(7), at, report: Report::Player(player) }
}

/// All rows of a table by their columns, nulls left out. Every file that can be seen must be whole.
fn table(directory: &Path, table: &str) -> Vec<BTreeMap<String, Field>> {
    let mut rows = Vec::new();
    for path in files(&directory.join("files").join(table)) {
        let reader = SerializedFileReader::new(fs::File::open(&path).unwrap());
        let reader = reader.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap().into_columns().into_iter();
            rows.push(row.filter(|(_, field)| *field != Field::Null).collect());
        }
    }
    rows
}

/// The Parquet files below a directory, by name.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Wait::from_secs(20), "{what} did not happen");
        thread::sleep(Wait::from_millis(20));
    }
}

#[test]
fn the_files_hold_what_was_kept() {
    let directory = directory("kept");
    let kept = archive(&directory, &settings(&directory));
    let of = |report| Row::Sample(Sample { report, ..sample(1_600_000_000) });
    let link = Link { loss_ratio: Some(Ratio::clamped(0.25)), application_limited: true, ..Link::default() };
    let radio = Radio { sinr_db: Some(-3.5), cqi: Some(9), ..Radio::default() };
    kept.keep(vec![Row::Sample(sample(1_600_000_000)), of(Report::Link(link)), of(Report::Radio(radio))]);
    let named = StreamName { stream: StreamId(7), name: "live/a".into() };
    kept.keep(vec![Row::Stream(named), Row::Incident(IncidentSample { share: 0.5, sample: sample(1_600_003_600) })]);
    kept.close();
    let rows = table(&directory, "samples");
    assert_eq!(rows.len(), 3);
    let columns: Vec<_> = rows[0].iter().map(|(name, field)| format!("{name}={field}")).collect();
    expect_test::expect![[r#""buffer_length_ms=4500.0 buffer_starvation=false encoded_bitrate_kbps=3000.0 session=18446744073709551614 source=\"player\" startup=false stream=7 stream_name=\"live/a\" time=2020-09-13 12:26:40.000000 +00:00""#]]
        .assert_eq(&format!("{:?}", columns.join(" ")));
    assert_eq!((&rows[1]["loss_ratio"], &rows[1]["application_limited"]), (&Field::Double(0.25), &Field::Bool(true)));
    assert_eq!((&rows[2]["sinr_db"], &rows[2]["cqi"]), (&Field::Double(-3.5), &Field::Long(9)));
    assert_eq!(table(&directory, "incidents")[0]["share"], Field::Double(0.5));
    let paths = files(&directory.join("files"));
    assert_eq!(paths.len(), 2);
    assert!(paths[0].to_string_lossy().contains("files/incidents/date=2020-09-13/hour=13/"), "{paths:?}");
    assert!(paths[1].to_string_lossy().contains("files/samples/date=2020-09-13/hour=12/"), "{paths:?}");
    assert_eq!(fs::read_dir(directory.join("journal")).unwrap().count(), 0, "no journal is left");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn minutes_and_their_distributions_add_up() {
    let directory = directory("minutes");
    let kept = archive(&directory, &settings(&directory));
    let mut cell = Cell { observations: 12, watched_ms: 9_000, ..Cell::default() };
    (1..=100).for_each(|value| cell.mos.add(f64::from(value) / 25.0 + 1.0));
    let quantile = cell.mos.quantile(0.5).unwrap();
    let mut rollup = Rollup { rounds: 6, ..Rollup::default() };
    rollup.cells.insert(Key { stream: StreamId(1), rung_kbps: 800, ..Key::default() }, cell);
    kept.keep(minute_rows(1_600_000_020, &rollup, &Places::default()));
    kept.close();
    let minutes = table(&directory, "minutes");
    assert_eq!((minutes.len(), &minutes[0]["sessions"]), (1, &Field::Double(2.0)));
    assert_eq!((&minutes[0]["watched_ms"], &minutes[0]["reason_plan"]), (&Field::Long(9_000), &Field::Long(0)));
    let number = |row: &BTreeMap<String, Field>, name: &str| match row[name] {
        Field::Double(value) => value,
        Field::Long(value) => value as f64,
        ref other => panic!("{other}"),
    };
    let bins = table(&directory, "distributions");
    assert_eq!(bins.iter().map(|bin| number(bin, "count")).sum::<f64>(), 100.0);
    let mut seen = 0.0;
    let median = bins.iter().find(|bin| {
        seen += number(bin, "count");
        seen > 49.0
    });
    assert_eq!(number(median.unwrap(), "value"), quantile);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn what_others_left_behind_is_shipped_and_what_they_still_write_is_not() {
    let directory = directory("left");
    let journals = directory.join("journal");
    let mut left = Journal::create(&journals).unwrap();
    left.append(&[Row::Sample(sample(1_600_000_000))]).unwrap();
    let left = left.seal();
    // The machine died in the middle of a line.
    fs::OpenOptions::new().append(true).open(&left).unwrap().write_all(b"{\"sample\":{\"sess").unwrap();
    let mut written = Journal::create(&journals).unwrap();
    written.append(&[Row::Sample(sample(1_600_000_001))]).unwrap();
    archive(&directory, &settings(&directory)).close();
    assert_eq!(table(&directory, "samples").len(), 1);
    assert!(!left.exists());
    let written = written.seal();
    assert!(written.exists());
    // Killed after the file was put and before the journal was deleted: the same file again.
    fs::copy(&written, directory.join("copy")).unwrap();
    archive(&directory, &settings(&directory)).close();
    fs::rename(directory.join("copy"), &written).unwrap();
    archive(&directory, &settings(&directory)).close();
    assert_eq!(table(&directory, "samples").len(), 2, "nothing stands twice");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_announced_and_nothing_is_lost() {
    let directory = directory("place");
    fs::write(directory.join("files"), "in the way").unwrap();
    let kept = archive(&directory, &settings(&directory));
    wait("the announcement", || kept.degraded().is_some());
    kept.keep(vec![Row::Sample(sample(1_600_000_000))]);
    wait("the journal", || kept.metrics.rows.get() == 1);
    fs::remove_file(directory.join("files")).unwrap();
    wait("the recovery", || kept.degraded().is_none());
    kept.close();
    assert_eq!((table(&directory, "samples").len(), kept.metrics.lost.get()), (1, 0));
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_journal_that_cannot_be_written_is_announced_and_losses_are_counted() {
    let directory = directory("journal");
    fs::write(directory.join("journal"), "in the way").unwrap();
    let kept = archive(&directory, &settings(&directory));
    kept.keep(vec![Row::Sample(sample(1)), Row::Sample(sample(2))]);
    wait("the announcement", || kept.degraded().is_some());
    assert_eq!(kept.metrics.lost.get(), 2);
    fs::remove_file(directory.join("journal")).unwrap();
    // Also when nobody has anything to write.
    wait("the recovery", || kept.degraded().is_none());
    kept.keep(vec![Row::Sample(sample(3))]);
    kept.close();
    assert_eq!(table(&directory, "samples").len(), 1);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn the_old_goes_by_age_and_by_size() {
    let directory = directory("old");
    let days = |settings: &Settings, days: std::ops::Range<u64>| {
        let kept = archive(&directory, settings);
        kept.keep(days.map(|day| Row::Sample(sample(day * 86_400))).collect());
        kept.close();
    };
    let keep_three = Settings { retention_days: 3, ..settings(&directory) };
    days(&keep_three, 0..10);
    let other = directory.join("files/samples/date=1970-01-01/notes.txt");
    fs::create_dir_all(directory.join("files/samples/date=1970-01-01/hour=00")).unwrap();
    fs::write(&other, "not ours").unwrap();
    let unfinished = directory.join("files/samples/date=1970-01-01/hour=00/x.parquet#1");
    let file = fs::File::create(&unfinished).unwrap();
    file.set_modified(std::time::SystemTime::now() - Wait::from_secs(3_600)).unwrap();
    // Files are looked through at start.
    let again = archive(&directory, &keep_three);
    wait("the cleaning", || files(&directory.join("files")).len() == 4);
    again.close();
    assert!(other.exists() && !unfinished.exists());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let nothing = Settings { max_megabytes: 0, ..settings(&directory) };
    let deleted = runtime.block_on(async { store::Store::open(&nothing).unwrap().clean(&nothing).await }).unwrap();
    assert_eq!((deleted, files(&directory.join("files")).len()), (4, 0));
    fs::remove_dir_all(directory).unwrap();
}

/// Directory the killed child writes to; the test below starts this test binary again with it set.
const CHILD: &str = "HEADROOM_TEST_ARCHIVE_CHILD";

/// Not a test by itself: the process that [`what_reached_the_journal_survives_a_kill`] kills.
#[test]
fn child_writes_until_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let first: u64 = std::env::var("HEADROOM_TEST_ARCHIVE_FIRST").unwrap().parse().unwrap();
    let directory = Path::new(&directory);
    // Sealed all the time, so that the kill meets every step on the way to a file.
    let keeper_settings = Settings { segment_s: 0, ..settings(directory) };
    let kept = archive(directory, &keeper_settings);
    for number in first.. {
        kept.keep((0..50).map(|row| Row::Sample(sample(number * 100 + row))).collect());
        let written = (number - first + 1) * 50;
        wait("the journal", || kept.metrics.rows.get() == written);
        println!("written {number}");
        io::stdout().flush().unwrap();
    }
}

/// Kill -9 at any moment: every file that can be seen is whole, every batch that reached the journal is there, once.
#[test]
fn what_reached_the_journal_survives_a_kill() {
    let rounds: u64 = std::env::var("HEADROOM_KILL_ROUNDS").map_or(50, |rounds| rounds.parse().unwrap());
    let directory = directory("kill");
    let mut first = 1;
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::archive::tests::child_writes_until_killed", "--nocapture"])
            .env(CHILD, &directory)
            .env("HEADROOM_TEST_ARCHIVE_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, written) = channel();
        thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            let numbers = lines.filter_map(|line| line.strip_prefix("written ")?.parse::<u64>().ok());
            numbers.for_each(|number| sender.send(number).unwrap());
        });
        let one = written.recv_timeout(Wait::from_secs(60)).unwrap();
        // At a different place of a write every time.
        thread::sleep(Wait::from_millis(round * 37 % 150));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = written.iter().last().unwrap_or(one);
        // Reading all of them proves that none is torn.
        table(&directory, "samples");
        acknowledged.extend(first..=last);
        // One more may be under way.
        first = last + 2;
    }
    // What was killed on the way is taken up by the next process.
    archive(&directory, &settings(&directory)).close();
    assert_eq!(journal::abandoned(&directory.join("journal")).unwrap(), Vec::<PathBuf>::new());
    let mut counts = BTreeMap::<u64, u32>::new();
    for row in table(&directory, "samples") {
        let Field::TimestampMicros(at) = row["time"] else { panic!("{row:?}") };
        *counts.entry(at as u64 / 100_000_000).or_default() += 1;
    }
    for number in &acknowledged {
        assert_eq!(counts.remove(number), Some(50), "batch {number}");
    }
    // What was not acknowledged may be there, whole or cut short.
    assert!(counts.len() as u64 <= rounds && counts.values().all(|&count| count <= 50), "{counts:?}");
    fs::remove_dir_all(directory).unwrap();
}
