//! The sources that are configured.

use super::{error::ChatError, replay, twitch, youtube};
use crate::feedback::{Feedback, Settings};
use std::sync::Arc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

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
