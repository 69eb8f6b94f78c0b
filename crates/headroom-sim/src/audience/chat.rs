//! One stream's chat, watched by an [`Audience`] alone: how soon a fault is seen, how often an ordinary day alarms.

use super::reading;
use headroom_core::{
    audience::{Aspect, Audience, AuthorId, Change, Conditions},
    policy::Weights,
    telemetry::StreamId,
    time::Timestamp,
};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp, LogNormal, Poisson, Zipf};
use rand_pcg::Pcg64Mcg;

/// An ordinary chat.
#[derive(Clone, Copy, Debug)]
pub struct Chat {
    /// Messages a second on average; one for each thousand viewers is assumed.
    pub messages_per_s: f64,
    /// Share of ordinary messages that a classifier takes for a complaint about some aspect, rightly or not.
    pub complaint_share: f64,
    /// What telemetry says.
    pub telemetry: Conditions,
    /// Seed of everything random.
    pub seed: u64,
}

/// A fault that every viewer notices and no player reports.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// When it begins, seconds.
    pub at_s: f64,
    /// What is broken.
    pub aspect: Aspect,
    /// Share of the viewers who write about it.
    pub writing: f64,
    /// Mean time until they have, seconds.
    pub delay_s: f64,
    /// Share of their messages the classifier recognises.
    pub recall: f64,
}

/// People who complain about nothing, in concert.
#[derive(Clone, Copy, Debug)]
pub struct Brigade {
    /// When it begins, seconds; it goes on to the end.
    pub at_s: f64,
    /// What they claim.
    pub aspect: Aspect,
    /// How many.
    pub authors: u64,
    /// How often each writes, seconds.
    pub every_s: f64,
    /// What telemetry says while it goes on.
    pub telemetry: Conditions,
}

/// What happened in the chat.
#[derive(Clone, Debug, Default)]
pub struct ChatOutcome {
    /// Alarms, by time in seconds and aspect.
    pub alarms: Vec<(f64, Aspect)>,
    /// When the first complaint about the fault was written.
    pub first_complaint_s: Option<f64>,
    /// Largest and smallest value that any weight took.
    pub weights: (f32, f32),
    /// Authors of the last ten minutes when the fault or brigade began.
    pub authors: f64,
    /// Messages in all.
    pub messages: u64,
}

impl ChatOutcome {
    fn note(&mut self, at_s: f64, changes: Vec<Change>) {
        let raised = changes.into_iter().filter_map(|change| match change {
            Change::Raised(blind_spot) => Some((at_s, blind_spot.aspect)),
            _ => None,
        });
        self.alarms.extend(raised);
    }
}

/// Spread of the chat rate from minute to minute, and of the readiness to complain (lognormal sigma): a chat that is three
/// times as busy, or ten times as grumpy, as usual in a minute is ordinary.
const RATE_SPREAD: f64 = 0.5;
const GRUMPY_SPREAD: f64 = 1.0;
/// A burst (a goal, a joke) comes every ten minutes or so, lasts 20 s and is five times as busy.
const BURST_EVERY_S: f64 = 600.0;
const BURST_S: f64 = 20.0;
const BURST: f64 = 5.0;
/// Authors who take part at all, for each message a second, and how unequally (Zipf exponent 1: a few write most).
const AUTHORS_PER_RATE: f64 = 1_000.0;
const TICK_S: f64 = 2.0;
/// Time zero means "never" in places.
const START_S: f64 = 1_000_000.0;

