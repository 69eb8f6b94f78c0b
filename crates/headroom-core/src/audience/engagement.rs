//! How lively the chat is: messages, authors, mood and who stays, and one score of them.

use super::{AuthorId, Classification, Sentiment, claims::beyond_chance, habit::Habit, sample::AuthorSample};
use crate::time::{Duration, Timestamp};
use std::collections::VecDeque;

/// Minutes kept: an author of the last ten counts as taking part.
const MINUTES: usize = 10;
/// Minutes that are "now" for mood and engagement.
const NOW: usize = 5;
/// Authors without opinion that mood is drawn to zero by: three messages are no mood.
const SHRINKAGE: f64 = 4.0;

/// The last minutes of a chat.
#[derive(Clone, Debug)]
pub(super) struct Engagement {
    /// Newest last.
    minutes: VecDeque<Minute>,
    usual_messages: Habit,
    usual_authors: Habit,
    heard_since: Timestamp,
}

#[derive(Clone, Debug)]
struct Minute {
    number: u64,
    messages: u32,
    sample: AuthorSample,
}

/// What the last minutes were like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ChatActivity {
    /// Messages a minute.
    pub(super) messages_per_minute: f64,
    /// Different authors of the last five minutes.
    pub(super) authors: f64,
    /// Different authors of the last ten minutes.
    pub(super) recent_authors: f64,
    /// Mean tone of recent messages, −1 (all negative) to 1.
    pub(super) mood: f64,
    /// Engagement, 0 to 100.
    pub(super) score: f64,
}

impl Engagement {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            minutes: VecDeque::new(),
            usual_messages: Habit::guess(0.0),
            usual_authors: Habit::guess(0.0),
            heard_since: now,
        }
    }

    /// Takes note of a message.
    pub(super) fn observe(&mut self, author: AuthorId, at: Timestamp, reading: &Classification) {
        let number = at.as_micros() / 60_000_000;
        if self.minutes.back().is_none_or(|minute| minute.number < number) {
            self.minutes.push_back(Minute { number, messages: 0, sample: AuthorSample::default() });
            if self.minutes.len() > MINUTES + 1 {
                self.minutes.pop_front();
            }
        }
        let Some(minute) = self.minutes.back_mut() else { return };
        minute.messages = minute.messages.saturating_add(1);
        let attitude = match reading.sentiment {
            Sentiment::Negative => -1.0,
            Sentiment::Neutral => 0.0,
            Sentiment::Positive => 1.0,
        };
        minute.sample.observe(author, attitude, beyond_chance(reading));
    }

    /// Judges the last minutes and learns from the last `span`. `viewers_stay` is the share of viewers that telemetry
    /// still sees, where it sees any.
    pub(super) fn judge(&mut self, now: Timestamp, span: Duration, viewers_stay: Option<f64>) -> ChatActivity {
        let current = now.as_micros() / 60_000_000;
        self.minutes.retain(|minute| minute.number + MINUTES as u64 >= current);
        let (mut recent, mut before, mut messages) = (AuthorSample::default(), AuthorSample::default(), 0);
        for minute in &self.minutes {
            if minute.number + NOW as u64 > current {
                recent.merge(&minute.sample);
                messages += minute.messages;
            } else {
                before.merge(&minute.sample);
            }
        }
        // The newest of the five minutes is not over, and a new chat is younger than five.
        let covered_s = (NOW as f64 - 1.0) * 60.0 + (now.as_secs_f64() % 60.0);
        let covered_s = covered_s.min(now.since(self.heard_since).as_secs_f64()).max(1.0);
        let messages_per_minute = f64::from(messages) * 60.0 / covered_s;
        let authors = recent.authors();
        let mood = recent.mood(SHRINKAGE);
        let stay = viewers_stay.or_else(|| recent.returned(&before)).unwrap_or(0.5);
        self.usual_messages.learn(messages_per_minute, span);
        self.usual_authors.learn(authors, span);
        let against = |value: f64, usual: f64| if value > 0.0 { value / (value + usual) } else { 0.0 };
        let score = 100.0
            * (0.3 * against(messages_per_minute, self.usual_messages.value())
                + 0.3 * against(authors, self.usual_authors.value())
                + 0.2 * f64::midpoint(mood, 1.0)
                + 0.2 * stay.clamp(0.0, 1.0));
        before.merge(&recent);
        ChatActivity {
            messages_per_minute,
            authors,
            recent_authors: before.authors(),
            mood,
            score: score.clamp(0.0, 100.0),
        }
    }
}
