//! How much of the archive a `kill -9` may cost, and how soon what is kept can be seen: the budget that docs/operating.md states,
//! held at the speed of the real clock and under little load.

use super::killed::{parquet_below, read};
use crate::stack::{Headroom, artifacts, request};
use parquet::record::Field;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// What came within this time before the kill may be lost, a tick and eight seconds; what is older is in a file after the next
/// start.
const LOST: Duration = Duration::from_secs(9);

/// Seconds until a file is closed, and the age from which a row is in a visible file while the server still runs.
const SEGMENT_S: u64 = 2;
const VISIBLE: Duration = Duration::from_secs(SEGMENT_S + LOST.as_secs());

/// Lives of the servers, ms: a third of a tick apart, so that they do not all end at the same point of one.
const LIVES_MS: [u64; 3] = [15_000, 15_333, 15_667];

/// The next server turns what the killed one left into files while it starts; it may take its time.
const RECOVERS_WITHIN: Duration = Duration::from_secs(30);

/// From one batch of reports to the next, and sessions that report.
const EVERY: Duration = Duration::from_millis(250);
const SESSIONS: usize = 20;

/// Throughput that the first batch names, kbit/s; each further one names one more, and is known by it in the archive.
const FIRST_KBPS: usize = 1_000;

#[test]
fn what_is_older_than_the_loss_budget_is_in_a_file() {
    let directory = artifacts("budget");
    thread::scope(|scope| {
        for (number, life_ms) in LIVES_MS.into_iter().enumerate() {
            let directory = directory.join(number.to_string());
            fs::create_dir_all(&directory).expect("the artefact directory is writable");
            scope.spawn(move || live_and_look(&directory, Duration::from_millis(life_ms)));
        }
    });
}

fn live_and_look(directory: &Path, life: Duration) {
    let mut headroom = start(directory);
    let begin = Instant::now();
    let mut acknowledged = Vec::new();
    while begin.elapsed() < life {
        let (number, sent) = (acknowledged.len(), Instant::now());
        assert!(report(&headroom, FIRST_KBPS + number), "batch {number} was not taken");
        acknowledged.push(Instant::now());
        thread::sleep(EVERY.saturating_sub(sent.elapsed()));
    }
    let killed = Instant::now();
    headroom.process().signal(rustix::process::Signal::KILL);
    drop(headroom);
    // The decision log is another file of the same process: what stands in it was decided.
    let decided = decided(&directory.join("decisions.ndjson"));
    let last_us = decided.iter().map(|(_, at_us)| *at_us).max().unwrap_or_default();
    let older_than = |budget: Duration| {
        let until_us = last_us - i64::try_from(budget.as_micros()).expect("seconds");
        let batches = acknowledged.iter().filter(|at| killed.duration_since(**at) > budget).count();
        Archived {
            batches: (FIRST_KBPS..FIRST_KBPS + batches).collect(),
            decisions: decided.iter().filter(|(_, at_us)| *at_us < until_us).copied().collect(),
        }
    };

    let archive = directory.join("data/archive");
    let expected = older_than(VISIBLE);
    assert!(expected.batches.len() > 4, "nothing is that old");
    let missing = expected.without(&Archived::below(&archive));
    assert!(missing.is_empty(), "in no file while the server ran: {missing:?}");

    let next = start(directory);
    let expected = older_than(LOST);
    let deadline = Instant::now() + RECOVERS_WITHIN;
    let mut kept = Archived::below(&archive);
    while !expected.without(&kept).is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
        kept = Archived::below(&archive);
    }
    drop(next);
    let missing = expected.without(&kept);
    assert!(missing.is_empty(), "in no file after the next start: {missing:?}");
    println!(
        "killed after {life:?}: {} of {} batches are kept, one was sent each {EVERY:?}; {} decisions, {} in the log",
        kept.batches.len(),
        acknowledged.len(),
        kept.decisions.len(),
        decided.len()
    );
}

fn start(directory: &Path) -> Headroom {
    let configuration = format!(
        "tick_ms = 1000\nshards = 4\n[history]\ndirectory = '{directory}/data'\n[history.archive]\nlocation = '{directory}/data/archive'\n\
         session_share = 1.0\nsegment_s = {SEGMENT_S}\n[log]\ndecisions = '{directory}/decisions.ndjson'\n",
        directory = directory.display()
    );
    Headroom::start(&configuration.parse().expect("valid TOML"), directory)
}

/// A report of every session.
fn report(headroom: &Headroom, throughput_kbps: usize) -> bool {
    let record = |viewer| {
        // Buffers that come and go, so that there is something to decide.
        let buffer = 1_000 + (throughput_kbps * 700 + viewer * 900) % 12_000;
        format!("bl={buffer},br=3000,cid=\"show\",d=2000,mtp={throughput_kbps},ot=v,sf=h,sid=\"viewer{viewer}\"\n")
    };
    let body: String = (0..SESSIONS).map(record).collect();
    let headers = [("Content-Type", "application/cmcd")];
    request(headroom.public(), "POST", "/v1/cmcd", &headers, body.as_bytes()).is_ok_and(|answer| answer.status == 204)
}

/// Session and time, µs, of what the decision log holds.
fn decided(path: &Path) -> Vec<(u64, i64)> {
    let text = fs::read_to_string(path).expect("the decision log is there");
    // Its last line may be cut short.
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let decision = |line: Value| {
        let decision = line.get("decision")?;
        Some((decision["session"].as_u64()?, decision["at_us"].as_i64()?))
    };
    lines.filter_map(decision).collect()
}

/// What the files of an archive hold, or should.
#[derive(Debug, Default)]
struct Archived {
    /// Batches of which every session's report is there, by their throughput.
    batches: BTreeSet<usize>,
    /// Session and time, µs.
    decisions: BTreeSet<(u64, i64)>,
}

impl Archived {
    fn below(archive: &Path) -> Self {
        let rows = |table: &str| parquet_below(&archive.join(table)).into_iter().flat_map(|path| read(&path));
        let mut sessions = BTreeMap::<usize, BTreeSet<u64>>::new();
        let mut archived = Self::default();
        for row in rows("samples") {
            let (Field::ULong(session), Field::Double(throughput)) =
                (&row["session"], &row["measured_throughput_kbps"])
            else {
                panic!("{row:?}")
            };
            sessions.entry(throughput.round() as usize).or_default().insert(*session);
        }
        let whole = sessions.into_iter().filter(|(_, sessions)| sessions.len() == SESSIONS);
        archived.batches = whole.map(|(batch, _)| batch).collect();
        for row in rows("decisions") {
            let (Field::ULong(session), Field::TimestampMicros(at_us)) = (&row["session"], &row["time"]) else {
                panic!("{row:?}")
            };
            archived.decisions.insert((*session, *at_us));
        }
        archived
    }

    fn without(&self, other: &Self) -> Self {
        Self { batches: &self.batches - &other.batches, decisions: &self.decisions - &other.decisions }
    }

    fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.decisions.is_empty()
    }
}
