//! The one door for messages: from any source through the reader to the engine of their stream.

use super::{
    ears::ClipIntake,
    message::{MAX_NAME, Message, MessageError, Sender},
    metrics::MessageMetrics,
    settings::Settings,
    speech_settings::SpeechSettings,
    topic::{RecentMessage, Topics},
};
use crate::{
    clients::{Clients, Limits},
    inference::{MessageShed, Reader},
    ingest::Ingest,
    metrics::{DropReason, MessageSource, Metrics, ShedKind},
};
use headroom_core::{
    audience::{AuthorId, Classification, Conditions, State},
    engine::{Input, Output},
    telemetry::{SessionId, StreamId},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Longest text read, bytes: eight times the longest message of Twitch. More says nothing more.
const MAX_TEXT: usize = 4_096;

/// The one door for messages.
pub(crate) struct Feedback {
    pub(super) reader: Option<Arc<dyn Reader>>,
    pub(super) ingest: Arc<Ingest>,
    pub(super) settings: Settings,
    pub(super) ears: ClipIntake,
    topics: Topics,
    messages: MessageMetrics,
    pub(super) sockets: Arc<Semaphore>,
    pub(super) socket_clients: Arc<Clients>,
    pub(super) shutdown: CancellationToken,
    numbers: AtomicU64,
}

impl Feedback {
    pub(crate) fn new(
        reader: Option<Arc<dyn Reader>>,
        ingest: Arc<Ingest>,
        settings: Settings,
        speech: SpeechSettings,
        messages: MessageMetrics,
        shutdown: CancellationToken,
    ) -> Self {
        let sockets = Arc::new(Semaphore::new(settings.max_sockets.min(Semaphore::MAX_PERMITS)));
        let per_client = Limits {
            connections: settings.max_sockets_per_client,
            requests_per_s: 0,
            burst: 0,
            total_requests_per_s: 0,
        };
        let socket_clients = Arc::new(Clients::new(per_client, ingest.identifier.trusts_loopback()));
        Self {
            reader,
            ingest,
            settings,
            ears: ClipIntake::new(speech),
            topics: Topics::default(),
            messages,
            sockets,
            socket_clients,
            shutdown,
            numbers: AtomicU64::new(0),
        }
    }

    /// Takes a message in. It is read on the reader's threads and reaches the engine when it has been.
    pub(crate) fn accept(
        self: &Arc<Self>,
        source: MessageSource,
        message: Message,
        sender: &Sender,
    ) -> Result<(), MessageError> {
        if [&message.stream, &message.author, &message.id, &message.session].iter().any(|name| name.len() > MAX_NAME) {
            return Err(MessageError::NameTooLong);
        }
        let Message { stream, author, mut id, session, text, reading } = sender.vouch(message)?;
        let stream = if stream.is_empty() { self.settings.stream.clone() } else { stream };
        if stream.is_empty() {
            return Err(MessageError::NoStream);
        }
        if reading.is_none() && text.trim().is_empty() {
            return Err(MessageError::NoText);
        }
        if reading.is_none() && self.reader.is_none() {
            return Err(MessageError::NoReader);
        }
        let identifier = &self.ingest.identifier;
        let home = identifier.stream(&stream, None);
        if !self.topics.know(home, &stream, identifier) {
            return Err(MessageError::TooManyStreams);
        }
        if id.is_empty() {
            id = format!("{}-{}", source.label(), self.numbers.fetch_add(1, Ordering::Relaxed));
        }
        let pending = PendingMessage {
            home,
            author: identifier.author(sender.scope(source.label()), &author, self.ingest.now_s()),
            id,
            session: (!session.is_empty()).then(|| identifier.reported_session(&session)),
            text: if self.settings.show_text { shortened(&text, 200).to_owned() } else { String::new() },
            at: Instant::now(),
        };
        self.messages.message(source);
        if let Some(reading) = reading {
            self.deliver(pending, reading);
            return Ok(());
        }
        let Some(reader) = &self.reader else { return Err(MessageError::NoReader) };
        let feedback = Arc::clone(self);
        let reply = move |read: Result<Classification, MessageShed>| match read {
            Ok(reading) => feedback.deliver(pending, reading),
            Err(MessageShed) => feedback.metrics().shed(ShedKind::Message),
        };
        // Streams take turns: a flood about one waits behind itself.
        reader.submit(shortened(&text, MAX_TEXT).to_owned(), home.0, Box::new(reply));
        Ok(())
    }

    /// Hands a reading to the engines.
    fn deliver(&self, pending: PendingMessage, reading: Classification) {
        let PendingMessage { home, author, id, session, text, at } = pending;
        let engines = &self.ingest.engines;
        // A command acts on a live session; without one it is a vote.
        let session = session.filter(|&session| reading.command.is_some() && engines.snapshot(session).is_some());
        let now = engines.now();
        let input = Input::Feedback { stream: home, author, at: now, id: id.clone(), reading, session };
        let elsewhere = engines.handle_feedback(home, session, input);
        if let (true, Some(session), Some(command)) = (elsewhere, session, reading.command) {
            engines.handle_command(session, command);
        }
        self.topics.note(home, RecentMessage { id, author, at: now, reading, text });
        self.messages.delay.observe(at.elapsed().as_secs_f64());
    }

    /// Carries news between the shards; called after every tick of one.
    pub(crate) fn relay(&self) {
        for output in self.ingest.engines.take_news() {
            match output {
                Output::Weights { stream, weights, .. } => {
                    for alias in self.topics.weigh(stream, weights) {
                        self.ingest.engines.weigh(alias, weights);
                    }
                }
                Output::BlindSpot(blind_spot) => {
                    self.messages.blind_spots.inc();
                    tracing::warn!(
                        stream = self.topics.name(blind_spot.stream),
                        aspect = blind_spot.aspect.word(),
                        complaints = blind_spot.complaints,
                        usual = blind_spot.usual,
                        sessions = blind_spot.telemetry.sessions,
                        "viewers complain about something telemetry does not show"
                    );
                }
                Output::BlindSpotCleared { stream, aspect, .. } => {
                    tracing::info!(stream = self.topics.name(stream), aspect = aspect.word(), "complaints have ended");
                }
                Output::Decision(_) | Output::Expired { .. } => {}
            }
        }
    }

    /// Tells every audience what the sessions of its stream go through, in all shards; called once a tick interval.
    pub(crate) fn tell_conditions(&self) {
        if self.topics.is_empty() {
            return;
        }
        let engines = &self.ingest.engines;
        let seen = engines.conditions();
        for (home, aliases) in self.topics.aliases() {
            let mut sum = Conditions::default();
            for alias in &aliases {
                let Some(&conditions) = seen.get(alias) else { continue };
                sum += conditions;
                // A rendering that appears later must be weighed like the others.
                if let Some(weights) = self.topics.appeared(home, *alias) {
                    engines.weigh(*alias, weights);
                }
            }
            if sum.sessions > 0 {
                engines.tell_conditions(home, sum);
            }
        }
    }

    /// What is known of the audience of a stream, by name.
    pub(crate) fn audience(&self, name: &str) -> Option<(State, Vec<RecentMessage>)> {
        let home = self.ingest.identifier.stream(name, None);
        let state = self.ingest.engines.audience(home)?;
        Some((state, self.topics.latest(home)))
    }

    /// Names of the streams that are talked about.
    pub(crate) fn names(&self) -> Vec<String> {
        self.topics.names()
    }

    /// Counts what a source could not read.
    pub(crate) fn dropped(&self, reason: DropReason) {
        self.metrics().dropped(reason);
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.ingest.metrics
    }
}

/// A message that waits for the reader.
struct PendingMessage {
    home: StreamId,
    author: AuthorId,
    id: String,
    session: Option<SessionId>,
    text: String,
    at: Instant,
}

/// The beginning of `text`, at most `limit` bytes, cut between characters.
fn shortened(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
