//! `POST /v1/feedback/audio`: what a viewer says. The words become a message like a written one; the sound is dropped.

use super::{
    hub::Feedback,
    message::{Message, MessageError, Sender},
    post::granted,
};
use crate::{
    http::problem::Problem,
    identity::parameter,
    inference::{TranscribeError, Transcriber},
    metrics::{MessageSource, ShedKind},
    token::Grant,
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use std::{io, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The right to send a clip. Memory for clips is bounded by how many of these there are.
pub(crate) struct ClipPermit {
    message: Message,
    sender: Sender,
    transcriber: Arc<dyn Transcriber>,
    _room: OwnedSemaphorePermit,
}

impl Feedback {
    /// Sets the recogniser and follows the configured voice chats. A second recogniser is ignored.
    pub(crate) fn listen_with(self: &Arc<Self>, transcriber: Arc<dyn Transcriber>) -> io::Result<()> {
        for chat in &self.ears.settings.voice_chats {
            let (feedback, stream) = (Arc::clone(self), chat.stream.clone());
            let say = move |text| {
                // Speakers of a voice chat are not distinguished: the whole chat is one author.
                let message =
                    Message { stream: stream.clone(), author: "voice chat".into(), text, ..Message::default() };
                if let Err(error) = feedback.accept(MessageSource::Voice, message, &Sender::Program) {
                    tracing::debug!(%error, stream, "voice chat");
                }
            };
            transcriber.follow(chat, Arc::new(say))?;
        }
        let _ = self.ears.transcriber.set(transcriber);
        Ok(())
    }

    /// Decides by the head of a request whether its clip is read at all.
    pub(crate) fn admit_clip(&self, query: &str, grant: &Grant, sender: Sender) -> Result<ClipPermit, Problem> {
        if !self.ears.settings.clips {
            return Err(Problem::not_found("clips are not taken here (speech.clips)"));
        }
        let transcriber = self.ears.transcriber.get().map(Arc::clone);
        let transcriber =
            transcriber.ok_or_else(|| Problem::no_transcriber("this server has no speech recognition"))?;
        if self.reader.is_none() {
            return Err(MessageError::NoReader.into());
        }
        let named = |name| {
            let value = percent_decode_str(parameter(query, name).unwrap_or_default()).decode_utf8();
            value.map(String::from).map_err(|_| Problem::malformed(format!("{name} is not UTF-8")))
        };
        let message = Message {
            stream: named("stream")?,
            author: named("author")?,
            session: named("session")?,
            ..Message::default()
        };
        let message = granted(message, grant)?;
        if message.author.is_empty() {
            return Err(MessageError::NoAuthor.into());
        }
        let Ok(room) = Arc::clone(&self.ears.room).try_acquire_owned() else {
            self.metrics().shed(ShedKind::Message);
            return Err(Problem::overloaded(TranscribeError::Shed.to_string()));
        };
        Ok(ClipPermit { message, sender, transcriber, _room: room })
    }

    /// Largest clip, in bytes.
    pub(crate) fn max_clip_bytes(&self) -> usize {
        self.ears.settings.max_clip_bytes
    }

    /// Transcribes a clip and delivers the words as a message. Returns the words; empty when there is no speech.
    pub(crate) async fn transcribe_clip(
        self: &Arc<Self>,
        admission: ClipPermit,
        clip: Bytes,
    ) -> Result<String, Problem> {
        let ClipPermit { message, sender, transcriber, _room } = admission;
        let (answer, receiver) = oneshot::channel();
        transcriber.submit(
            clip,
            Box::new(move |heard| {
                // The client may have gone.
                let _ = answer.send(heard);
            }),
        );
        let text = match receiver.await.unwrap_or(Err(TranscribeError::Failed)) {
            Ok(text) => text,
            Err(unheard) => {
                if unheard == TranscribeError::Shed {
                    self.metrics().shed(ShedKind::Message);
                }
                return Err(unheard.into());
            }
        };
        if !text.is_empty() {
            self.accept(MessageSource::Voice, Message { text: text.clone(), ..message }, &sender)?;
        }
        Ok(text)
    }
}

impl From<TranscribeError> for Problem {
    fn from(unheard: TranscribeError) -> Self {
        let detail = unheard.to_string();
        match unheard {
            TranscribeError::Shed | TranscribeError::Failed => Self::overloaded(detail),
            TranscribeError::NotSound(_) => Self::malformed(detail),
            TranscribeError::TooLong { .. } => Self::out_of_range(detail),
        }
    }
}
