//! The small version of `headroom bench experiment`.

use super::*;
use crate::{
    crowd::{Crowd, Treatment},
    trace::Trace,
    video::Video,
};
use headroom_core::{
    experiment::{Experiment, TimeSlices},
    ladder::Ladder,
    policy::Throughput,
    qoe::Linear,
    time::{Duration, Timestamp},
};

fn experiment() -> Experiment {
    serde_json::from_str(r#"{ "name": "test", "arms": [{ "name": "control" }, { "name": "steered" }] }"#).unwrap()
}

#[test]
fn viewers_are_as_the_field_has_them() {
    let mut audience = Audience::new(3);
    let viewers: Vec<Viewer> = (0..20_000).map(|_| audience.viewer(1.0)).collect();
    let sum = |of: fn(&Viewer) -> f64| viewers.iter().map(of).sum::<f64>();
    let ratio = sum(|viewer| viewer.stalled_s) / sum(|viewer| viewer.watched_s);
    assert!((0.001..0.02).contains(&ratio), "{ratio}");
    let smooth = viewers.iter().filter(|viewer| viewer.stalled_s == 0.0).count();
    assert!(smooth * 10 > viewers.len() * 6, "{smooth}");
}

#[test]
fn nothing_is_found_where_nothing_is_and_an_effect_where_it_is() {
    let planted = Pilot::draw().design(0.5, 0.05, 0.8);
    let design = Design { effect: 0.0, looks: 40, ..planted };
    const TRIALS: u64 = 60;
    let trials = |design: &Design| (0..TRIALS).map(|seed| trial(design, seed)).collect::<Vec<_>>();
    let same = trials(&design);
    // Expected at most 3 and 0.6 of 60; seeds are fixed.
    assert!(same.iter().filter(|trial| trial.is_found).count() <= 4);
    assert!(same.iter().filter(|trial| trial.is_ratio_alarm).count() <= 1);
    let planted = trials(&planted);
    assert!(planted.iter().filter(|trial| trial.is_found).count() * 10 >= 7 * TRIALS as usize);
    assert!(planted.iter().filter(|trial| trial.is_covered).count() * 100 >= 93 * TRIALS as usize);
}

#[test]
fn an_arm_that_doubles_stalls_is_stopped_and_one_that_does_not_is_not() {
    let watch = Watch { sessions: 4_000, every_s: 10, factor: 4.0 };
    let tripped = seconds_to_trip(&watch, &experiment(), 600, 1);
    assert!(tripped.is_some_and(|seconds| seconds <= 600), "{tripped:?}");
    assert_eq!(seconds_to_trip(&Watch { factor: 1.0, ..watch }, &experiment(), 300, 1), None);
    assert_eq!(harmless_days(2_400, &experiment(), 20, 5), None);
}

/// Two connections against one: the same where everybody has them, half as much again in a plain comparison.
#[test]
fn switchback_does_not_see_what_arms_take_from_each_other() {
    let trace = Trace::constant(60_000.0).unwrap();
    let videos = [Video::jittered(Ladder::default(), Duration::from_secs(2), 2_000, 0.1, 7).unwrap()];
    let qoe = Linear { stall_penalty: 20.0, switch_penalty: 1.0 };
    let crowd = Crowd { trace: &trace, videos: &videos, viewers: 16, seconds: 2_400.0, capacity_s: 12.0, qoe };
    let slices = TimeSlices { start: Timestamp::EPOCH, slice_s: 100, washout_s: 40, arms: 2 };
    let client = |safety| Throughput { safety, ..Throughput::default() };
    let (eager, careful) = (client(0.9), client(0.5));
    let one = Treatment { client: &eager, connections: 1.0 };
    let equal = behind_a_bottleneck(&crowd, &[one, Treatment { connections: 2.0, ..one }], slices, "test");
    assert!(equal.true_difference.abs() < 0.03, "{equal:?}");
    assert!(equal.naive_difference > 0.3 && equal.naive_ci95[0] > 0.0, "{equal:?}");
    assert!(equal.switchback_ci95[0] <= 0.0 && equal.switchback_ci95[1] >= 0.0, "{equal:?}");
    let planted = behind_a_bottleneck(&crowd, &[one, Treatment { client: &careful, ..one }], slices, "test");
    assert!(planted.true_difference < -0.05, "{planted:?}");
    assert!(planted.switchback_ci95[1] < 0.0, "{planted:?}");
}
