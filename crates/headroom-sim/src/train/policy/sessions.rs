//! Sessions played to learn from: at every step the rungs are tried on the same future.

use super::{
    Lesson, Settings, Stage,
    conditions::Conditions,
    learner::probabilities,
    trial::{LiveTrial, OnDemandTrial, Trial},
};
use crate::{
    player::{Live, OnDemand},
    trace::Trace,
};
use headroom_core::{
    ladder::{Ladder, RungIndex},
    policy::learned::Scorer,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Longest stall that counts in a tried future, seconds: beyond it every choice is equally lost.
const LONGEST_STALL_S: f64 = 20.0;
/// Rungs further from the best and less likely than this are tried only now and then.
const UNLIKELY: f32 = 0.03;
const TRIED_ANYWAY: f64 = 0.1;
/// Share of decisions that are drawn evenly.
const EXPLORED: f64 = 0.03;

/// Plays one session with `scorer` on one of `links`, each as likely as it is long, and tries the rungs at every step.
///
/// The same scorer, links, settings and seed give the same lessons.
#[must_use]
pub fn play(scorer: &Scorer, links: &[Trace], settings: &Settings, seed: u64) -> Vec<Lesson> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let (Some(link), Some(conditions)) = (draw_link(links, &mut random), Conditions::draw(settings, &mut random))
    else {
        return Vec::new();
    };
    let link_s = random.random_range(0.0..link.duration_s());
    match settings.stage {
        Stage::Live => {
            let player = OnDemand::new(&conditions.video, link, conditions.on_demand());
            let trial = OnDemandTrial::new(&conditions, &player, link_s);
            learn_from(trial, scorer, &conditions, settings, &mut random)
        }
        Stage::LowLatency => {
            let player = Live::new(&conditions.video, link, conditions.live()).starting_at(link_s);
            learn_from(LiveTrial::new(&conditions, player), scorer, &conditions, settings, &mut random)
        }
    }
}

fn learn_from(
    mut session: impl Trial,
    scorer: &Scorer,
    conditions: &Conditions,
    settings: &Settings,
    random: &mut Pcg64Mcg,
) -> Vec<Lesson> {
    let mut lessons = Vec::new();
    let mut rung = random.random_range(0..3).min(conditions.video.ladder().top());
    for _ in 0..settings.decisions {
        if session.fetch(rung).is_none() {
            break;
        }
        let Some(situation) = session.situation() else {
            break;
        };
        let probabilities = probabilities(&scorer.scores(&situation), |rung| rung < situation.count);
        let best = scorer.best(&situation);
        let mut values = [None; Ladder::MAX_RUNGS];
        for tried in 0..situation.count {
            let likely = tried.abs_diff(usize::from(best)) <= 1 || probabilities[tried] >= UNLIKELY;
            if likely || random.random_bool(TRIED_ANYWAY) {
                values[tried] = value(scorer, conditions, session.clone(), tried as RungIndex, settings.horizon);
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
    conditions: &Conditions,
    mut session: impl Trial,
    mut rung: RungIndex,
    horizon: usize,
) -> Option<f32> {
    let ladder = conditions.video.ladder();
    let mbps = |rung| ladder.bitrate(rung).as_mbps();
    let mut sum = 0.0;
    for ahead in 0..horizon {
        let before = session.current();
        let step = session.fetch(rung)?;
        let stall_s = step.stall_s.min(LONGEST_STALL_S);
        sum += mbps(step.rung) - conditions.stall_penalty * stall_s - (mbps(step.rung) - mbps(before)).abs();
        if ahead + 1 < horizon {
            rung = scorer.best(&session.situation()?);
        }
    }
    Some((sum / conditions.unit) as f32)
}

pub(super) fn draw(probabilities: &[f32], unit: f32) -> RungIndex {
    let mut left = unit;
    for (rung, probability) in probabilities.iter().enumerate() {
        left -= probability;
        if left <= 0.0 {
            return rung as RungIndex;
        }
    }
    (probabilities.len() - 1) as RungIndex
}
