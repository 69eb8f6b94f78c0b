//! The thread that turns sealed journals into files, and deletes what is too old or too much.

use super::{
    columns, journal,
    metrics::ArchiveMetrics,
    settings::Settings,
    store::Store,
    troubles::{Troubles, announce},
};
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// Pauses between attempts while files cannot be written.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often what is too old or too much is deleted.
const CLEANING: Duration = Duration::from_secs(3_600);

/// Bytes of journals that may wait for a place that cannot be written; then the oldest go.
const MAX_WAITING: u64 = 512 * 1024 * 1024;

pub(super) struct Shipper {
    settings: Settings,
    directory: PathBuf,
    troubles: Arc<Troubles>,
    metrics: ArchiveMetrics,
}

/// Why a journal did not become files.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error(transparent)]
    Journal(#[from] std::io::Error),
    #[error(transparent)]
    Encoding(#[from] parquet::errors::ParquetError),
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

impl Shipper {
    pub(super) fn new(
        settings: Settings,
        directory: PathBuf,
        troubles: Arc<Troubles>,
        metrics: ArchiveMetrics,
    ) -> Self {
        Self { settings, directory, troubles, metrics }
    }

    /// Ships until no journal can come any more, beginning with those that processes before this one left behind.
    pub(super) fn run(self, journals: &Receiver<PathBuf>) {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return announce(&self.troubles.files, "a file", Some(error.to_string())),
        };
        let mut waiting: VecDeque<PathBuf> = match journal::abandoned(&self.directory) {
            Ok(journals) => journals.into(),
            Err(error) => {
                tracing::warn!(%error, "journals of earlier processes cannot be looked for");
                VecDeque::new()
            }
        };
        let mut store = None;
        let mut pause = FIRST_PAUSE;
        let mut cleaned: Option<Instant> = None;
        let mut more = true;
        while more {
            let outcome = runtime.block_on(self.ship(&mut store, &mut waiting));
            pause = if outcome.is_ok() { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            announce(&self.troubles.files, "a file", outcome.err().map(|error| chain(&error)));
            self.metrics.degraded.set(self.troubles.first().is_some().into());
            if let Some(store) = &store
                && cleaned.is_none_or(|last| last.elapsed() >= CLEANING)
            {
                cleaned = Some(Instant::now());
                match runtime.block_on(store.clean(&self.settings)) {
                    Ok(0) => {}
                    Ok(files) => tracing::info!(files, "old files of the archive are deleted"),
                    Err(error) => tracing::warn!(%error, "old files of the archive could not be deleted"),
                }
            }
            // What comes meanwhile waits with the rest: an attempt that just failed is not hastened by it.
            let again = Instant::now() + pause;
            loop {
                match journals.recv_timeout(again.saturating_duration_since(Instant::now())) {
                    Ok(journal) => {
                        waiting.push_back(journal);
                        if waiting.len() == 1 {
                            break;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => {
                        more = false;
                        break;
                    }
                }
            }
            self.bound(&mut waiting);
        }
        waiting.extend(journals.try_iter());
        // What cannot be written now is found at the next start.
        let outcome = runtime.block_on(self.ship(&mut store, &mut waiting));
        announce(&self.troubles.files, "a file", outcome.err().map(|error| chain(&error)));
    }

    /// Ships what waits, in order.
    async fn ship(&self, store: &mut Option<Store>, waiting: &mut VecDeque<PathBuf>) -> Result<(), ShipError> {
        let store = match store {
            Some(store) => store,
            None => store.insert(Store::open(&self.settings)?),
        };
        while let Some(journal) = waiting.front() {
            self.ship_one(store, journal).await?;
            waiting.pop_front();
        }
        Ok(())
    }

    async fn ship_one(&self, store: &Store, journal: &Path) -> Result<(), ShipError> {
        let (rows, torn) = match journal::read(journal) {
            // Somebody tidied up: nothing is left to do.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        if torn > 0 {
            tracing::warn!(torn, journal = %journal.display(), "lines of a journal were cut short");
        }
        let name = journal.file_stem().unwrap_or_default().to_string_lossy();
        let files = columns::files(rows)?;
        for (partition, bytes) in files {
            store.put(&partition, &name, bytes).await?;
            self.metrics.files.inc();
        }
        match fs::remove_file(journal) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Drops the oldest journals when too many wait.
    fn bound(&self, waiting: &mut VecDeque<PathBuf>) {
        let size = |journal: &PathBuf| fs::metadata(journal).map_or(0, |file| file.len());
        let mut bytes: u64 = waiting.iter().map(size).sum();
        while bytes > MAX_WAITING
            && let Some(oldest) = waiting.pop_front()
        {
            bytes -= size(&oldest);
            let lost = journal::read(&oldest).map_or(0, |(rows, _)| rows.len());
            tracing::error!(lost, "the archive cannot be written for so long that its oldest journal is dropped");
            self.metrics.lost.inc_by(lost as u64);
            if let Err(error) = fs::remove_file(&oldest) {
                tracing::warn!(%error, journal = %oldest.display(), "a journal cannot be deleted");
            }
        }
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
