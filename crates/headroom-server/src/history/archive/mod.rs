//! The archive: single reports and decisions, as Parquet files that DuckDB, ClickHouse and others read.
//!
//! Kept are all reports of a hash-sampled share of the sessions, every changed decision, the minutes of the history, and
//! what was reported around an incident. The way of a row: collector (in its shard) → queue → journal → Parquet file.
//!
//! Loss budget. A row reaches the journal with the next tick, so a killed process loses what its shards gathered since
//! then, and at most [`SYNCED`] more when the machine itself dies. A journal becomes files under names that only it
//! yields, and is deleted afterwards: whoever is killed in between repeats the work, and no row stands twice.

mod collect;
mod columns;
mod http;
mod journal;
mod ship;
mod store;
mod table;
pub(crate) mod tap;

use crate::{metrics::Metrics, places::Places, stream::Streams};
use collect::Collector;
use headroom_cluster::{rollup::Rollup, sketch::Sketch};
use headroom_core::{
    decision::{Decision, Reason},
    telemetry::{Sample, StreamId},
    time::{Duration, Timestamp},
};
use journal::Journal;
use serde::{Deserialize, Serialize};
use ship::Shipper;
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

/// Batches that may wait for the journal: with 64 shards those of half a minute.
const QUEUE: usize = 1_024;

/// Rows after which a journal is sealed early: what a file is made from must fit into memory.
const SEGMENT_ROWS: usize = 100_000;

/// How often the journal is synced to the disk.
const SYNCED: std::time::Duration = std::time::Duration::from_secs(5);

/// `[history.archive]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A directory or `s3://BUCKET/PREFIX`; empty: no archive.
    pub location: String,
    /// Address of a service other than Amazon's that speaks S3.
    pub s3_endpoint: String,
    /// Region of the bucket.
    pub s3_region: String,
    /// Share of the sessions of which every report is kept.
    pub session_share: f64,
    /// Seconds until a file is closed.
    pub segment_s: u64,
    /// Seconds before and after an alert of which reports of everybody are kept.
    pub incident_s: u64,
    /// Reports held ready for an incident at most. Where that is less than `incident_s` of them, sessions are sampled.
    pub incident_samples: usize,
    /// Days until files are deleted.
    pub retention_days: u32,
    /// Size from which the oldest files are deleted early, MiB.
    pub max_megabytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: String::new(),
            s3_endpoint: String::new(),
            s3_region: "us-east-1".into(),
            session_share: 0.01,
            segment_s: 300,
            incident_s: 30,
            incident_samples: 100_000,
            retention_days: 30,
            max_megabytes: 10_240,
        }
    }
}

impl Settings {
    /// Whether there is an archive.
    pub(crate) fn enabled(&self) -> bool {
        !self.location.is_empty()
    }

    /// What is wrong with these settings.
    pub(crate) fn flaw(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.session_share) {
            return Some(format!("session_share {} is outside 0..=1", self.session_share));
        }
        if !(1..=3_600).contains(&self.segment_s) || self.incident_s > 600 || self.incident_samples > 10_000_000 {
            return Some("segment_s is 1 to 3600, incident_s at most 600, incident_samples at most 10 000 000".into());
        }
        if self.retention_days == 0 || self.max_megabytes < 16 {
            return Some("retention_days is at least 1, max_megabytes at least 16".into());
        }
        store::check(self).err().map(|error| error.to_string())
    }
}

/// One thing to keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Row {
    /// A report of a sampled session.
    Sample(Sample),
    /// A report around an incident.
    Incident(Incident),
    /// A decision that changed something.
    Decision(Decided),
    /// The sums of one cell over a minute.
    Minute(Box<Minute>),
    /// What a stream is called.
    Stream(Named),
}

/// A report around an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// Share of the sessions that were kept when it was.
    pub(crate) share: f64,
    pub(crate) sample: Sample,
}

/// A decision and what it is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) stream: StreamId,
    pub(crate) decision: Decision,
}

/// A stream's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Named {
    pub(crate) stream: StreamId,
    pub(crate) name: String,
}

