//! What viewers write in a rehearsal: a message a second for each thousand viewers, bursts, grumpy minutes, and complaints
//! when the sound is broken. Made up, as in `headroom-sim/src/audience/chat.rs`; what counts and judges them is real.

use crate::random::Random;
use headroom_core::{
    audience::{Aspect, Aspects, Audience, AuthorId, Classification, Conditions, Sentiment, State},
    telemetry::StreamId,
    time::Timestamp,
    units::Ratio,
};

/// Seconds from one tick of the audience to the next.
const TICK_S: u64 = 2;

/// Messages a second of a viewer.
const MESSAGES: f64 = 1e-3;

/// Share of ordinary messages taken for a complaint, rightly or not, and how much the readiness to complain differs from
/// minute to minute (deviation of its logarithm); the same for the rate of messages.
const COMPLAINTS: f64 = 0.01;
const GRUMPY_SPREAD: f64 = 1.0;
const RATE_SPREAD: f64 = 0.5;

/// A burst comes every ten minutes or so and makes a round five times as busy.
const BURST: (f64, f64) = (600.0, 5.0);

/// Share of the viewers who write about a fault, each once, their mean delay, s, and the share of that which is recognised.
const WRITING: f64 = 0.05;
const DELAY_S: f64 = 15.0;
const RECALL: f64 = 0.9;

/// The chat of one stream.
pub(super) struct Chat {
    audience: Audience,
    rate: f64,
    grumpy: f64,
    /// When the fault began that is written about.
    fault_s: Option<u64>,
}

impl Chat {
    pub(super) fn new(stream: u64) -> Self {
        let audience = Audience::new(StreamId(stream), Timestamp::EPOCH);
        Self { audience, rate: 1.0, grumpy: 1.0, fault_s: None }
    }

    /// What is known of the audience after a round of `round_s` seconds that ends at `at_s`.
    pub(super) fn round(&mut self, at_s: u64, round_s: u64, viewers: f64, broken: bool, random: &mut Random) -> State {
        if at_s % 60 < round_s {
            self.rate = factor(RATE_SPREAD, random);
            self.grumpy = factor(GRUMPY_SPREAD, random);
        }
        let burst = if random.uniform() < round_s as f64 / BURST.0 { BURST.1 } else { 1.0 };
        self.fault_s = broken.then(|| self.fault_s.unwrap_or(at_s - round_s));
        for tick in 1..=round_s / TICK_S {
            let now = Timestamp::from_millis((at_s - round_s + tick * TICK_S) * 1_000);
            for _ in 0..random.poisson(viewers * MESSAGES * self.rate * burst * TICK_S as f64) {
                let complains = random.uniform() < (COMPLAINTS * self.grumpy).min(0.5);
                let aspect = complains.then(|| Aspect::ALL[(random.uniform() * Aspect::ALL.len() as f64) as usize]);
                // A few write most: the k-th of all viewers one k-th as often as the first.
                let author = viewers.max(1.0).powf(random.uniform()) as u64;
                self.hear(author, now, aspect);
            }
            for _ in 0..random.poisson(self.writers(viewers, now)) {
                // Somebody who was silent before.
                let author = 1_000_000_000 + (random.uniform() * 1e9) as u64;
                let aspect = (random.uniform() < RECALL).then_some(Aspect::Audio);
                self.hear(author, now, aspect);
            }
            self.audience.tick(now, Conditions { sessions: viewers as u32, ..Conditions::default() });
        }
        self.audience.state()
    }

    /// How many write about the fault in a tick, on average: all who will, by an exponential delay.
    fn writers(&self, viewers: f64, now: Timestamp) -> f64 {
        let Some(fault_s) = self.fault_s else { return 0.0 };
        let since_s = now.since(Timestamp::from_millis(fault_s * 1_000)).as_secs_f64();
        viewers * WRITING * (-since_s / DELAY_S).exp() * TICK_S as f64 / DELAY_S
    }

    fn hear(&mut self, author: u64, at: Timestamp, aspect: Option<Aspect>) {
        let reading = Classification {
            sentiment: if aspect.is_some() { Sentiment::Negative } else { Sentiment::Neutral },
            confidence: Ratio::clamped(0.93),
            aspects: aspect.into_iter().collect::<Aspects>(),
            command: None,
        };
        self.audience.observe(AuthorId(author), at, "", &reading, false);
    }
}

/// A factor of mean one whose logarithm is normal.
fn factor(deviation: f64, random: &mut Random) -> f64 {
    (deviation * random.normal() - deviation * deviation / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_sound_is_written_about_and_an_ordinary_hour_is_not() {
        let (mut chat, mut random) = (Chat::new(1), Random::new(1));
        let mut spots = |from_s: u64, broken| {
            let rounds = (from_s..from_s + 3_600).step_by(10);
            let states = rounds.map(|at_s| chat.round(at_s + 10, 10, 1_000.0, broken, &mut random));
            states.filter(|state| !state.blind_spots.is_empty()).count()
        };
        assert_eq!(spots(0, false), 0);
        assert!(spots(3_600, true) > 6, "a minute of it at least");
    }
}
