//! What is kept: minutes of sums, audited actions and alerts, in one SQLite file written by a thread of its own; and single
//! reports and decisions, in the [`archive`].
//!
//! Nothing here is on the way of a decision. The queue to the writer is bounded; when the disk is full, read-only or
//! locked, entries wait there, then the oldest are lost and counted, and `/readyz` and a metric say so.
//! Loss budget: what was not yet committed, at most the running minute, when the process dies. What was committed stays.

pub(crate) mod archive;
mod audience;
mod demand;
mod made_up;
mod query;
mod schema;
mod writer;

pub use made_up::{MadeUpError, make_up_history};
pub use query::By;

pub(crate) use audience::{Audience, audiences};
pub(crate) use demand::demand;
pub(crate) use query::{Asked, Point, QueryError, audit_page, series};

use crate::{metrics::Metrics, network::Prefix, places::Places, stream::Streams, whole_file};
use archive::Archive;
use headroom_cluster::rollup::Rollup;
use headroom_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

/// Entries that may wait for the writer: an hour of minutes with a hundred actions beside each.
const QUEUE: usize = 6_000;

/// State of a [`Transition`] that ends an alert.
pub(crate) const RESOLVED: &str = "resolved";

/// Name of the database in the data directory.
pub(crate) const FILE: &str = "history.sqlite";

/// `[history]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Directory of the database and of the identifier key; empty: nothing is kept.
    pub directory: PathBuf,
    /// Days until entries are deleted.
    pub retention_days: u32,
    /// Size from which the oldest days are deleted early, MiB.
    pub max_megabytes: u32,
    /// Names for address prefixes: `mobile = ["100.64.0.0/10"]`.
    pub networks: BTreeMap<String, Vec<Prefix>>,
    /// Table of address prefixes and the autonomous systems they belong to, a line each; empty: none.
    pub autonomous_systems_file: PathBuf,
    /// Single reports and decisions.
    pub archive: archive::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: PathBuf::new(),
            retention_days: 90,
            max_megabytes: 1_024,
            networks: BTreeMap::new(),
            autonomous_systems_file: PathBuf::new(),
            archive: archive::Settings::default(),
        }
    }
}

impl Settings {
    /// Whether anything is kept.
    pub(crate) fn enabled(&self) -> bool {
        self.directory.as_os_str() != ""
    }
}

/// One thing to keep.
pub(crate) enum Entry {
    /// The sums of a minute, by its start in seconds since the epoch.
    Minute {
        at_s: u64,
        rollup: Rollup,
    },
    Action(Action),
    Transition(Transition),
    Audience(Audience),
}

/// An operator's action.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Action {
    pub(crate) at_s: u64,
    /// Name of the token used.
    pub(crate) actor: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Status it was answered with.
    pub(crate) status: u16,
    /// The body, cut where it was long.
    pub(crate) body: String,
}

/// A change in the life of an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Transition {
    pub(crate) at_s: u64,
    pub(crate) rule: String,
    /// What it is about, `stream=…`.
    pub(crate) subject: String,
    pub(crate) state: String,
    pub(crate) value: f64,
    pub(crate) detail: String,
}

/// The way to the writer.
pub(crate) struct History {
    path: PathBuf,
    places: Arc<Places>,
    archive: Option<Arc<Archive>>,
    queue: Mutex<Option<SyncSender<Entry>>>,
    /// Why nothing can be written at the moment.
    degraded: Arc<Mutex<Option<String>>>,
    metrics: Arc<Metrics>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl History {
    /// Starts the writer. A disk that cannot be written is no reason not to serve: it is announced and tried again.
    pub(crate) fn start(
        settings: &Settings,
        places: Arc<Places>,
        streams: Arc<Streams>,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let path = settings.directory.join(FILE);
        let archive = settings.archive.enabled().then(|| {
            Archive::start(&settings.archive, &settings.directory, Arc::clone(&streams), Arc::clone(&metrics))
        });
        let archive = archive.transpose()?.map(Arc::new);
        let (sender, receiver) = sync_channel(QUEUE);
        let degraded = Arc::default();
        let writer = writer::Writer {
            path: path.clone(),
            places: Arc::clone(&places),
            streams,
            settings: settings.clone(),
            degraded: Arc::clone(&degraded),
            metrics: Arc::clone(&metrics),
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
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = &*queue
            && queue.try_send(entry).is_err()
        {
            self.metrics.history_lost.inc();
        }
    }

    /// Why nothing can be written at the moment.
    pub(crate) fn degraded(&self) -> Option<String> {
        let database = self.degraded.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The thread reports its own errors; a panic there has nothing left to save.
            let _ = thread.join();
        }
        if let Some(archive) = &self.archive {
            archive.close();
        }
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

#[cfg(test)]
mod tests;