/// A row of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Minute {
    pub(crate) at_s: u64,
    pub(crate) stream: StreamId,
    pub(crate) edge: String,
    pub(crate) network: String,
    pub(crate) rung_kbps: u32,
    pub(crate) sessions: f64,
    pub(crate) silent: f64,
    pub(crate) watched_ms: u64,
    pub(crate) stalled_ms: u64,
    pub(crate) starvations: u64,
    pub(crate) played_kbit: f64,
    pub(crate) reasons: [u64; Reason::ALL.len()],
    pub(crate) mos: Distribution,
    pub(crate) throughput_kbps: Distribution,
    pub(crate) latency_ms: Distribution,
}

/// Values, rounded as sketches round, and how many of each.
pub(crate) type Distribution = Vec<(f64, u64)>;

/// The rows of one minute's sums.
pub(super) fn minute_rows(at_s: u64, rollup: &Rollup, places: &Places) -> Vec<Row> {
    let rounds = f64::from(rollup.rounds.max(1));
    let bins = |sketch: &Sketch| sketch.bins().collect();
    let rows = rollup.cells.iter().map(|(key, cell)| Minute {
        at_s,
        stream: key.stream,
        edge: places.edge(key.place.edge).to_owned(),
        network: places.network(key.place.network).to_owned(),
        rung_kbps: key.rung_kbps,
        sessions: cell.observations as f64 / rounds,
        silent: cell.silent as f64 / rounds,
        watched_ms: cell.watched_ms,
        stalled_ms: cell.stalled_ms,
        starvations: cell.starvations,
        played_kbit: cell.played_kbit,
        reasons: cell.reasons,
        mos: bins(&cell.mos),
        throughput_kbps: bins(&cell.throughput),
        latency_ms: bins(&cell.latency),
    });
    rows.map(|minute| Row::Minute(Box::new(minute))).collect()
}

/// Why nothing can be written at the moment, by each of the two threads.
#[derive(Default)]
struct Troubles {
    journal: Mutex<Option<String>>,
    files: Mutex<Option<String>>,
}

