//! `kill -9` of the whole server, at random moments and under load: what was committed stays, what can be seen is whole.
//!
//! The server runs on a clock that goes thirty times as fast (libfaketime), so that a minute is committed every two seconds and
//! files of the archive are closed every second. Each round begins later than all before it, so that no minute is written
//! by two processes and rows can be compared as they are.

use crate::stack::{Headroom, Tool, artifacts, faketime_library, have, request};
use headroom_server::calendar::rfc3339;
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg32;
use rusqlite::Connection;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How many times as fast the server's clock goes.
const SPEED: u64 = 30;

/// The server's time of the first round, seconds since the epoch, and from one round to the next: more than a round lasts.
const FIRST_S: u64 = 1_800_000_000;
const APART_S: u64 = 1_800;

/// Rounds of `make test`; `HEADROOM_KILL_ROUNDS` says otherwise.
const ROUNDS: u64 = 15;

/// Time from being ready to being killed, ms; of the server's clock up to two and a half minutes.
const LIVES_MS: std::ops::Range<u64> = 50..5_000;

/// Time the last round has until a minute of it is in the archive: what is looked at below must be there on a slow machine too.
const ARCHIVES_WITHIN: Duration = Duration::from_secs(45);

/// Viewers of each of three streams.
const VIEWERS: usize = 100;

/// A row of the history by its number: everything in it as text.
type Rows = BTreeMap<i64, String>;

