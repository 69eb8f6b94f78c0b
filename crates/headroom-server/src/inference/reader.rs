//! The classifier of messages, as the server sees it.
//!
//! The server does not depend on an inference engine. The binary hands it one that implements [`Reader`].

use headroom_core::audience::Classification;

/// Turns texts into readings, on threads of its own.
pub trait Reader: Send + Sync + 'static {
    /// Queues `text` and returns at once. `reply` is called exactly once, from any thread: with the reading, or with
    /// [`MessageShed`] when the text had to make room for newer ones. Texts of one `lane` wait in line; lanes take turns, and
    /// the longest makes room, so that no sender keeps the others from being read.
    fn submit(&self, text: String, lane: u64, reply: Reply);

    /// Texts so far that were answered from memory: their words had been read a short while before.
    fn recalled(&self) -> u64 {
        0
    }
}

/// Called with what became of a text. Must not block.
pub type Reply = Box<dyn FnOnce(Result<Classification, MessageShed>) + Send>;

/// The text was given up: more came than can be read, and the oldest is worth least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message was shed: more came than can be read")]
pub struct MessageShed;
