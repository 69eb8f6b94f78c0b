//! The classifier, as the server wants it: a queue in front of the models, one thread behind it.

use crate::commands::classifier::ClassifierArguments;
use headroom_infer::text::{Queue, QueueSettings};
use headroom_server::{MessageShed, Reader, Reply};
use std::sync::Arc;

/// Reads what viewers write.
struct Messages(Queue);

/// A reader over the models that are found; `None`, with the reason in the log, where there are none. The server then
/// takes only messages that bring their reading.
pub(crate) fn reader() -> Option<Arc<dyn Reader>> {
    match ClassifierArguments::usual().open() {
        Ok(classifier) => Some(Arc::new(Messages(Queue::start(vec![classifier], QueueSettings::default())))),
        Err(error) => {
            tracing::warn!("messages of viewers are not read: {error:#}");
            None
        }
    }
}

impl Reader for Messages {
    fn submit(&self, text: String, lane: u64, reply: Reply) {
        self.0.submit(text, lane, move |result| {
            reply(result.map(|prediction| prediction.for_engine()).map_err(|_| MessageShed));
        });
    }

    fn recalled(&self) -> u64 {
        self.0.counters().0.recalled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::audience::{Aspect, Command, Sentiment};
    use std::sync::mpsc;

    #[test]
    fn the_shipped_models_read_for_the_server() {
        let reader = reader().expect("the models are in the repository");
        for (text, sentiment, aspect, command) in [
            ("the stream keeps buffering every few minutes", Sentiment::Negative, Some(Aspect::Buffering), None),
            ("is the stream down?", Sentiment::Negative, Some(Aspect::Availability), None),
            ("switch to 720p", Sentiment::Neutral, None, Some(Command::SetQuality(Some(720)))),
        ] {
            let (sender, answer) = mpsc::channel();
            reader.submit(text.to_owned(), 0, Box::new(move |reading| sender.send(reading).expect("someone waits")));
            let reading = answer.recv().unwrap().unwrap();
            assert_eq!(reading.sentiment, sentiment, "{text}");
            assert_eq!(reading.aspects.iter().next(), aspect, "{text}");
            assert_eq!(reading.command, command, "{text}");
        }
    }
}