impl Troubles {
    fn first(&self) -> Option<String> {
        [&self.journal, &self.files]
            .into_iter()
            .find_map(|trouble| trouble.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Notes what went wrong or that it is over, once.
fn announce(trouble: &Mutex<Option<String>>, what: &str, now: Option<String>) {
    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    match (&*trouble, &now) {
        (Some(_), None) => tracing::info!("{what} of the archive is written again"),
        (known, Some(reason)) if known.as_ref() != Some(reason) => {
            tracing::error!(reason, "{what} of the archive cannot be written");
        }
        _ => {}
    }
    *trouble = now;
}

/// The way to the archive.
pub(crate) struct Archive {
    settings: Settings,
    queue: Mutex<Option<SyncSender<Vec<Row>>>>,
    /// Until when everything is kept, microseconds since the epoch.
    incident_until: AtomicU64,
    troubles: Arc<Troubles>,
    metrics: Arc<Metrics>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Archive {
    /// Starts the two threads: one writes the journal in `directory`, the other turns sealed journals into files.
    pub(super) fn start(
        settings: &Settings,
        directory: &Path,
        streams: Arc<Streams>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let directory = directory.join("journal");
        let (queue, batches) = sync_channel(QUEUE);
        let (sealed, journals) = channel();
        let troubles = Arc::new(Troubles::default());
        let shipper = Shipper::new(settings.clone(), directory.clone(), Arc::clone(&troubles), Arc::clone(&metrics));
        let keeper = Keeper {
            directory,
            segment: std::time::Duration::from_secs(settings.segment_s),
            streams,
            sealed,
            troubles: Arc::clone(&troubles),
            metrics: Arc::clone(&metrics),
        };
        let threads = vec![
            thread::Builder::new().name("headroom-ship".into()).spawn(move || shipper.run(&journals))?,
            thread::Builder::new().name("headroom-journal".into()).spawn(move || keeper.run(&batches))?,
        ];
        Ok(Self {
            settings: settings.clone(),
            queue: Mutex::new(Some(queue)),
            incident_until: AtomicU64::new(0),
            troubles,
            metrics,
            threads: Mutex::new(threads),
        })
    }

    /// What gathers the rows of one of `shards` shards.
    fn collector(&self, shards: usize) -> Collector {
        Collector::new(&self.settings, shards)
    }

    /// Queues rows, or counts them as lost. Never waits.
    pub(crate) fn keep(&self, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = &*queue else { return };
        if let Err(refused) = queue.try_send(rows) {
            let (std::sync::mpsc::TrySendError::Full(rows) | std::sync::mpsc::TrySendError::Disconnected(rows)) =
                refused;
            self.metrics.archive_lost.inc_by(rows.len() as u64);
        }
    }

    /// Something is wrong, or about to be: what was reported lately is kept, and what will be.
    pub(crate) fn incident(&self, at: Timestamp) {
        let until = at + Duration::from_secs(self.settings.incident_s);
        self.incident_until.fetch_max(until.as_micros(), Ordering::Relaxed);
    }

    /// Whether everything is to be kept.
    fn is_incident(&self, now: Timestamp) -> bool {
        now.as_micros() < self.incident_until.load(Ordering::Relaxed)
    }

    /// Why nothing can be written at the moment.
    pub(crate) fn degraded(&self) -> Option<String> {
        self.troubles.first()
    }

    /// Writes out what is queued, if that can be done at once.
    pub(super) fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..).rev() {
            // The threads report their own errors; a panic there has nothing left to save.
            let _ = thread.join();
        }
    }
}

/// The thread that writes the journal.
struct Keeper {
    directory: PathBuf,
    segment: std::time::Duration,
    streams: Arc<Streams>,
    sealed: Sender<PathBuf>,
    troubles: Arc<Troubles>,
    metrics: Arc<Metrics>,
}

/// The journal that is being written.
struct Open {
    journal: Journal,
    /// Streams whose names stand in it.
    named: HashSet<StreamId>,
    since: Instant,
    synced: Instant,
}

impl Keeper {
    fn run(self, batches: &Receiver<Vec<Row>>) {
        let mut open: Option<Open> = None;
        let mut more = true;
        while more {
            match batches.recv_timeout(std::time::Duration::from_secs(1)) {
                Ok(rows) => {
                    let count = rows.len() as u64;
                    let written = self.append(&mut open, rows);
                    if written.is_ok() {
                        self.metrics.archive_rows.inc_by(count);
                    } else {
                        self.metrics.archive_lost.inc_by(count);
                        // Its end may be torn; what stands before is good.
                        self.seal(&mut open);
                    }
                    self.note(written);
                }
                // Trouble may be over although nobody has anything to write.
                Err(RecvTimeoutError::Timeout) if self.troubled() => {
                    let written = self.append(&mut open, vec![nothing()]);
                    self.note(written);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => more = false,
            }
            if open
                .as_ref()
                .is_some_and(|open| open.since.elapsed() >= self.segment || open.journal.rows() >= SEGMENT_ROWS)
            {
                self.seal(&mut open);
            }
            if let Some(Open { journal, synced, .. }) = &mut open
                && synced.elapsed() >= SYNCED
            {
                *synced = Instant::now();
                let synced = journal.sync();
                self.note(synced);
            }
        }
        self.seal(&mut open);
    }

    /// Announces what became of an attempt to write.
    fn note(&self, written: io::Result<()>) {
        announce(&self.troubles.journal, "the journal", written.err().map(|error| error.to_string()));
        self.metrics.archive_degraded.set(self.troubles.first().is_some().into());
    }

    fn troubled(&self) -> bool {
        self.troubles.journal.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn append(&self, open: &mut Option<Open>, rows: Vec<Row>) -> io::Result<()> {
        let open = match open {
            Some(open) => open,
            None => {
                let journal = Journal::create(&self.directory)?;
                let now = Instant::now();
                open.insert(Open { journal, named: HashSet::new(), since: now, synced: now })
            }
        };
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let stream = row.stream();
            if !open.named.contains(&stream)
                && let Some(name) = self.streams.name(stream)
            {
                open.named.insert(stream);
                all.push(Row::Stream(Named { stream, name }));
            }
            all.push(row);
        }
        open.journal.append(&all)
    }

    fn seal(&self, open: &mut Option<Open>) {
        if let Some(open) = open.take() {
            // The other thread ends after this one, and outlives a panic of its own only by losing the journal till the
            // next start.
            let _ = self.sealed.send(open.journal.seal());
        }
    }
}

/// A row that appears in no table.
fn nothing() -> Row {
    Row::Stream(Named { stream: StreamId(0), name: String::new() })
}

impl Row {
    fn stream(&self) -> StreamId {
        match self {
            Self::Sample(sample) | Self::Incident(Incident { sample, .. }) => sample.stream,
            Self::Decision(Decided { stream, .. }) | Self::Stream(Named { stream, .. }) => *stream,
            Self::Minute(minute) => minute.stream,
        }
    }
}

#[cfg(test)]
mod tests;
