//! The way to the archive, and the thread that writes its journal.

use super::{
    collect::Collector,
    journal::Journal,
    metrics::ArchiveMetrics,
    row::{Row, StreamName},
    settings::Settings,
    ship::Shipper,
    troubles::{Troubles, announce},
};
use crate::stream::Streams;
use headroom_cluster::lock::locked;
use headroom_core::{
    telemetry::StreamId,
    time::{Duration, Timestamp},
};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
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

/// The way to the archive.
pub(crate) struct Archive {
    settings: Settings,
    queue: Mutex<Option<SyncSender<Vec<Row>>>>,
    /// Until when everything is kept, microseconds since the epoch.
    incident_until: AtomicU64,
    troubles: Arc<Troubles>,
    pub(super) metrics: ArchiveMetrics,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Archive {
    /// Starts the two threads: one writes the journal in `directory`, the other turns sealed journals into files.
    pub(crate) fn start(
        settings: &Settings,
        directory: &Path,
        streams: Arc<Streams>,
        metrics: ArchiveMetrics,
    ) -> io::Result<Self> {
        let directory = directory.join("journal");
        let (queue, batches) = sync_channel(QUEUE);
        let (sealed, journals) = channel();
        let troubles = Arc::new(Troubles::default());
        let shipper = Shipper::new(settings.clone(), directory.clone(), Arc::clone(&troubles), metrics.clone());
        let keeper = JournalWriter {
            directory,
            segment: std::time::Duration::from_secs(settings.segment_s),
            streams,
            sealed,
            troubles: Arc::clone(&troubles),
            metrics: metrics.clone(),
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
    pub(super) fn collector(&self, shards: usize) -> Collector {
        Collector::new(&self.settings, shards)
    }

    /// Queues rows, or counts them as lost. Never waits.
    pub(crate) fn keep(&self, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let queue = locked(&self.queue);
        let Some(queue) = &*queue else { return };
        if let Err(refused) = queue.try_send(rows) {
            let (std::sync::mpsc::TrySendError::Full(rows) | std::sync::mpsc::TrySendError::Disconnected(rows)) =
                refused;
            self.metrics.lost.inc_by(rows.len() as u64);
        }
    }

    /// Something is wrong, or about to be: what was reported lately is kept, and what will be.
    pub(crate) fn incident(&self, at: Timestamp) {
        let until = at + Duration::from_secs(self.settings.incident_s);
        self.incident_until.fetch_max(until.as_micros(), Ordering::Relaxed);
    }

    /// Whether everything is to be kept.
    pub(super) fn is_incident(&self, now: Timestamp) -> bool {
        now.as_micros() < self.incident_until.load(Ordering::Relaxed)
    }

    /// Why nothing can be written at the moment.
    pub(crate) fn degraded(&self) -> Option<String> {
        self.troubles.first()
    }

    /// Writes out what is queued, if that can be done at once.
    pub(crate) fn close(&self) {
        locked(&self.queue).take();
        for thread in locked(&self.threads).drain(..).rev() {
            // The threads report their own errors; a panic there has nothing left to save.
            let _ = thread.join();
        }
    }
}

/// The thread that writes the journal.
struct JournalWriter {
    directory: PathBuf,
    segment: std::time::Duration,
    streams: Arc<Streams>,
    sealed: Sender<PathBuf>,
    troubles: Arc<Troubles>,
    metrics: ArchiveMetrics,
}

/// The journal that is being written.
struct OpenJournal {
    journal: Journal,
    /// Streams whose names it already holds.
    named: HashSet<StreamId>,
    since: Instant,
    synced: Instant,
}

impl JournalWriter {
    fn run(self, batches: &Receiver<Vec<Row>>) {
        let mut open: Option<OpenJournal> = None;
        let mut more = true;
        while more {
            match batches.recv_timeout(std::time::Duration::from_secs(1)) {
                Ok(rows) => {
                    let count = rows.len() as u64;
                    let written = self.append(&mut open, rows);
                    if written.is_ok() {
                        self.metrics.rows.inc_by(count);
                    } else {
                        self.metrics.lost.inc_by(count);
                        // Its end may be torn; what stands before is good.
                        self.seal(&mut open);
                    }
                    self.note(written);
                }
                // The disk may have recovered while there was nothing to write.
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
            if let Some(OpenJournal { journal, synced, .. }) = &mut open
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
        self.metrics.degraded.set(self.troubles.first().is_some().into());
    }

    fn troubled(&self) -> bool {
        locked(&self.troubles.journal).is_some()
    }

    fn append(&self, open: &mut Option<OpenJournal>, rows: Vec<Row>) -> io::Result<()> {
        let open = match open {
            Some(open) => open,
            None => {
                let journal = Journal::create(&self.directory)?;
                let now = Instant::now();
                open.insert(OpenJournal { journal, named: HashSet::new(), since: now, synced: now })
            }
        };
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let stream = row.stream();
            if !open.named.contains(&stream)
                && let Some(name) = self.streams.name(stream)
            {
                open.named.insert(stream);
                all.push(Row::Stream(StreamName { stream, name }));
            }
            all.push(row);
        }
        open.journal.append(&all)
    }

    fn seal(&self, open: &mut Option<OpenJournal>) {
        if let Some(open) = open.take() {
            // The other thread ends after this one, and outlives a panic of its own only by losing the journal till the
            // next start.
            let _ = self.sealed.send(open.journal.seal());
        }
    }
}

/// A row that appears in no table.
fn nothing() -> Row {
    Row::Stream(StreamName { stream: StreamId(0), name: String::new() })
}
