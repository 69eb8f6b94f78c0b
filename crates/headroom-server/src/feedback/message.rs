//! A message of a viewer, and why it may be refused.

use crate::http::problem::Problem;
use headroom_core::audience::Classification;
use std::net::IpAddr;

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

/// Who hands a message in, and how far that word goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A source of the configuration, or a program with a token for everybody: it says who wrote a message and whose playback a
    /// command is for.
    Program,
    /// A program on this machine that names no client: it says who wrote a message, and a command is a vote.
    Local,
    /// A viewer with a token: the author is the session of the token, and commands act on it.
    Viewer,
    /// Anyone else: the author is the address, and a command is a vote.
    Address(IpAddr),
}

impl Sender {
    /// Within what the author's name is unique: the source, or this listener, however its author speaks.
    pub(super) fn scope(&self, source: &'static str) -> &'static str {
        match self {
            Self::Program | Self::Local => source,
            Self::Viewer | Self::Address(_) => "viewer",
        }
    }

    /// The message as its sender may send it.
    pub(super) fn vouch(&self, mut message: Message) -> Result<Message, MessageError> {
        if message.author.is_empty() {
            return Err(MessageError::NoAuthor);
        }
        match self {
            Self::Program => {}
            Self::Local => message.session.clear(),
            Self::Viewer => message.author = format!("session:{}", message.session),
            Self::Address(address) => {
                let customer = match address.to_canonical() {
                    IpAddr::V4(address) => address.to_string(),
                    // As under the limits of addresses: the /64, the least a provider gives a customer.
                    IpAddr::V6(address) => format!("{:016x}", address.to_bits() >> 64),
                };
                message.author = format!("address:{customer}");
                message.session.clear();
            }
        }
        Ok(message)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_who_can_be_held_to_it() {
        let address = |text: &str| Sender::Address(text.parse().unwrap());
        for (sender, author, session) in [
            (Sender::Program, "ann", "s"),
            (Sender::Local, "ann", ""),
            (Sender::Viewer, "session:s", "s"),
            (address("192.0.2.7"), "address:192.0.2.7", ""),
            (address("::ffff:192.0.2.7"), "address:192.0.2.7", ""),
            (address("2001:db8:1:2::3"), "address:20010db800010002", ""),
        ] {
            let said = Message { author: "ann".into(), session: "s".into(), ..Message::default() };
            let vouched = sender.vouch(said).unwrap();
            assert_eq!((vouched.author.as_str(), vouched.session.as_str()), (author, session), "{sender:?}");
            assert_eq!(sender.vouch(Message::default()).unwrap_err(), MessageError::NoAuthor);
        }
    }
}
