//! Messages read on threads of their own, behind a bounded queue.

use super::{Classifier, Prediction, ReadError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bounds of a [`Queue`].
#[derive(Clone, Copy, Debug)]
pub struct QueueSettings {
    /// Messages that may wait; one more sheds the oldest of the longest lane. A message of chat is old after seconds: 2,048 are four
    /// seconds at 500 a second.
    pub capacity: usize,
    /// Messages read together. Beyond 32 a batch gains little and waits longer.
    pub batch: usize,
    /// How long the first message of a batch waits for others.
    pub patience: Duration,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { capacity: 2048, batch: 32, patience: Duration::from_millis(30) }
    }
}

/// Why a message was not classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue was full and newer messages took its place.
    #[error("too many messages are waiting")]
    Shed,
    /// The classifier failed on its batch.
    #[error("the classifier failed")]
    Failed,
    /// The queue was closed.
    #[error("the classifier is stopping")]
    Stopped,
}

/// Counts since the queue was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages submitted.
    pub submitted: u64,
    /// Messages classified.
    pub read: u64,
    /// Classified messages whose scores came from the cache, so that no network ran.
    pub recalled: u64,
    /// Messages that made room for newer ones.
    pub shed: u64,
    /// Messages the engine failed on.
    pub failed: u64,
    /// Runs of the classifier.
    pub batches: u64,
}

/// Takes a result; called once, on a worker's thread or, for a shed message, on that of the one who took its place.
type Reply = Box<dyn FnOnce(Result<Prediction, QueueError>) + Send>;

/// What a worker does with a batch.
trait Read: FnMut(&[&str]) -> Result<Vec<Prediction>, ReadError> + Send + 'static {}
impl<T: FnMut(&[&str]) -> Result<Vec<Prediction>, ReadError> + Send + 'static> Read for T {}

/// Workers, each with a classifier of its own. Dropping it answers what still waits with [`QueueError::Stopped`].
pub struct Queue {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    settings: QueueSettings,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Lanes,
    counters: Counters,
    closed: bool,
}

/// Messages that wait, in a lane each for whoever sent them. Lanes take turns, and the longest one makes room: a flood waits
/// behind itself.
#[derive(Default)]
struct Lanes {
    by_sender: BTreeMap<u64, VecDeque<Message>>,
    /// Whose turn it is, first to last; each lane that holds something once.
    turns: VecDeque<u64>,
    len: usize,
}

impl Lanes {
    fn push(&mut self, lane: u64, message: Message) {
        let messages = self.by_sender.entry(lane).or_default();
        if messages.is_empty() {
            self.turns.push_back(lane);
        }
        messages.push_back(message);
        self.len += 1;
    }

    /// The oldest message of the lane whose turn it is.
    fn pop(&mut self) -> Option<Message> {
        let lane = self.turns.pop_front()?;
        let message = self.take(lane);
        if self.by_sender.contains_key(&lane) {
            self.turns.push_back(lane);
        }
        message
    }

    /// The oldest message of the longest lane.
    fn shed(&mut self) -> Option<Message> {
        let (&lane, _) = self.by_sender.iter().max_by_key(|(_, messages)| messages.len())?;
        let message = self.take(lane);
        if !self.by_sender.contains_key(&lane) {
            self.turns.retain(|&turn| turn != lane);
        }
        message
    }

    fn take(&mut self, lane: u64) -> Option<Message> {
        let messages = self.by_sender.get_mut(&lane)?;
        let message = messages.pop_front();
        self.len -= usize::from(message.is_some());
        if messages.is_empty() {
            self.by_sender.remove(&lane);
        }
        message
    }

    /// Since when the longest waiting has waited.
    fn oldest(&self) -> Option<Instant> {
        self.by_sender.values().filter_map(|messages| messages.front().map(|message| message.since)).min()
    }
}

struct Message {
    text: String,
    since: Instant,
    reply: Reply,
}

impl Queue {
    /// Starts one thread a classifier.
    #[must_use]
    pub fn start(classifiers: Vec<Classifier>, settings: QueueSettings) -> Self {
        let readers = classifiers.into_iter().map(|mut classifier| move |texts: &[&str]| classifier.read(texts));
        Self::over(readers, settings)
    }

