//! The way to the writer of the database and to the archive.

use super::{
    archive::{self, Archive, ArchiveMetrics},
    entry::{Entry, RESOLVED},
    metrics::HistoryMetrics,
    settings::Settings,
    writer,
};
use crate::{places::Places, stream::Streams, whole_file};
use headroom_cluster::lock::locked;
use headroom_core::time::Timestamp;
use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

/// Entries that may wait for the writer: an hour of minutes with a hundred actions beside each.
const QUEUE: usize = 6_000;

/// Name of the database in the data directory.
pub(crate) const FILE: &str = "history.sqlite";

/// The way to the writer.
pub(crate) struct History {
    path: PathBuf,
    places: Arc<Places>,
    archive: Option<Arc<Archive>>,
    queue: Mutex<Option<SyncSender<Entry>>>,
    /// Why nothing can be written at the moment.
    degraded: Arc<Mutex<Option<String>>>,
    pub(super) metrics: HistoryMetrics,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Says that the directory is in use.
    lock: Mutex<Option<File>>,
}

impl History {
    /// Starts the writer. A disk that cannot be written does not stop the server: it is reported and tried again.
    pub(crate) fn start(
        settings: &Settings,
        places: Arc<Places>,
        streams: Arc<Streams>,
        metrics: HistoryMetrics,
        archive_metrics: ArchiveMetrics,
    ) -> io::Result<Self> {
        let path = settings.directory.join(FILE);
        let lock = lock(&settings.directory)?;
        let archive = settings
            .archive
            .enabled()
            .then(|| Archive::start(&settings.archive, &settings.directory, Arc::clone(&streams), archive_metrics));
        let archive = archive.transpose()?.map(Arc::new);
        let (sender, receiver) = sync_channel(QUEUE);
        let degraded = Arc::default();
        let writer = writer::Writer {
            path: path.clone(),
            places: Arc::clone(&places),
            streams,
            settings: settings.clone(),
            degraded: Arc::clone(&degraded),
            metrics: metrics.clone(),
        };
        let thread =
            std::thread::Builder::new().name("headroom-history".into()).spawn(move || writer.run(&receiver))?;
        Ok(Self {
            path,
            places,
            archive,
            queue: Mutex::new(Some(sender)),
            degraded,
            metrics,
            thread: Mutex::new(Some(thread)),
            lock: Mutex::new(lock),
        })
    }

    /// Queues an entry, or counts it as lost.
    pub(crate) fn keep(&self, entry: Entry) {
        match (&self.archive, &entry) {
            (Some(archive), Entry::Minute { at_s, rollup }) => {
                archive.keep(archive::minute_rows(*at_s, rollup, &self.places));
            }
            (Some(archive), Entry::Transition(transition)) if transition.state != RESOLVED => {
                archive.incident(Timestamp::from_secs_f64(transition.at_s as f64));
            }
            _ => {}
        }
        let queue = locked(&self.queue);
        if let Some(queue) = &*queue
            && queue.try_send(entry).is_err()
        {
            self.metrics.lost.inc();
        }
    }

    /// Why nothing can be written at the moment.
    pub(crate) fn degraded(&self) -> Option<String> {
        let database = locked(&self.degraded).clone();
        database.or_else(|| self.archive.as_ref()?.degraded().map(|reason| format!("archive: {reason}")))
    }

    /// Where single reports and decisions are kept.
    pub(crate) fn archive(&self) -> Option<Arc<Archive>> {
        self.archive.clone()
    }

    /// Where the database is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is queued, if that can be done at once, and ends the writer.
    pub(crate) fn close(&self) {
        locked(&self.queue).take();
        if let Some(thread) = locked(&self.thread).take() {
            // The thread reports its own errors; a panic there has nothing left to save.
            let _ = thread.join();
        }
        if let Some(archive) = &self.archive {
            archive.close();
        }
        locked(&self.lock).take();
    }
}

/// Takes a directory for this process alone: two servers would overwrite each other's orders. A disk that cannot be written is
/// no reason not to start.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join("lock");
    let opened = std::fs::create_dir_all(directory).and_then(|()| File::create(&path));
    let Ok(file) = opened else { return Ok(None) };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other(format!(
            "{} is used by another headroom: give each its own history.directory",
            directory.display()
        ))),
        // A file system without locks.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(Some(file)),
    }
}

/// The key behind identifiers, kept beside the history: with a key drawn at each start, yesterday's streams would be
/// strangers today.
///
/// # Errors
/// When the directory cannot be written and no key is there.
pub(crate) fn identifier_key(directory: &Path, drawn: &str) -> io::Result<String> {
    use std::fs;
    let path = directory.join("identity.key");
    match fs::read_to_string(&path) {
        Ok(key) if !key.trim().is_empty() => return Ok(key.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir_all(directory)?;
    // A crash leaves no empty key behind.
    whole_file::replace(&path, drawn.as_bytes())?;
    Ok(drawn.to_owned())
}
