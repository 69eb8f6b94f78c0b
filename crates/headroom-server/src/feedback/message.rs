//! A message of a viewer, and why it may be refused.

use crate::http::problem::Problem;
use headroom_core::audience::Classification;

/// A message as its source hands it in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// What it is about: a stream's name; empty for the configured one.
    pub(crate) stream: String,
    /// The author's name, unique within the source.
    pub(crate) author: String,
    /// Its identifier at the source; empty for none.
    pub(crate) id: String,
    /// The author's playback, by the name its player gives; empty when unknown.
    pub(crate) session: String,
    /// What was written.
    pub(crate) text: String,
    /// What another classifier made of it already.
    pub(crate) reading: Option<Classification>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    /// This server has no classifier.
    #[error("this server has no classifier, and the message brings no reading")]
    NoReader,
    /// Neither the message nor `chat.stream` names a stream.
    #[error("the message names no stream, and chat.stream is not set")]
    NoStream,
    /// The text is empty.
    #[error("the message has no text")]
    NoText,
    /// A name is longer than any real one.
    #[error("author, stream, session and id have at most {MAX_NAME} bytes")]
    NameTooLong,
    /// The message names no author.
    #[error("the message names no author")]
    NoAuthor,
    /// Too many streams are talked about.
    #[error("too many streams are talked about")]
    TooManyStreams,
    /// The sender's token is for another session or stream.
    #[error("the token is for another session or stream")]
    Foreign,
}

impl From<MessageError> for Problem {
    fn from(refused: MessageError) -> Self {
        match refused {
            MessageError::NoReader => Self::no_reader(refused.to_string()),
            MessageError::TooManyStreams => Self::overloaded(refused.to_string()),
            MessageError::Foreign => Self::token_foreign(refused.to_string()),
            _ => Self::out_of_range(refused.to_string()),
        }
    }
}

/// Longest name of an author, stream or session, and longest identifier of a message.
pub(super) const MAX_NAME: usize = 256;
