//! Certificates and keys that are read again while the server runs: when their files change, or at once on SIGHUP.

use crate::metrics::Catalogue;
use prometheus_client::metrics::counter::Counter;
use std::{
    error::Error,
    hash::{Hash, Hasher},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How often files are looked at. They are few and small, and a certificate is renewed days before it ends.
const LOOK: Duration = Duration::from_secs(2);

/// Something made of files.
pub(crate) trait Reloadable: Send + Sync {
    /// The files.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads them again. What cannot be used changes nothing.
    fn reload(&self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Counts what changed and could not be used.
pub(crate) fn failures(all: &mut Catalogue) -> Counter {
    all.counter("reloads_failed", "Changed certificates and keys that could not be used")
}

/// Keeps everything up to date until `shutdown`.
pub(crate) async fn watch(all: Vec<Arc<dyn Reloadable>>, failures: Counter, shutdown: CancellationToken) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::error!(%error, "certificates and keys are not read again"),
    };
    let mut seen: Vec<u64> = all.iter().map(|one| state(&one.files())).collect();
    let mut look = tokio::time::interval(LOOK);
    loop {
        let asked = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = look.tick() => false,
            _ = hangups.recv() => true,
        };
        for (one, seen) in all.iter().zip(&mut seen) {
            let now = state(&one.files());
            if !asked && now == *seen {
                continue;
            }
            // A file that is still being written is read again when it changes again.
            *seen = now;
            let files = one.files();
            match one.reload() {
                Ok(()) => tracing::info!(?files, "read again"),
                Err(error) => {
                    failures.inc();
                    let cause = error.source().map(ToString::to_string);
                    tracing::error!(?files, %error, cause, "cannot be used: what was read before stays in force");
                }
            }
        }
    }
}

/// Tells one content of some files from another.
fn state(files: &[PathBuf]) -> u64 {
    let mut hasher = siphasher::sip::SipHasher13::new();
    for file in files {
        std::fs::read(file).ok().hash(&mut hasher);
    }
    hasher.finish()
}