#[test]
fn what_is_committed_survives_kill_9_of_the_whole_server() {
    if !have(&[Tool::Faketime]) {
        return;
    }
    let rounds = std::env::var("HEADROOM_KILL_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let directory = artifacts("killed");
    let data = directory.join("data");
    let mut random = Pcg32::seed_from_u64(9);
    let (mut committed, mut files) = (Rows::new(), BTreeMap::new());
    let (mut reports, mut rounds_with_commits) = (0, 0);
    for round in 0..rounds {
        let mut headroom = start(&data, &directory, round);
        let until = Instant::now() + Duration::from_millis(random.random_range(LIVES_MS));
        let (last, minutes) = (round + 1 == rounds, data.join("archive/minutes"));
        let archived = || !last || !parquet_below(&minutes).is_empty();
        let over = || Instant::now() >= until && (archived() || Instant::now() >= until + ARCHIVES_WITHIN);
        let (seen, sent) = live(&headroom, &data, over);
        headroom.process().signal(rustix::process::Signal::KILL);
        drop(headroom);
        rounds_with_commits += u64::from(seen.keys().any(|number| !committed.contains_key(number)));
        committed.extend(seen);
        reports += sent;
        let kept = recovered(&data.join("history.sqlite"));
        for (number, row) in &committed {
            assert_eq!(kept.get(number), Some(row), "round {round}: a committed row is gone or changed");
        }
        committed = kept;
        look_at_files(&data.join("archive"), &mut files, round);
    }
    assert!(rounds_with_commits * 4 >= rounds, "only {rounds_with_commits} of {rounds} rounds committed anything");

    // Started once more: the server reads all of it, and nothing is in the archive twice.
    let headroom = start(&data, &directory, rounds);
    let mut points = 0;
    for round in 0..rounds {
        let from = FIRST_S + round * APART_S;
        let target = format!("/v1/history?from={from}&to={}&step=60", from + APART_S);
        let history = headroom.control_request("GET", &target, &serde_json::Value::Null).json();
        points += history["items"].as_array().expect("a list").len();
    }
    let minutes: BTreeSet<_> = committed.values().filter_map(|row| row.split('|').next()).collect();
    assert_eq!(points, minutes.len(), "minutes over HTTP and in the database");
    let mut archived = BTreeSet::new();
    let mut rows = 0;
    for path in parquet_below(&data.join("archive/minutes")) {
        for row in read(&path) {
            rows += 1;
            let key = ["time", "stream", "network", "rung_kbps"].map(|name| format!("{:?}", row.get(name)));
            assert!(archived.insert(key.clone()), "{key:?} is in the archive twice");
        }
    }
    assert!(rows > 0, "no minute in the archive");
    println!(
        "{rounds} rounds, {reports} reports: {} rows of {} minutes committed in {rounds_with_commits} rounds, none lost; {} whole \
         Parquet files, {rows} rows of minutes in them, none twice",
        committed.len(),
        minutes.len(),
        files.len(),
    );
    drop(headroom);
    // Hundreds of megabytes that are worth keeping only where something went wrong.
    fs::remove_dir_all(&data).expect("the artefact directory is writable");
}

fn start(data: &Path, directory: &Path, round: u64) -> Headroom {
    let configuration = format!(
        "tick_ms = 1000\nshards = 4\n[history]\ndirectory = '{data}'\n[history.archive]\nlocation = '{data}/archive'\n\
         session_share = 1.0\nsegment_s = 30\n",
        data = data.display()
    );
    let library = faketime_library().expect("the tool is there").display().to_string();
    let stamp = rfc3339(FIRST_S + round * APART_S).replace('T', " ").replace('Z', "");
    let time = format!("@{} x{SPEED}", &stamp[..19]);
    let environment = [("LD_PRELOAD", library.as_str()), ("FAKETIME", time.as_str()), ("TZ", "UTC")];
    Headroom::start_with(&configuration.parse().expect("valid TOML"), directory, &environment)
}

/// Lets players report until it `is_over`. Returns the rows that others could read meanwhile, and how many reports were sent.
fn live(headroom: &Headroom, data: &Path, is_over: impl Fn() -> bool) -> (Rows, u64) {
    let public = headroom.public();
    let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut seen = Rows::new();
    thread::scope(|scope| {
        for stream in ["one", "two", "three"] {
            let (over, sent) = (&over, &sent);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    sent.fetch_add(report(public, stream), Ordering::Relaxed);
                }
            });
        }
        // Opened once there is something to open; a reader never waits for the writer.
        while !is_over() {
            seen.extend(rows(&data.join("history.sqlite")).unwrap_or_default());
            thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
    (seen, sent.into_inner())
}

/// One batch of a stream's viewers; returns how many reports were taken.
fn report(public: SocketAddr, stream: &str) -> u64 {
    let record = |viewer| {
        let (buffer, rung) = (1_000 + viewer * 60, [800, 1_500, 3_000][viewer % 3]);
        format!("bl={buffer},br={rung},cid=\"{stream}\",d=2000,mtp=9000,ot=v,sf=h,sid=\"{stream}{viewer}\"\n")
    };
    let body: String = (0..VIEWERS).map(record).collect();
    let answer = request(public, "POST", "/v1/cmcd", &[("Content-Type", "application/cmcd")], body.as_bytes());
    answer.map_or(0, |answer| if answer.status == 204 { VIEWERS as u64 } else { 0 })
}

/// Opens what a killed process left, as the next one would, and finds it sound.
fn recovered(path: &Path) -> Rows {
    if !path.exists() {
        return Rows::new();
    }
    let database = Connection::open(path).expect("the database opens");
    let verdict: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("the database can be checked");
    assert_eq!(verdict, "ok");
    drop(database);
    rows(path).expect("the database can be read")
}

fn rows(path: &Path) -> rusqlite::Result<Rows> {
    let database = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(Duration::from_secs(2))?;
    let columns = "at_s || '|' || stream || '|' || edge || '|' || network || '|' || rung_kbps || '|' || sessions || '|' || \
                   watched_ms || '|' || stalled_ms || '|' || played_kbit || '|' || hex(mos) || '|' || hex(throughput) || '|' || reasons";
    let mut statement = database.prepare(&format!("SELECT rowid, {columns} FROM minute"))?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Every file that can be seen is whole, and those seen before are still there with all their rows: who repeats an
/// interrupted attempt may write the same file again.
fn look_at_files(archive: &Path, known: &mut BTreeMap<PathBuf, (u64, usize)>, round: u64) {
    let found = parquet_below(archive);
    for path in known.keys() {
        assert!(found.contains(path), "round {round}: {} is gone", path.display());
    }
    for path in found {
        let length = fs::metadata(&path).expect("it was listed").len();
        let before = known.get(&path).copied().unwrap_or_default();
        if before.0 != length {
            let rows = read(&path).len();
            assert!(rows >= before.1.max(1), "round {round}: {} has lost rows", path.display());
            known.insert(path, (length, rows));
        }
    }
}

/// All rows of a file by their columns; a file that is not whole fails the test.
pub(super) fn read(path: &Path) -> Vec<BTreeMap<String, Field>> {
    let rows = || -> parquet::errors::Result<Vec<_>> {
        let reader = SerializedFileReader::new(fs::File::open(path)?)?;
        let rows = reader.get_row_iter(None)?;
        rows.map(|row| Ok(row?.into_columns().into_iter().collect())).collect()
    };
    rows().unwrap_or_else(|error| panic!("{} is torn: {error}", path.display()))
}

/// The Parquet files below a directory.
pub(super) fn parquet_below(directory: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for path in entries.map(|entry| entry.expect("the directory can be read").path()) {
        if path.is_dir() {
            found.extend(parquet_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.insert(path);
        }
    }
    found
}
