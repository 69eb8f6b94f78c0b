//! One direction of a network link, packet by packet: rate, finite queue, delay, jitter, loss.
//!
//! Sans-IO: [`Link::offer`] says when a packet that arrives now would leave the far end, or why it would not. The caller
//! owns clock, packets and randomness, so the same emulator runs in a test, in the simulator, and under real packets
//! in `headroom link`.
//!
//! Order of events for one packet: tail-drop queue, transmission at the rate of the link, loss on the wire (a lost
//! packet has used its capacity), propagation delay, jitter. Packets never overtake each other: a packet whose
//! draw of jitter would let it pass waits for the one before it.
//!
//! Times are durations since the start of the link. They must not run backwards; a time before the last one counts as the last.

mod conditions;
mod loss;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

pub use conditions::{Conditions, Direction, Profile, Replay, ReplayError};
pub use loss::{Loss, LossError};

use rand::{Rng, RngExt};

/// Most packets in one queue, whatever its limit in bytes or time: bounds memory. 65,536 full packets are 98 MB.
pub const MAX_QUEUED_PACKETS: usize = 65_536;

/// Smallest capacity of a queue measured in time, bytes: ten full packets, the initial window of TCP (RFC 6928). A
/// queue that shrank to nothing in an outage would drop what real modems keep.
pub const MIN_TIMED_QUEUE_BYTES: u64 = 15_000;

/// How much may wait in front of the link.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Queue {
    /// Bytes, among them the packet in transmission.
    Bytes(u64),
    /// What the rate in force carries in this time, at least [`MIN_TIMED_QUEUE_BYTES`].
    Time(Duration),
}

/// Why a packet was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue had no room.
    QueueFull,
    /// Lost on the wire.
    Lost,
    /// The link carries nothing from now on.
    LinkDown,
}

/// What becomes of an offered packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves the far end at this time.
    Departure {
        /// Time since the start of the link; never before the departure of an earlier packet.
        at: Duration,
    },
    /// It does not arrive.
    Dropped(DropReason),
}

/// What has happened so far. `offered = departed + dropped_full + dropped_lost + dropped_down` at all times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets offered.
    pub offered: u64,
    /// Bytes offered.
    pub offered_bytes: u64,
    /// Packets that leave, or will leave, the far end.
    pub departed: u64,
    /// Their bytes.
    pub departed_bytes: u64,
    /// Packets dropped by a full queue.
    pub dropped_full: u64,
    /// Packets lost on the wire.
    pub dropped_lost: u64,
    /// Packets dropped because the link carries nothing any more.
    pub dropped_down: u64,
}

/// One direction of a link.
#[derive(Debug, Clone)]
pub struct Link {
    profile: Profile,
    queue: Queue,
    loss_state: loss::State,
    counters: Counters,
    /// Packets accepted and not yet through transmission: when their last bit leaves, and their bytes.
    in_queue: VecDeque<(f64, u32)>,
    queued_bytes: u64,
    /// When the transmitter is free again, seconds.
    free_at_s: f64,
    /// Departure of the last packet, seconds: nothing leaves before it.
    last_departure_s: f64,
    now_s: f64,
}

impl Link {
    /// A link with this behaviour over time and this queue.
    pub fn new(profile: Profile, queue: Queue) -> Self {
        Self {
            profile,
            queue,
            loss_state: loss::State::default(),
            counters: Counters::default(),
            in_queue: VecDeque::new(),
            queued_bytes: 0,
            free_at_s: 0.0,
            last_departure_s: 0.0,
            now_s: 0.0,
        }
    }

    /// Offers a packet of `len` bytes at `now`.
    ///
    /// The rate is taken over the whole time of transmission: a step of the trace in the middle of a packet counts.
    pub fn offer<R: Rng + ?Sized>(&mut self, now: Duration, len: u32, rng: &mut R) -> Verdict {
        self.advance(now);
        self.counters.offered += 1;
        self.counters.offered_bytes += u64::from(len);
        let verdict = self.decide(len, rng);
        match verdict {
            Verdict::Departure { .. } => {
                self.counters.departed += 1;
                self.counters.departed_bytes += u64::from(len);
            }
            Verdict::Dropped(DropReason::QueueFull) => self.counters.dropped_full += 1,
            Verdict::Dropped(DropReason::Lost) => self.counters.dropped_lost += 1,
            Verdict::Dropped(DropReason::LinkDown) => self.counters.dropped_down += 1,
        }
        verdict
    }

    /// Replaces the behaviour from `now` on. Packets accepted before keep their departures; the replayed time of a
    /// trace continues on the link's clock.
    pub fn reconfigure(&mut self, now: Duration, profile: Profile, queue: Queue) {
        self.advance(now);
        self.profile = profile;
        self.queue = queue;
    }

    /// Bytes that wait or are in transmission at `now`.
    pub fn backlog_bytes(&mut self, now: Duration) -> u64 {
        self.advance(now);
        self.queued_bytes
    }

    /// How long a packet offered at `now` would wait before its first bit is sent.
    pub fn waiting_time(&mut self, now: Duration) -> Duration {
        self.advance(now);
        Duration::try_from_secs_f64(self.free_at_s - self.now_s).unwrap_or_default()
    }

    /// What is in force at `now`.
    pub fn conditions(&self, now: Duration) -> Conditions {
        self.profile.conditions(now.as_secs_f64())
    }

    /// The behaviour over time.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The queue.
    pub fn queue(&self) -> Queue {
        self.queue
    }

    /// What has happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn decide<R: Rng + ?Sized>(&mut self, len: u32, rng: &mut R) -> Verdict {
        let conditions = self.profile.conditions(self.now_s);
        let capacity = match self.queue {
            Queue::Bytes(bytes) => bytes,
            Queue::Time(time) => {
                let carried = conditions.rate_kbps * 1000.0 / 8.0 * time.as_secs_f64();
                (carried as u64).max(MIN_TIMED_QUEUE_BYTES)
            }
        };
        // An idle link takes any packet: the limit is for waiting.
        let full = self.queued_bytes + u64::from(len) > capacity && !self.in_queue.is_empty();
        if full || self.in_queue.len() >= MAX_QUEUED_PACKETS {
            return Verdict::Dropped(DropReason::QueueFull);
        }
        let start_s = self.free_at_s.max(self.now_s);
        let Some(sent_s) = self.profile.finish_of(start_s, f64::from(len) * 8.0) else {
            return Verdict::Dropped(DropReason::LinkDown);
        };
        self.free_at_s = sent_s;
        self.in_queue.push_back((sent_s, len));
        self.queued_bytes += u64::from(len);
        if self.loss_state.loses(conditions.loss, rng) {
            return Verdict::Dropped(DropReason::Lost);
        }
        let jitter_s = conditions.jitter_ms / 1000.0 * rng.random::<f64>();
        let departure_s = (sent_s + conditions.delay_ms / 1000.0 + jitter_s).max(self.last_departure_s);
        // A trace with an outage of years at its end would leave the range of a duration.
        let Ok(at) = Duration::try_from_secs_f64(departure_s) else {
            return Verdict::Dropped(DropReason::LinkDown);
        };
        self.last_departure_s = departure_s;
        Verdict::Departure { at }
    }

    /// Moves the clock and forgets packets whose last bit has left.
    fn advance(&mut self, now: Duration) {
        self.now_s = self.now_s.max(now.as_secs_f64());
        while let Some(&(sent_s, len)) = self.in_queue.front() {
            if sent_s > self.now_s {
                break;
            }
            self.queued_bytes -= u64::from(len);
            self.in_queue.pop_front();
        }
    }
}
