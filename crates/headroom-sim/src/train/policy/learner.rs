//! The network as it learns from lessons.

use super::{Lesson, Settings};
use crate::train::{
    Adam, Average, backward,
    gradient::{backward_weights, through_rectified},
    initialise, shuffled,
};
use headroom_core::{
    ladder::Ladder,
    network::{Network, rectified},
    policy::learned::{RUNG, STATE, Scorer, WIDTH},
};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use std::collections::VecDeque;

/// Advantages below this, in top rungs, teach no more than this.
const LOWEST_ADVANTAGE: f32 = -6.0;
/// Longest gradient of one step.
const LONGEST_GRADIENT: f32 = 1.0;
/// Share of a round's weights in the average kept.
const AVERAGE_SHARE: f32 = 0.05;

/// Softmax over the rungs that `counts` admits; zero for the others.
pub(super) fn probabilities(
    scores: &[f32; Ladder::MAX_RUNGS],
    counts: impl Fn(usize) -> bool,
) -> [f32; Ladder::MAX_RUNGS] {
    let admitted = |rung: &usize| counts(*rung);
    let highest = (0..scores.len()).filter(admitted).map(|rung| scores[rung]).fold(f32::NEG_INFINITY, f32::max);
    let mut shares = [0.0; Ladder::MAX_RUNGS];
    for rung in (0..scores.len()).filter(admitted) {
        shares[rung] = (scores[rung] - highest).exp();
    }
    let total: f32 = shares.iter().sum();
    shares.map(|share| share / total.max(f32::MIN_POSITIVE))
}

/// The scorer as it learns.
pub struct Learner {
    settings: Settings,
    scorer: Scorer,
    adam: Adam,
    average: Average<Scorer>,
    lessons: VecDeque<Lesson>,
    random: Pcg64Mcg,
    round: usize,
}

impl Learner {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut scorer = Scorer::zero();
        initialise(&mut scorer.state, STATE + RUNG, &mut random);
        initialise(&mut scorer.rung, STATE + RUNG, &mut random);
        initialise(&mut scorer.second, WIDTH, &mut random);
        // Nearly equal scores: at first every rung is as likely as any other.
        initialise(&mut scorer.last, 200, &mut random);
        let adam = Adam::new(&scorer, 0.0);
        let average = Average::new(AVERAGE_SHARE);
        Self { settings, scorer, adam, average, lessons: VecDeque::new(), random, round: 0 }
    }

    /// The scorer that plays the next round.
    #[must_use]
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// The average over the rounds: what is kept in the end.
    #[must_use]
    pub fn average(&self) -> &Scorer {
        self.average.network()
    }

    /// Learns from a round, and returns the mean expected shortfall of its lessons against the best rung tried, in top rungs.
    pub fn learn(&mut self, lessons: Vec<Lesson>) -> f64 {
        let brought = lessons.len();
        self.lessons.extend(lessons);
        let surplus = self.lessons.len().saturating_sub(brought * self.settings.remembered);
        self.lessons.drain(..surplus);
        let progress = self.round as f32 / self.settings.rounds.max(1) as f32;
        let rate = self.settings.rate * (1.0 - 0.95 * progress);
        let (mut shortfall, mut steps) = (0.0, 0);
        for _ in 0..self.settings.passes {
            let order = shuffled(self.lessons.len(), &mut self.random);
            for batch in order[..brought.min(order.len())].chunks(self.settings.batch) {
                let mut gradient = Scorer::zero();
                for &index in batch {
                    let weight = 1.0 / batch.len() as f32;
                    shortfall += f64::from(self.study(&self.lessons[index], weight, &mut gradient));
                    steps += 1;
                }
                self.adam.step(&mut self.scorer, &gradient, rate, LONGEST_GRADIENT);
            }
        }
        self.average.observe(&self.scorer);
        self.round += 1;
        shortfall / f64::from(steps.max(1))
    }

    /// Adds the gradient of one lesson, and returns its expected shortfall.
    fn study(&self, lesson: &Lesson, weight: f32, gradient: &mut Scorer) -> f32 {
        let (scorer, situation) = (&self.scorer, &lesson.situation);
        let session = scorer.state.apply(&situation.state);
        let layers: Vec<_> = situation.rungs[..situation.count]
            .iter()
            .map(|rung| {
                let first = rectified(scorer.rung.apply_onto(session, rung));
                let second = rectified(scorer.second.apply(&first));
                (first, second, scorer.last.apply(&second))
            })
            .collect();
        let mut scores = [0.0; Ladder::MAX_RUNGS];
        for (score, (_, _, [output])) in scores.iter_mut().zip(&layers) {
            *score = *output;
        }
        let shares = probabilities(&scores, |rung| lesson.values[rung].is_some());
        let best = lesson.values.iter().flatten().copied().fold(f32::NEG_INFINITY, f32::max);
        let advantage = lesson.values.map(|value| value.map_or(0.0, |value| (value - best).max(LOWEST_ADVANTAGE)));
        let expected: f32 = shares.iter().zip(&advantage).map(|(share, advantage)| share * advantage).sum();
        let ln = |share: f32| share.max(f32::MIN_POSITIVE).ln();
        let entropy: f32 = -shares.iter().map(|&share| share * ln(share)).sum::<f32>();
        let mut by_session = [0.0; WIDTH];
        for (rung, (first, second, _)) in layers.iter().enumerate() {
            if lesson.values[rung].is_none() {
                continue;
            }
            let share = shares[rung];
            let rise = share * (advantage[rung] - expected) - self.settings.entropy * share * (ln(share) + entropy);
            let by_second = backward(&scorer.last, second, &[-rise * weight], &mut gradient.last);
            let by_second = through_rectified(by_second, second);
            let by_first = backward(&scorer.second, first, &by_second, &mut gradient.second);
            let by_first = through_rectified(by_first, first);
            backward_weights(&scorer.rung, &situation.rungs[rung], &by_first, &mut gradient.rung);
            for (sum, slope) in by_session.iter_mut().zip(by_first) {
                *sum += slope;
            }
        }
        backward(&scorer.state, &situation.state, &by_session, &mut gradient.state);
        -expected
    }
}
