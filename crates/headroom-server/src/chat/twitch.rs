//! Chats of Twitch, read over IRC without an account ("Twitch IRC", dev.twitch.tv/docs/chat/irc).

use super::{entry::channel_and_stream, error::ChatError};
use crate::{
    backoff::Backoff,
    feedback::{Feedback, Message, Sender, Settings},
    metrics::MessageSource,
    tls_client,
};
use headroom_wire::irc::{self, Line};
use rustls::pki_types::ServerName;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// To connect, with TLS, and to be welcomed.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Twitch sends a PING about every five minutes; after six of silence we ask, and after this long the line is dead.
const SILENCE: Duration = Duration::from_secs(360);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Joins are limited to 20 in 10 s for an ordinary account: one each 600 ms stays below.
const JOIN_PAUSE: Duration = Duration::from_millis(600);
/// Capabilities: tags carry the message's and the author's identifier, commands announce a reconnect.
const CAPABILITIES: &str = "twitch.tv/tags twitch.tv/commands";

/// Reads the chats of some channels.
pub(super) struct Twitch {
    server: String,
    nick: String,
    tls: Option<TlsConnector>,
    /// Channel, lower case with `#`, and stream.
    channels: Vec<(String, String)>,
    feedback: Arc<Feedback>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Disconnect {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("nothing was heard in time")]
    Silent,
    #[error("the server asks to connect again")]
    Reconnect,
    #[error("the server closed the connection")]
    Closed,
    #[error("the server refused: {0}")]
    Refused(String),
}

impl Twitch {
    pub(super) fn new(settings: &Settings, feedback: Arc<Feedback>) -> Result<Self, ChatError> {
        let channel = |entry: &String| {
            let (channel, stream) = channel_and_stream(entry);
            (format!("#{}", channel.trim_start_matches('#').to_lowercase()), stream.to_owned())
        };
        Ok(Self {
            server: settings.twitch_server.clone(),
            // Names of this form are anonymous: they may read and not write.
            nick: if settings.twitch_nick.is_empty() {
                format!("justinfan{}", 10_000 + std::process::id() % 90_000)
            } else {
                settings.twitch_nick.clone()
            },
            tls: if settings.twitch_tls {
                Some(TlsConnector::from(tls_client::client(&settings.ca_file)?))
            } else {
                None
            },
            channels: settings.twitch_channels.iter().map(channel).collect(),
            feedback,
        })
    }

    /// Follows the chats for ever, through lost connections.
    pub(super) async fn follow(self) {
        let mut backoff = Backoff::new();
        loop {
            let ended = match self.connect(&mut backoff).await {
                Ok(never) => match never {},
                Err(ended) => ended,
            };
            let wait = backoff.wait();
            tracing::warn!(server = self.server, reason = %ended, wait_ms = wait.as_millis() as u64, "chat connection lost");
            tokio::time::sleep(wait).await;
        }
    }

