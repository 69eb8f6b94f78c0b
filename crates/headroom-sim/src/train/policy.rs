//! Training of the learned policy (`headroom-core/src/policy/learned`): policy iteration on returns of its own choices.
//!
//! The link of a simulated session does not depend on what the player does, so from every state visited *every* rung can be
//! tried on the same future, the policy choosing all that follows. That gives the value of each rung under the present
//! policy without a critic and without the noise of single trajectories. The policy is then moved along the gradient of
//! its expected value, Σ π(rung) × advantage(rung): the all-action policy gradient (Sutton et al., NIPS 1999; Allen et al.
//! 2017), with a little entropy so that it keeps trying. Unlike imitation of an oracle, no value rests on knowledge of the future
//! that the policy will not have.
//!
//! Sessions vary in everything that deployments vary in: ladder, segment duration, buffer, round-trip time, and how
//! much a stall weighs.

use super::{
    Adam, Average, backward,
    gradient::{backward_weights, through_rectified},
    initialise,
};
use crate::{
    player::{Moment, OnDemand, OnDemandSettings, Player, Step},
    trace::Trace,
    video::Video,
};
use headroom_core::{
    forecast::{Forecast, History},
    ladder::{Ladder, RungIndex},
    network::{Network, rectified},
    policy::{
        Segments, View, Weights,
        learned::{AVERSIONS, RUNG, STATE, Scorer, Situation, WIDTH},
    },
    time::{Duration, Timestamp},
    units::Bitrate,
};
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;
use std::collections::VecDeque;

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Rounds of playing and learning.
    pub rounds: usize,
    /// Sessions played in a round.
    pub sessions: usize,
    /// Decisions in a session.
    pub decisions: usize,
    /// Segments played after a tried rung.
    pub horizon: usize,
    /// First learning rate; it falls linearly to a twentieth.
    pub rate: f32,
    /// What a nat of entropy is worth, in top rungs for a segment.
    pub entropy: f32,
    /// Rounds whose lessons are remembered.
    pub remembered: usize,
    /// Times that as many lessons are learned as a round brings.
    pub passes: usize,
    /// Lessons in one step.
    pub batch: usize,
    /// Share of sessions on drawn conditions; the others play the live profile.
    pub varied: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rounds: 160,
            sessions: 64,
            decisions: 50,
            horizon: 8,
            rate: 0.002,
            entropy: 0.01,
            remembered: 10,
            passes: 8,
            batch: 256,
            varied: 0.3,
        }
    }
}

/// One state, and what the rungs tried there were worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    situation: Situation,
    /// Sum over the horizon in units of the top rung; `None` for rungs not tried.
    values: [Option<f32>; Ladder::MAX_RUNGS],
}

/// Spread of the logarithm of link rates: what is learned must not hang on one level.
const LEVEL_SPREAD: f64 = 0.3;
/// Longest stall that counts in a tried future, seconds: beyond it every choice is equally lost.
const LONGEST_STALL_S: f64 = 20.0;
/// Rungs further from the best and less likely than this are tried only now and then.
const UNLIKELY: f32 = 0.03;
const TRIED_ANYWAY: f64 = 0.1;
/// Share of decisions that are drawn evenly.
const EXPLORED: f64 = 0.03;
/// Advantages below this, in top rungs, teach no more than this.
const LOWEST_ADVANTAGE: f32 = -6.0;
/// Longest gradient of one step.
const LONGEST_GRADIENT: f32 = 1.0;
/// Share of a round's weights in the average kept.
const AVERAGE_SHARE: f32 = 0.05;

/// The conditions of one session.
struct Conditions {
    video: Video,
    settings: OnDemandSettings,
    /// Mbit/s that a second of stall costs.
    stall_penalty: f64,
    aversion: f32,
}

impl Conditions {
    fn draw(settings: &Settings, random: &mut Pcg64Mcg) -> Option<Self> {
        let varied = random.random_bool(settings.varied);
        let (mut kbps, segment_s, capacity_s) = if varied { varied_stream(random) } else { live_stream() };
        // A faster ladder is a slower link: scaling one or the other is the same.
        let level: f64 = random.sample(StandardNormal);
        kbps.iter_mut().for_each(|kbps| *kbps *= (LEVEL_SPREAD * level).exp());
        let aversion = if random.random_bool(0.3) { 1.0 } else { 2_f64.powf(random.random_range(-1.0..1.0)) };
        let ladder =
            Ladder::from_bitrates(&kbps.iter().copied().map(Bitrate::from_kbps_f64).collect::<Vec<_>>()).ok()?;
        let top = ladder.bitrate(ladder.top()).as_mbps();
        let segments = settings.decisions + settings.horizon + 1;
        let segment = Duration::from_secs_f64(segment_s);
        let video = Video::jittered(ladder, segment, segments, crate::profile::SIZE_SPREAD, random.random()).ok()?;
        let round_trip_s = if varied { random.random_range(0.02..0.12) } else { 0.08 };
        Some(Self {
            video,
            settings: OnDemandSettings { capacity_s, round_trip_s, ..OnDemandSettings::default() },
            stall_penalty: top * aversion,
            aversion: (aversion as f32).clamp(*AVERSIONS.start(), *AVERSIONS.end()),
        })
    }
}

