//! Two arms behind one bottleneck: what a plain comparison says, what switchback says, and what is true.
//!
//! A plain comparison lets the arms take capacity from each other. Two connections for each transfer win against one while
//! both are there, and are the same as one where everybody has them (Spang, Hannan, Kunamalla, Huang, McKeown, Johari 2021,
//! "Unbiased Experiments in Congested Networks").

use crate::crowd::{Crowd, Played, Treatment};
use headroom_core::{
    experiment::{BUCKETS, TimeSlices, bucket},
    statistics::{Comparison, Moments, normal},
    time::Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Relative differences of the mean bit rate, arm against control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BottleneckVerdict {
    /// Everybody in the arm against everybody in the control.
    pub true_difference: f64,
    /// Half of the viewers in each, at once.
    pub naive_difference: f64,
    /// Its 95 % interval, as a plain comparison of viewers gives it.
    pub naive_ci95: [f64; 2],
    /// Everybody in turn, in slices of time.
    pub switchback_difference: f64,
    /// Its 95 % interval over blocks of slices.
    pub switchback_ci95: [f64; 2],
    /// Blocks of one slice for each arm.
    pub blocks: usize,
}

/// Compares two treatments, the control first, in the three ways. `slices` has two arms and begins at the epoch, as the crowd does.
#[must_use]
pub fn behind_a_bottleneck(
    crowd: &Crowd<'_>,
    treatments: &[Treatment<'_>; 2],
    slices: TimeSlices,
    salt: &str,
) -> BottleneckVerdict {
    let slice_at = |at_s: f64| slices.at(salt, Timestamp::from_secs_f64(at_s));
    let mean = |arm: usize| {
        let played = crowd.play_treated(treatments, &|_, _| arm);
        let (megabits, media_s) = sums(played.iter().filter(|played| played.requested_s >= slices.washout_s.into()));
        megabits / media_s
    };
    let true_difference = mean(1) / mean(0) - 1.0;

    let arm_of = |viewer: usize| usize::from(bucket(salt, &viewer.to_string()) >= BUCKETS / 2);
    let played = crowd.play_treated(treatments, &|viewer, _| arm_of(viewer));
    let mut arms = [Moments::default(); 2];
    for viewer in 0..crowd.viewers {
        let of = |played: &&Played| played.viewer == viewer && played.requested_s >= slices.washout_s.into();
        let (megabits, media_s) = sums(played.iter().filter(of));
        arms[arm_of(viewer)].add(megabits, media_s, 0.0);
    }
    let naive = Comparison::of(&arms[0], &arms[1]);

    let played = crowd.play_treated(treatments, &|_, at_s| slice_at(at_s).map_or(0, |slice| slice.arm));
    let mut blocks = BTreeMap::<u64, [(f64, f64); 2]>::new();
    for played in &played {
        let Some(slice) = slice_at(played.requested_s).filter(|slice| slice.is_counted) else { continue };
        let (megabits, media_s) = &mut blocks.entry(slice.number / 2).or_default()[slice.arm];
        *megabits += played.megabits;
        *media_s += played.media_s;
    }
    let mut pairs = Moments::default();
    for [control, treated] in blocks.values() {
        // The last block may be cut short.
        if control.1 > 0.0 && treated.1 > 0.0 {
            pairs.add(treated.0 / treated.1, control.0 / control.1, 0.0);
        }
    }
    let switchback = pairs.ratio() - 1.0;
    let half = student(pairs.units() - 1.0) * pairs.ratio_variance().sqrt();
    BottleneckVerdict {
        true_difference,
        naive_difference: naive.difference / naive.control,
        naive_ci95: naive.interval(0.05).map(|bound| bound / naive.control),
        switchback_difference: switchback,
        switchback_ci95: [switchback - half, switchback + half],
        blocks: pairs.units() as usize,
    }
}

fn sums<'a>(played: impl Iterator<Item = &'a Played>) -> (f64, f64) {
    played.fold((0.0, 0.0), |(megabits, media_s), played| (megabits + played.megabits, media_s + played.media_s))
}

/// The 97.5 % point of Student's distribution, by the first two terms of its expansion (Abramowitz and Stegun 26.7.5).
fn student(degrees: f64) -> f64 {
    let z = normal::quantile(0.975);
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * degrees * degrees);
    z + (z.powi(3) + z) / (4.0 * degrees) + second
}