    async fn connect(&self, backoff: &mut Backoff) -> Result<std::convert::Infallible, Disconnect> {
        let in_time = |_| Disconnect::Silent;
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.server)).await.map_err(in_time)??;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => self.converse(stream, backoff).await,
            Some(connector) => {
                let host = self.server.rsplit_once(':').map_or(self.server.as_str(), |(host, _)| host);
                let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let stream = timeout(CONNECT_TIMEOUT, connector.connect(name, stream)).await.map_err(in_time)??;
                self.converse(stream, backoff).await
            }
        }
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        backoff: &mut Backoff,
    ) -> Result<std::convert::Infallible, Disconnect> {
        let (reading, mut writing) = tokio::io::split(stream);
        let mut reading = BufReader::new(reading);
        let mut send = async |line: Line<'_>| writing.write_all(format!("{line}\r\n").as_bytes()).await;
        send(Line::new("CAP", &["REQ", CAPABILITIES])).await?;
        send(Line::new("NICK", &[&self.nick])).await?;
        // Twitch ignores it; every other server waits for it.
        send(Line::new("USER", &[&self.nick, "0", "*", &self.nick])).await?;
        send(Line::new("CAP", &["END"])).await?;
        let mut bytes = Vec::new();
        let mut to_join = self.channels.iter();
        let mut welcomed = false;
        let mut asked = false;
        loop {
            let patience = match (welcomed, asked) {
                (true, _) if to_join.len() > 0 => JOIN_PAUSE,
                (true, false) => SILENCE,
                (_, true) | (false, _) => ANSWER_TIMEOUT,
            };
            // What was read before the time ran out stays in `bytes`: reading up to a line end can be broken off.
            let Ok(read) = timeout(patience, read_line(&mut reading, &mut bytes)).await else {
                if welcomed && let Some((channel, _)) = to_join.next() {
                    send(Line::new("JOIN", &[channel])).await?;
                } else if welcomed && !asked {
                    asked = true;
                    send(Line::new("PING", &["headroom"])).await?;
                } else {
                    return Err(Disconnect::Silent);
                }
                continue;
            };
            if !read? {
                return Err(Disconnect::Closed);
            }
            asked = false;
            let text = String::from_utf8_lossy(&bytes);
            if let Ok(line) = Line::parse(text.trim_end_matches(['\r', '\n'])) {
                match line.command {
                    "PING" => send(Line::new("PONG", &[line.parameter(0).unwrap_or_default()])).await?,
                    "001" => {
                        welcomed = true;
                        backoff.reset();
                        if let Some((channel, _)) = to_join.next() {
                            send(Line::new("JOIN", &[channel])).await?;
                        }
                        tracing::info!(server = self.server, channels = self.channels.len(), "chat connected");
                    }
                    "RECONNECT" => return Err(Disconnect::Reconnect),
                    "ERROR" | "432" | "433" | "465" => {
                        return Err(Disconnect::Refused(
                            line.parameters.last().copied().unwrap_or_default().to_owned(),
                        ));
                    }
                    "403" | "404" | "471" | "473" | "474" | "475" | "NOTICE" if welcomed => {
                        tracing::warn!(
                            notice = line.parameters.last().copied().unwrap_or_default(),
                            "chat server says"
                        );
                    }
                    _ => self.take(&line),
                }
            }
            bytes.clear();
        }
    }

    fn take(&self, line: &Line<'_>) {
        // What was written in another room is about that room's stream.
        if line.is_from_another_room() {
            return;
        }
        let Some((channel, text)) = line.words() else { return };
        let Some((_, stream)) = self.channels.iter().find(|(known, _)| known.eq_ignore_ascii_case(channel)) else {
            return;
        };
        let author = line.tag("user-id").or_else(|| line.nick().map(Into::into));
        let message = Message {
            stream: stream.clone(),
            author: author.unwrap_or_default().into_owned(),
            id: line.tag("id").unwrap_or_default().into_owned(),
            text: text.to_owned(),
            ..Message::default()
        };
        if let Err(refused) = self.feedback.accept(MessageSource::Twitch, message, &Sender::Program) {
            tracing::debug!(%refused, channel, "message");
        }
    }
}

/// Appends up to the end of a line; false at the end of the stream. Of a line that is too long the rest is dropped, and the
/// parser refuses what is left.
async fn read_line(reading: &mut (impl AsyncBufReadExt + Unpin), bytes: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let room = (irc::MAX_LINE + 2).saturating_sub(bytes.len()) as u64;
        if room == 0 {
            // Too long already: look for its end in bounded steps.
            let available = reading.fill_buf().await?;
            let end = available.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(available.len(), |end| end + 1);
            if used == 0 {
                return Ok(false);
            }
            reading.consume(used);
            if end.is_some() {
                return Ok(true);
            }
            continue;
        }
        let read = (&mut *reading).take(room).read_until(b'\n', bytes).await?;
        if bytes.last() == Some(&b'\n') {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
    }
}