fn live_stream() -> (Vec<f64>, f64, f64) {
    let rungs = Ladder::default();
    (rungs.rungs().iter().map(|rung| rung.bitrate.as_kbps()).collect(), 2.0, 6.0)
}

/// A ladder of 4 to 9 rungs in uneven geometric steps, segments of 1 to 4 s, a buffer of 2.5 to 5 segments.
fn varied_stream(random: &mut Pcg64Mcg) -> (Vec<f64>, f64, f64) {
    let segment_s = [1.0, 1.0, 2.0, 4.0][random.random_range(0..4)];
    let rungs = random.random_range(4..10);
    let lowest: f64 = random.random_range(300.0..800.0);
    let range: f64 = random.random_range(8.0..58.0);
    let kbps = (0..rungs).map(|rung| {
        let inner = rung > 0 && rung + 1 < rungs;
        let shift = if inner { random.random_range(-0.15..0.15) } else { 0.0 };
        lowest * range.powf((f64::from(rung) + shift) / f64::from(rungs - 1))
    });
    (kbps.collect(), segment_s, segment_s * random.random_range(2.5..5.0))
}

/// A session in progress: cheap to copy, so that futures can be tried.
#[derive(Clone, Copy)]
struct Session {
    moment: Moment,
    next: usize,
    current: RungIndex,
    history: History,
    pause_s: f64,
}

impl Session {
    fn fetch(&mut self, player: &OnDemand<'_>, rung: RungIndex) -> Option<Step> {
        let (moment, step) = player.preview(self.moment, self.next, rung)?;
        let throughput = Bitrate::from_kbps_f64((step.bits / step.transfer_s / 1_000.0).max(1.0));
        let (pause, transfer) = (Duration::from_secs_f64(self.pause_s), Duration::from_secs_f64(step.transfer_s));
        self.history.push_after(pause, throughput, transfer);
        self.pause_s = step.wait_s;
        (self.moment, self.current) = (moment, rung);
        self.next += 1;
        Some(step)
    }

    fn situation(&self, conditions: &Conditions) -> Option<Situation> {
        let view = View {
            now: Timestamp::from_secs_f64(self.moment.clock_s),
            ladder: conditions.video.ladder(),
            segment_duration: conditions.video.segment_duration(),
            segments: Segments::Nominal,
            buffer_length: Duration::from_secs_f64(self.moment.buffer_s),
            buffer_capacity: Duration::from_secs_f64(conditions.settings.capacity_s),
            current: Some(self.current),
            live_latency: None,
            history: &self.history,
            forecast: &Forecast::UNKNOWN,
            weights: Weights::default(),
        };
        Situation::of(&view, conditions.aversion)
    }
}

/// Plays one session with `scorer` on one of `links`, each as likely as it is long, and tries the rungs at every step.
///
/// The same scorer, links, settings and seed give the same lessons.
#[must_use]
pub fn play(scorer: &Scorer, links: &[Trace], settings: &Settings, seed: u64) -> Vec<Lesson> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut lessons = Vec::new();
    let (Some(link), Some(conditions)) = (draw_link(links, &mut random), Conditions::draw(settings, &mut random))
    else {
        return lessons;
    };
    let player = OnDemand::new(&conditions.video, link, conditions.settings);
    let link_s = random.random_range(0.0..link.duration_s());
    let mut session = Session {
        moment: Moment { link_s, ..Moment::default() },
        next: 0,
        current: 0,
        history: History::default(),
        pause_s: 0.0,
    };
    let mut rung = random.random_range(0..3).min(conditions.video.ladder().top());
    for _ in 0..settings.decisions {
        if session.fetch(&player, rung).is_none() {
            break;
        }
        let Some(situation) = session.situation(&conditions) else {
            break;
        };
        let probabilities = probabilities(&scorer.scores(&situation), |rung| rung < situation.count);
        let best = scorer.best(&situation);
        let mut values = [None; Ladder::MAX_RUNGS];
        for tried in 0..situation.count {
            let likely = tried.abs_diff(usize::from(best)) <= 1 || probabilities[tried] >= UNLIKELY;
            if likely || random.random_bool(TRIED_ANYWAY) {
                values[tried] = value(scorer, &player, &conditions, session, tried as RungIndex, settings.horizon);
            }
        }
        rung = if random.random_bool(EXPLORED) {
            random.random_range(0..situation.count) as RungIndex
        } else {
            draw(&probabilities[..situation.count], random.random())
        };
        lessons.push(Lesson { situation, values });
    }
    lessons
}

