//! Live chats: each source is a task of its own that reconnects for as long as the server runs.

mod replay;
mod twitch;
mod youtube;

use crate::{
    feedback::{Feedback, Settings},
    tls_client::ClientTlsError,
};
use std::{path::PathBuf, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Why a chat cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// Encrypted connections cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] ClientTlsError),
    /// A file that is named cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system or the parser reports.
        source: std::io::Error,
    },
}

/// Starts every source that is configured.
pub(crate) async fn start(
    settings: &Settings,
    feedback: &Arc<Feedback>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), ChatError> {
    if !settings.twitch_channels.is_empty() {
        let source = twitch::Twitch::new(settings, Arc::clone(feedback))?;
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(source.follow()));
    }
    if !settings.youtube_chats.is_empty() {
        for source in youtube::YouTube::all(settings, feedback)? {
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(source.follow()));
        }
    }
    if !settings.replay.as_os_str().is_empty() {
        let source = replay::Replay::open(settings, Arc::clone(feedback)).await?;
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(source.run()));
    }
    Ok(())
}

/// `CHANNEL` or `CHANNEL=STREAM`: where to listen and what it is about.
fn channel_and_stream(entry: &str) -> (&str, &str) {
    entry.split_once('=').unwrap_or((entry, ""))
}