    fn over<R: Read>(readers: impl IntoIterator<Item = R>, settings: QueueSettings) -> Self {
        let shared = Arc::new(Shared { settings, state: Mutex::default(), news: Condvar::new() });
        let workers = readers
            .into_iter()
            .map(|reader| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.work(reader))
            })
            .collect();
        Self { shared, workers }
    }

    /// Submits a message; never waits. Messages of one `lane` are read in order; lanes take turns. `reply` is called once, later,
    /// from another thread, and should be quick.
    pub fn submit(
        &self,
        mut text: String,
        lane: u64,
        reply: impl FnOnce(Result<Prediction, QueueError>) + Send + 'static,
    ) {
        // What is never read need not be kept: a character has at most four bytes.
        text.truncate(text.floor_char_boundary(4 * super::MAX_CHARACTERS));
        let message = Message { text, since: Instant::now(), reply: Box::new(reply) };
        let shed = {
            let mut state = self.shared.lock();
            state.counters.submitted += 1;
            let full = state.waiting.len >= self.shared.settings.capacity.max(1);
            state.waiting.push(lane, message);
            let shed = if full { state.waiting.shed() } else { None };
            state.counters.shed += u64::from(full);
            shed
        };
        self.shared.news.notify_one();
        if let Some(shed) = shed {
            (shed.reply)(Err(QueueError::Shed));
        }
    }

    /// Counters and how many messages wait.
    #[must_use]
    pub fn counters(&self) -> (Counters, usize) {
        let state = self.shared.lock();
        (state.counters, state.waiting.len)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.shared.news.notify_all();
        for message in waiting.by_sender.into_values().flatten() {
            (message.reply)(Err(QueueError::Stopped));
        }
        // The last owner may be a reply: then a worker drops the queue, and cannot wait for itself.
        let here = std::thread::current().id();
        for worker in self.workers.drain(..).filter(|worker| worker.thread().id() != here) {
            // A panic of a reply is its owner's affair.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between statements, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut read: impl Read) {
        while let Some(batch) = self.next_batch() {
            let texts: Vec<&str> = batch.iter().map(|message| message.text.as_str()).collect();
            let outcome = read(&texts);
            {
                let mut state = self.lock();
                state.counters.batches += 1;
                match &outcome {
                    Ok(predictions) => {
                        state.counters.read += batch.len() as u64;
                        state.counters.recalled += predictions.iter().filter(|found| found.recalled).count() as u64;
                    }
                    Err(_) => state.counters.failed += batch.len() as u64,
                }
            }
            match outcome {
                Ok(predictions) => {
                    batch.into_iter().zip(predictions).for_each(|(message, found)| (message.reply)(Ok(found)));
                }
                Err(_) => batch.into_iter().for_each(|message| (message.reply)(Err(QueueError::Failed))),
            }
        }
    }

    /// Waits for a full batch, or for the oldest message's patience to end; `None` when the queue is closed.
    fn next_batch(&self) -> Option<Vec<Message>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let full = state.waiting.len >= self.settings.batch.max(1);
            let left = state.waiting.oldest().map(|since| self.settings.patience.saturating_sub(since.elapsed()));
            state = match left {
                None => self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if !full && !left.is_zero() => {
                    self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let most = self.settings.batch.max(1);
                    return Some(std::iter::from_fn(|| state.waiting.pop()).take(most).collect());
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Language, NetworkError};
    use headroom_core::audience::{Aspects, Classification, Sentiment};
    use headroom_core::units::Ratio;
    use std::sync::mpsc::{Receiver, Sender, channel};

    fn neutral() -> Prediction {
        let (sentiment, confidence) = (Sentiment::Neutral, Ratio::clamped(1.0));
        let reading = Classification { sentiment, confidence, aspects: Aspects::NONE, command: None };
        Prediction {
            reading,
            probabilities: [0.0, 1.0, 0.0],
            language: Language::En,
            recalled: false,
            certainty: Ratio::ZERO,
        }
    }

    /// Says which texts it was given, then waits for leave.
    fn gated(seen: Sender<Vec<String>>, leave: Receiver<()>) -> impl Read {
        move |texts: &[&str]| {
            let _ = seen.send(texts.iter().map(|text| (*text).to_owned()).collect());
            let _ = leave.recv();
            if texts.contains(&"break") {
                Err(NetworkError("broken".into()).into())
            } else {
                Ok(vec![neutral(); texts.len()])
            }
        }
    }

    fn queue(capacity: usize, batch: usize) -> (Queue, Receiver<Vec<String>>, Sender<()>) {
        let (seen, batches) = channel();
        let (leave, gate) = channel();
        let settings = QueueSettings { capacity, batch, patience: Duration::from_millis(5) };
        (Queue::over([gated(seen, gate)], settings), batches, leave)
    }

    fn submit(queue: &Queue, text: &str, outcomes: &Sender<(String, Result<(), QueueError>)>) {
        let (name, outcomes) = (text.to_owned(), outcomes.clone());
        queue.submit(text.to_owned(), 0, move |outcome| {
            let _ = outcomes.send((name, outcome.map(|_| ())));
        });
    }

    #[test]
    fn the_oldest_waiting_message_makes_room_and_is_counted() {
        let (queue, batches, leave) = queue(2, 8);
        let (outcomes, told) = channel();
        submit(&queue, "first", &outcomes);
        assert_eq!(batches.recv().unwrap(), ["first"], "one alone is read after the patience");
        for text in ["a", "b", "c", "d"] {
            submit(&queue, text, &outcomes);
        }
        assert_eq!(told.recv().unwrap(), ("a".into(), Err(QueueError::Shed)));
        assert_eq!(told.recv().unwrap(), ("b".into(), Err(QueueError::Shed)));
        leave.send(()).unwrap();
        leave.send(()).unwrap();
        assert_eq!(batches.recv().unwrap(), ["c", "d"]);
        let rest: Vec<_> = told.iter().take(3).collect();
        assert_eq!(rest, ["first", "c", "d"].map(|name| (name.to_owned(), Ok(()))));
        let (counters, waiting) = queue.counters();
        assert_eq!((counters.submitted, counters.read, counters.shed, counters.batches, waiting), (5, 3, 2, 2, 0));
    }

    #[test]
    fn a_flood_waits_behind_itself() {
        let (queue, batches, leave) = queue(4, 2);
        let (outcomes, told) = channel();
        let submit = |text: &str, lane: u64| {
            let (name, outcomes) = (text.to_owned(), outcomes.clone());
            queue.submit(text.to_owned(), lane, move |outcome| drop(outcomes.send((name, outcome.is_ok()))));
        };
        submit("first", 9);
        assert_eq!(batches.recv().unwrap(), ["first"]);
        submit("honest", 1);
        (0..12_000).for_each(|number| submit(&format!("flood {number}"), 2));
        (0..3).for_each(|_| leave.send(()).unwrap());
        assert_eq!(batches.recv().unwrap(), ["honest", "flood 11997"]);
        assert_eq!(batches.recv().unwrap(), ["flood 11998", "flood 11999"]);
        drop(queue);
        let read: Vec<String> = told.try_iter().filter(|(_, read)| *read).map(|(name, _)| name).collect();
        assert_eq!(read, ["first", "honest", "flood 11997", "flood 11998", "flood 11999"]);
    }

    #[test]
    fn a_failed_batch_and_a_closed_queue_answer_everyone() {
        let (queue, batches, leave) = queue(8, 1);
        let (outcomes, told) = channel();
        for text in ["break", "waits"] {
            submit(&queue, text, &outcomes);
        }
        assert_eq!(batches.recv().unwrap(), ["break"]);
        leave.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), ("break".into(), Err(QueueError::Failed)));
        assert_eq!(batches.recv().unwrap(), ["waits"]);
        submit(&queue, "late", &outcomes);
        let closing = std::thread::spawn(move || drop(queue));
        assert_eq!(told.recv().unwrap(), ("late".into(), Err(QueueError::Stopped)));
        leave.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), ("waits".into(), Ok(())));
        closing.join().unwrap();
    }

    #[test]
    fn a_reply_may_be_the_last_owner() {
        let (queue, batches, leave) = queue(2, 8);
        let queue = Arc::new(queue);
        let (outcomes, told) = channel();
        let last = Arc::clone(&queue);
        queue.submit("x".into(), 0, move |outcome| {
            drop(last);
            let _ = outcomes.send(outcome.is_ok());
        });
        batches.recv().unwrap();
        drop(queue);
        leave.send(()).unwrap();
        assert!(told.recv().unwrap(), "the worker outlived the queue it dropped");
    }

    #[test]
    fn a_megabyte_waits_as_four_kilobytes() {
        let (queue, batches, leave) = queue(8, 1);
        leave.send(()).unwrap();
        let (outcomes, _told) = channel();
        submit(&queue, &"é".repeat(1 << 19), &outcomes);
        assert_eq!(batches.recv().unwrap()[0].len(), 4 * crate::text::MAX_CHARACTERS);
    }
}