fn draw_link<'a>(links: &'a [Trace], random: &mut Pcg64Mcg) -> Option<&'a Trace> {
    let total: f64 = links.iter().map(Trace::duration_s).sum();
    let mut left = random.random::<f64>() * total;
    for link in links {
        left -= link.duration_s();
        if left <= 0.0 {
            return Some(link);
        }
    }
    links.last()
}

/// What comes of choosing `rung` now and following the policy afterwards, in top rungs.
fn value(
    scorer: &Scorer,
    player: &OnDemand<'_>,
    conditions: &Conditions,
    mut session: Session,
    mut rung: RungIndex,
    horizon: usize,
) -> Option<f32> {
    let ladder = conditions.video.ladder();
    let mbps = |rung| ladder.bitrate(rung).as_mbps();
    let mut sum = 0.0;
    for ahead in 0..horizon {
        let before = session.current;
        let step = session.fetch(player, rung)?;
        let stall_s = step.stall_s.min(LONGEST_STALL_S);
        sum += mbps(rung) - conditions.stall_penalty * stall_s - (mbps(rung) - mbps(before)).abs();
        if ahead + 1 < horizon {
            rung = scorer.best(&session.situation(conditions)?);
        }
    }
    Some((sum / mbps(ladder.top())) as f32)
}

/// Softmax over the rungs that `counts` admits; zero for the others.
fn probabilities(scores: &[f32; Ladder::MAX_RUNGS], counts: impl Fn(usize) -> bool) -> [f32; Ladder::MAX_RUNGS] {
    let admitted = |rung: &usize| counts(*rung);
    let highest = (0..scores.len()).filter(admitted).map(|rung| scores[rung]).fold(f32::NEG_INFINITY, f32::max);
    let mut shares = [0.0; Ladder::MAX_RUNGS];
    for rung in (0..scores.len()).filter(admitted) {
        shares[rung] = (scores[rung] - highest).exp();
    }
    let total: f32 = shares.iter().sum();
    shares.map(|share| share / total.max(f32::MIN_POSITIVE))
}

fn draw(probabilities: &[f32], unit: f32) -> RungIndex {
    let mut left = unit;
    for (rung, probability) in probabilities.iter().enumerate() {
        left -= probability;
        if left <= 0.0 {
            return rung as RungIndex;
        }
    }
    (probabilities.len() - 1) as RungIndex
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
            let order = super::shuffled(self.lessons.len(), &mut self.random);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::synthetic;

    fn links() -> Vec<Trace> {
        (0..4).map(|seed| synthetic::link(300, seed).unwrap()).collect()
    }

    fn small() -> Settings {
        Settings { rounds: 8, sessions: 8, decisions: 20, horizon: 4, rate: 0.005, ..Settings::default() }
    }

    fn train(seed: u64) -> (Vec<f64>, Scorer) {
        let (settings, links) = (small(), links());
        let mut learner = Learner::new(settings, seed);
        let curve = (0..settings.rounds)
            .map(|round| {
                let sessions = 0..settings.sessions;
                let lessons = sessions.flat_map(|session| {
                    play(learner.scorer(), &links, &settings, seed + (round * 1_000 + session) as u64)
                });
                let lessons: Vec<Lesson> = lessons.collect();
                learner.learn(lessons)
            })
            .collect();
        (curve, learner.average().clone())
    }

    #[test]
    fn learning_is_reproducible_and_lowers_the_shortfall() {
        let (curve, scorer) = train(5);
        assert!(curve[7] < 0.7 * curve[0], "{curve:?}");
        let (again, same) = train(5);
        assert_eq!((again, same), (curve, scorer));
    }

    #[test]
    fn probabilities_add_to_one_over_what_was_tried() {
        let mut scores = [0.0; Ladder::MAX_RUNGS];
        scores[2] = 50.0;
        let shares = probabilities(&scores, |rung| rung < 2);
        assert!((shares[0] - 0.5).abs() < 1e-6 && (shares[1] - 0.5).abs() < 1e-6 && shares[2] == 0.0);
        assert_eq!(draw(&shares[..2], 0.4), 0);
        assert_eq!(draw(&shares[..2], 0.9), 1);
    }
}
