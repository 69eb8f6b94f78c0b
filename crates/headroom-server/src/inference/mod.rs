//! What the server asks of inference engines: it depends on none, the binary hands it one.

mod reader;
mod transcriber;

pub use reader::{Reader, Reply, Shed};
pub use transcriber::{Say, Transcriber, TranscriptReply, Unheard, VoiceChat};
