//! Decodes on a thread of its own, with a bounded queue before it.

use super::{End, TranscribeError, Transcript, Utterance, Whisper};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One utterance with its transcript.
pub struct Recognition {
    /// The utterance with its samples.
    pub utterance: Utterance,
    /// Its transcript, or why there is none.
    pub transcript: Result<Transcript, TranscribeError>,
    /// Time from submission to the transcript: waiting and decoding.
    pub latency: Duration,
}

/// The thread that owns a model.
pub struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Starts the thread. At most `capacity` utterances (at least one) wait; `tell` is called on the thread with each
    /// result, in order.
    #[must_use]
    pub fn spawn(mut whisper: Whisper, capacity: usize, mut tell: impl FnMut(Recognition) + Send + 'static) -> Self {
        let queue = Arc::new(Queue::new(capacity));
        let thread = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                while let Some((utterance, since)) = queue.pop() {
                    let transcript = whisper.transcribe(&utterance);
                    queue.rest();
                    tell(Recognition { utterance, transcript, latency: since.elapsed() });
                }
            }
        });
        Self { queue, thread: Mutex::new(Some(thread)) }
    }

    /// Hands an utterance over and waits for room in the queue: for files and pipes, which can wait.
    pub fn submit(&self, utterance: Utterance) {
        self.queue.push_when_room(utterance);
    }

    /// Hands an utterance over at once: for live sound. Where the queue is full the oldest one is dropped.
    pub fn offer(&self, utterance: Utterance) {
        self.queue.push_over_oldest(utterance);
    }

    /// Hands over what was said so far of an utterance that is still open ([`super::Endpointer::so_far`]), if the thread rests;
    /// whether it did. Whole utterances go first: they replace a glimpse that waits.
    pub fn glimpse(&self, utterance: Utterance) -> bool {
        self.queue.push_if_idle(utterance)
    }

    /// Utterances dropped from the queue so far.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.queue.lock().shed
    }

    /// Waits until everything that was handed over is decoded. Nothing can be handed over after it.
    pub fn finish(&self) {
        self.queue.close(false);
        self.join();
    }

    /// Drops what waits and waits for the decode that runs. Nothing can be handed over after it.
    pub fn stop(&self) {
        self.queue.close(true);
        self.join();
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic in there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Queue {
    waiting: Mutex<QueueState>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Default)]
struct QueueState {
    utterances: VecDeque<(Utterance, Instant)>,
    /// Whether the thread is at work.
    busy: bool,
    shed: u64,
    closed: bool,
}

impl QueueState {
    /// A glimpse is handed over only to a thread at rest, so none waits behind anything else.
    fn drop_glimpse(&mut self) {
        if self.utterances.front().is_some_and(|(utterance, _)| utterance.end == End::Open) {
            self.utterances.pop_front();
        }
    }
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), capacity: capacity.max(1) }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // The state is whole between any two statements, so a panic elsewhere leaves it usable.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push_if_idle(&self, utterance: Utterance) -> bool {
        let mut waiting = self.lock();
        let idle = !waiting.busy && !waiting.closed && waiting.utterances.is_empty();
        if idle {
            waiting.utterances.push_back((utterance, Instant::now()));
            self.changed.notify_all();
        }
        idle
    }

    fn push_when_room(&self, utterance: Utterance) {
        let mut waiting = self.lock();
        waiting.drop_glimpse();
        while waiting.utterances.len() >= self.capacity && !waiting.closed {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.closed {
            return;
        }
        waiting.utterances.push_back((utterance, Instant::now()));
        self.changed.notify_all();
    }

    fn push_over_oldest(&self, utterance: Utterance) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.drop_glimpse();
        while waiting.utterances.len() >= self.capacity {
            waiting.utterances.pop_front();
            waiting.shed += 1;
        }
        waiting.utterances.push_back((utterance, Instant::now()));
        self.changed.notify_all();
    }

    fn pop(&self) -> Option<(Utterance, Instant)> {
        let mut waiting = self.lock();
        loop {
            if let Some(next) = waiting.utterances.pop_front() {
                waiting.busy = true;
                self.changed.notify_all();
                return Some(next);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn rest(&self) {
        self.lock().busy = false;
    }

    fn close(&self, drop_waiting: bool) {
        let mut waiting = self.lock();
        waiting.closed = true;
        if drop_waiting {
            waiting.utterances.clear();
        }
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(start: u64) -> Utterance {
        Utterance { samples: vec![], start, voiced_frames: 0, voice_probability: 0.0, end: End::Pause }
    }

    #[test]
    fn a_full_queue_sheds_the_oldest_and_counts_it() {
        let queue = Queue::new(2);
        (0..5).for_each(|start| queue.push_over_oldest(numbered(start)));
        queue.close(false);
        let left: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|(utterance, _)| utterance.start).collect();
        assert_eq!((left, queue.lock().shed), (vec![3, 4], 3));
    }

    #[test]
    fn a_glimpse_waits_for_nobody_and_makes_room_for_the_whole() {
        let queue = Queue::new(2);
        let open = |start| Utterance { end: End::Open, ..numbered(start) };
        assert!(queue.push_if_idle(open(1)));
        assert!(!queue.push_if_idle(open(2)), "one at a time");
        queue.push_over_oldest(numbered(3));
        assert_eq!(queue.pop().map(|(utterance, _)| utterance.start), Some(3), "the whole replaces its beginning");
        assert!(!queue.push_if_idle(open(4)), "the thread is at work");
        queue.rest();
        assert!(queue.push_if_idle(open(5)));
        queue.close(false);
        assert_eq!(queue.pop().map(|(utterance, _)| utterance.start), Some(5));
        assert_eq!(queue.lock().shed, 0, "a replaced glimpse is not counted as lost");
        queue.rest();
        assert!(!queue.push_if_idle(open(6)), "it is closed");
    }

    #[test]
    fn a_source_that_can_wait_loses_nothing() {
        let queue = Arc::new(Queue::new(1));
        let reader = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                (0..50).for_each(|start| queue.push_when_room(numbered(start)));
                queue.close(false);
            }
        });
        let got: Vec<u64> = std::iter::from_fn(|| queue.pop()).map(|(utterance, _)| utterance.start).collect();
        reader.join().unwrap();
        assert_eq!(got, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn closing_releases_a_waiting_source() {
        let queue = Arc::new(Queue::new(1));
        queue.push_when_room(numbered(0));
        let reader = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push_when_room(numbered(1))
        });
        queue.close(true);
        reader.join().unwrap();
    }
}
