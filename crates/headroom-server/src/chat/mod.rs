//! Live chats: each source is a task of its own that reconnects for as long as the server runs.

mod entry;
mod error;
mod replay;
mod sources;
mod twitch;
mod youtube;

pub use error::ChatError;
pub(crate) use sources::start;
