use super::{learner::probabilities, sessions::draw, *};
use crate::{trace::Trace, train::synthetic};
use headroom_core::policy::learned::Scorer;

fn links() -> Vec<Trace> {
    (0..4).map(|seed| synthetic::link(300, seed).unwrap()).collect()
}

fn small(stage: Stage) -> Settings {
    Settings { rounds: 8, sessions: 8, decisions: 20, horizon: 4, rate: 0.005, ..Settings::of(stage) }
}

fn train(stage: Stage, seed: u64) -> (Vec<f64>, Scorer) {
    let (settings, links) = (small(stage), links());
    let mut learner = Learner::new(settings, seed);
    let curve = (0..settings.rounds)
        .map(|round| {
            let sessions = 0..settings.sessions;
            let lessons = sessions
                .flat_map(|session| play(learner.scorer(), &links, &settings, seed + (round * 1_000 + session) as u64));
            let lessons: Vec<Lesson> = lessons.collect();
            learner.learn(lessons)
        })
        .collect();
    (curve, learner.average().clone())
}

#[test]
fn learning_is_reproducible_and_lowers_the_shortfall() {
    for stage in [Stage::Live, Stage::LowLatency] {
        let (curve, scorer) = train(stage, 5);
        assert!(curve[7] < 0.7 * curve[0], "{stage:?} {curve:?}");
        let (again, same) = train(stage, 5);
        assert_eq!((again, same), (curve, scorer));
    }
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