impl Chat {
    /// Lets the chat run for `seconds` with what else happens in it.
    ///
    /// # Panics
    /// When a rate or share is not a positive number.
    #[must_use]
    pub fn watch(&self, seconds: f64, fault: Option<Fault>, brigade: Option<Brigade>) -> ChatOutcome {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed);
        let clock = |at_s: f64| Timestamp::from_secs_f64(START_S + at_s);
        let mut audience = Audience::new(StreamId(1), clock(0.0));
        let mut watched = ChatOutcome { weights: (1.0, 1.0), ..ChatOutcome::default() };
        let authors = Zipf::new((AUTHORS_PER_RATE * self.messages_per_s).max(50.0), 1.0).expect("a valid size");
        let (rate_spread, grumpy_spread) = (spread(RATE_SPREAD), spread(GRUMPY_SPREAD));
        let fault_complaints = fault.map_or_else(Vec::new, |fault| self.complaints_about(&fault, &mut rng));
        watched.first_complaint_s = fault_complaints.first().map(|&(at_s, _)| at_s);
        let (mut rate, mut grumpy, mut burst_until_s) = (1.0, 1.0, 0.0);
        let mut next_complaint = 0;
        let began_s = fault.map(|fault| fault.at_s).or(brigade.map(|brigade| brigade.at_s)).unwrap_or(f64::INFINITY);
        let mut step_s = 0.0;
        while step_s < seconds {
            if step_s % 60.0 < TICK_S {
                (rate, grumpy) = (rate_spread.sample(&mut rng), grumpy_spread.sample(&mut rng));
            }
            if rng.random_bool(TICK_S / BURST_EVERY_S) {
                burst_until_s = step_s + BURST_S;
            }
            let burst = if step_s < burst_until_s { BURST } else { 1.0 };
            let mean = (self.messages_per_s * rate * burst * TICK_S).max(1e-6);
            let count = Poisson::new(mean).expect("a positive mean").sample(&mut rng) as u64;
            let mut said: Vec<(f64, AuthorId, Option<Aspect>)> = Vec::new();
            for _ in 0..count {
                let complains = rng.random_bool((self.complaint_share * grumpy).min(0.5));
                let aspect = complains.then(|| Aspect::ALL[rng.random_range(0..Aspect::ALL.len())]);
                let author = AuthorId(authors.sample(&mut rng) as u64);
                said.push((step_s + rng.random_range(0.0..TICK_S), author, aspect));
            }
            while let Some(&(at_s, author)) =
                fault_complaints.get(next_complaint).filter(|(at, _)| *at < step_s + TICK_S)
            {
                next_complaint += 1;
                let recognised = fault.filter(|fault| rng.random_bool(fault.recall)).map(|fault| fault.aspect);
                said.push((at_s, author, recognised));
            }
            if let Some(brigade) = brigade.filter(|brigade| step_s >= brigade.at_s) {
                for author in 0..brigade.authors {
                    if rng.random_bool((TICK_S / brigade.every_s).min(1.0)) {
                        let id = AuthorId(1_000_000_000 + author);
                        said.push((step_s + rng.random_range(0.0..TICK_S), id, Some(brigade.aspect)));
                    }
                }
            }
            said.sort_by(|left, right| left.0.total_cmp(&right.0));
            for (at_s, author, aspect) in said {
                watched.messages += 1;
                audience.observe(author, clock(at_s), "", &reading(aspect), false);
                watched.note(at_s, audience.hasten(clock(at_s)));
            }
            step_s += TICK_S;
            let attacked = brigade.filter(|brigade| step_s >= brigade.at_s);
            let telemetry = attacked.map_or(self.telemetry, |brigade| brigade.telemetry);
            watched.note(step_s, audience.tick(clock(step_s), telemetry));
            let Weights { stall, quality, latency } = audience.weights();
            for weight in [stall, quality, latency] {
                watched.weights = (watched.weights.0.max(weight), watched.weights.1.min(weight));
            }
            if step_s <= began_s {
                watched.authors = audience.state().recent_authors;
            }
        }
        watched
    }

    /// When who writes about the fault, in order.
    fn complaints_about(&self, fault: &Fault, rng: &mut Pcg64Mcg) -> Vec<(f64, AuthorId)> {
        let viewers = self.messages_per_s * 1_000.0;
        let delay = Exp::new(1.0 / fault.delay_s).expect("a positive delay");
        let writers = (viewers * fault.writing).round() as u64;
        let mut complaints: Vec<(f64, AuthorId)> = (0..writers)
            .map(|writer| (fault.at_s + 1.0 + delay.sample(rng), AuthorId(2_000_000_000 + writer)))
            .collect();
        complaints.sort_by(|left, right| left.0.total_cmp(&right.0));
        complaints
    }
}

/// A factor whose mean is one.
fn spread(sigma: f64) -> LogNormal<f64> {
    LogNormal::new(-sigma * sigma / 2.0, sigma).expect("a finite sigma")
}
