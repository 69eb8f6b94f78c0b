//! A server that runs: where it listens, and how it stops.

use crate::{feedback::Feedback, history::History, inference::Transcriber};
use headroom_cluster::shard::Shards;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time open requests get to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// A running server. Dropping it stops it without waiting for open requests.
pub struct Server {
    pub(super) public: SocketAddr,
    pub(super) control: SocketAddr,
    pub(super) shards: Arc<Shards>,
    pub(super) feedback: Arc<Feedback>,
    pub(super) history: Option<Arc<History>>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Server {
    /// Gives the server a speech recogniser, which takes clips and follows voice chats as `[speech]` says.
    ///
    /// # Errors
    /// When a voice chat cannot be followed for want of a thread.
    pub fn listen_with(&self, transcriber: Arc<dyn Transcriber>) -> io::Result<()> {
        self.feedback.listen_with(transcriber)
    }

    /// Where players are served.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where operators are served.
    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// Stops: no new connections, open requests may finish within 10 s, logs are written out.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Relaxed);
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(open = self.tasks.len(), "connections were cut off");
        }
        let shards = Arc::clone(&self.shards);
        // Joins the writer's thread, which may wait for the disk.
        let history = self.history.clone();
        let closed = tokio::task::spawn_blocking(move || {
            shards.close_log();
            history.inspect(|history| history.close());
        });
        if tokio::time::timeout(DRAIN, closed).await.is_err() {
            tracing::error!("the disk does not answer: what was not written by now is lost");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
