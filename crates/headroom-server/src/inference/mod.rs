//! What the server asks of inference engines: it depends on none, the binary hands it one.

mod reader;
mod transcriber;

pub use reader::{MessageShed, Reader, Reply};
pub use transcriber::{OnUtterance, TranscribeError, Transcriber, TranscriptReply, VoiceChat};
