//! A recorded chat, from a file or standard input, at the pace it was recorded.
//!
//! A line is JSON, `{"at_ms":0,"author":"a","text":"…"}` with `stream`, `id` and `session` as `POST /v1/feedback` takes them,
//! or a line as Twitch sends it (its `tmi-sent-ts` is the time). Lines without a time follow the one before at once.

use super::error::ChatError;
use crate::{
    feedback::{Feedback, Message, Sender, Settings},
    metrics::{DropReason, MessageSource},
};
use headroom_wire::irc::Line;
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    time::{Duration, Instant, sleep_until},
};

/// Longest line.
const MAX_LINE: u64 = 64 * 1024;
/// Longest pause between two lines: gaps of a recording are cut to this.
const LONGEST_PAUSE_MS: u64 = 60_000;

/// A recording being replayed.
pub(super) struct Replay {
    path: PathBuf,
    source: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    speed: f64,
    feedback: Arc<Feedback>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedMessage {
    #[serde(default)]
    at_ms: Option<u64>,
    #[serde(default)]
    stream: String,
    author: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    session: String,
    text: String,
}

impl Replay {
    /// Opens the file; `-` is standard input.
    pub(super) async fn open(settings: &Settings, feedback: Arc<Feedback>) -> Result<Self, ChatError> {
        let path = settings.replay.clone();
        let source: Box<dyn AsyncRead + Send + Unpin> = if path.as_os_str() == "-" {
            Box::new(tokio::io::stdin())
        } else {
            let opened = File::open(&path).await;
            Box::new(opened.map_err(|source| ChatError::File { path: path.clone(), source })?)
        };
        Ok(Self { path, source: BufReader::new(source), speed: settings.replay_speed, feedback })
    }

    /// Replays to the end.
    pub(super) async fn run(mut self) {
        let (mut due, mut before_ms) = (Instant::now(), None);
        let (mut heard, mut broken) = (0_u64, 0_u64);
        let mut bytes = Vec::new();
        for number in 1_u64.. {
            bytes.clear();
            match (&mut self.source).take(MAX_LINE).read_until(b'\n', &mut bytes).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(path = %self.path.display(), %error, "chat recording");
                    break;
                }
            }
            let Some((at_ms, message)) = read(&bytes) else {
                if !bytes.iter().all(u8::is_ascii_whitespace) {
                    broken += 1;
                    self.feedback.dropped(DropReason::Malformed);
                    tracing::debug!(line = number, "line of the chat recording is no message");
                }
                continue;
            };
            if let Some(at_ms) = at_ms {
                let pause_ms = before_ms.map_or(0, |before| at_ms.saturating_sub(before)).min(LONGEST_PAUSE_MS);
                before_ms = Some(at_ms);
                due += Duration::from_millis(pause_ms).div_f64(self.speed);
                sleep_until(due).await;
            }
            match self.feedback.accept(MessageSource::Replay, message, &Sender::Program) {
                Ok(()) => heard += 1,
                Err(refused) => tracing::warn!(line = number, %refused, "message of the chat recording"),
            }
        }
        tracing::info!(path = %self.path.display(), heard, broken, "chat recording has ended");
    }
}

/// Time and message of a line; `None` when it is neither form.
fn read(bytes: &[u8]) -> Option<(Option<u64>, Message)> {
    if let Ok(recorded) = serde_json::from_slice::<RecordedMessage>(bytes) {
        let RecordedMessage { at_ms, stream, author, id, session, text } = recorded;
        return Some((at_ms, Message { stream, author, id, session, text, reading: None }));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let line = Line::parse(text.trim_end_matches(['\r', '\n'])).ok()?;
    if line.is_from_another_room() {
        return None;
    }
    let (_, said) = line.words()?;
    let author = line.tag("user-id").or_else(|| line.nick().map(Into::into))?;
    let message = Message {
        author: author.into_owned(),
        id: line.tag("id").unwrap_or_default().into_owned(),
        text: said.to_owned(),
        ..Message::default()
    };
    Some((line.tag("tmi-sent-ts").and_then(|at| at.parse().ok()), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_line_are_read() {
        let (at, message) = read(br#"{"at_ms":5,"author":"a","text":"so laggy","stream":"s"}"#).unwrap();
        assert_eq!((at, message.author.as_str(), message.stream.as_str()), (Some(5), "a", "s"));
        let line = b"@id=x1;tmi-sent-ts=1507246572675;user-id=9 :b!b@b.tmi.twitch.tv PRIVMSG #c :no sound\r\n";
        let (at, message) = read(line).unwrap();
        assert_eq!((at, message.author.as_str(), message.id.as_str()), (Some(1_507_246_572_675), "9", "x1"));
        assert_eq!(message.text, "no sound");
        for broken in [&b"{\"author\":1}"[..], b"", b"PING :x", b"\xff\xfe", b"{\"author\":\"a\",\"text\":"] {
            assert!(read(broken).is_none(), "{broken:?}");
        }
    }
}
