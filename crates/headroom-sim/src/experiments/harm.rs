//! Guardrails before an arm that does harm, and before one that does none.

use super::audience::Audience;
use headroom_core::{
    experiment::{ArmSums, Experiment, Guardrails, Metric, MetricSums},
    statistics::Moments,
    time::{Duration, Timestamp},
};
use std::collections::BTreeMap;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// Sessions at once, both arms together.
    pub sessions: usize,
    /// Seconds between looks.
    pub every_s: u32,
    /// How many times the control's stalls the arm has.
    pub factor: f64,
}

const START: Timestamp = Timestamp::from_millis(1_000_000_000);

fn sums(moments: Moments, events: u64, reports: u64) -> ArmSums {
    let metrics = BTreeMap::from([(Metric::StallRatio, MetricSums { moments, events })]);
    ArmSums { metrics, served: reports, reported: reports }
}

/// Seconds of traffic until the arm is stopped; none within `most_s`. Every session is watched all the time, and is one unit.
#[must_use]
pub fn seconds_to_trip(watch: &Watch, experiment: &Experiment, most_s: u32, seed: u64) -> Option<u32> {
    let mut audience = Audience::new(seed);
    let troubles: Vec<f64> = (0..watch.sessions).map(|_| audience.trouble()).collect();
    let mut stalled = vec![0.0; watch.sessions];
    let mut guardrails = Guardrails::new(experiment, START);
    let mut now_s = 0;
    while now_s < most_s {
        now_s += watch.every_s;
        let mut arms = [(Moments::default(), 0); 2];
        for (session, (trouble, stalled)) in troubles.iter().zip(&mut stalled).enumerate() {
            let arm = session % 2;
            let factor = if arm == 1 { watch.factor } else { 1.0 };
            *stalled += audience.stalled_s(trouble * factor, watch.every_s.into());
            let (moments, events) = &mut arms[arm];
            moments.add(*stalled, now_s.into(), 0.0);
            *events += u64::from(*stalled > 0.0);
        }
        let at = START + Duration::from_secs(now_s.into());
        let sums = arms.map(|(moments, events)| sums(moments, events, now_s.into()));
        let _ = guardrails.look(experiment, at, &sums);
        if guardrails.tripped(1).is_some() {
            return Some(now_s);
        }
    }
    None
}

/// Days until an arm that does no harm is stopped all the same, looked at once an hour with new viewers; none within `days`.
#[must_use]
pub fn harmless_days(viewers_a_day: usize, experiment: &Experiment, days: u32, seed: u64) -> Option<u32> {
    let mut audience = Audience::new(seed);
    let mut guardrails = Guardrails::new(experiment, START);
    let mut arms = [(Moments::default(), 0); 2];
    for hour in 1..=days * 24 {
        for number in 0..viewers_a_day / 24 {
            let viewer = audience.viewer(1.0);
            let (moments, events) = &mut arms[number % 2];
            moments.add(viewer.stalled_s, viewer.watched_s, 0.0);
            *events += u64::from(viewer.stalled_s > 0.0);
        }
        let at = START + Duration::from_secs(3_600 * u64::from(hour));
        let sums = arms.map(|(moments, events)| sums(moments, events, hour.into()));
        let _ = guardrails.look(experiment, at, &sums);
        if guardrails.tripped(1).is_some() {
            return Some(hour.div_ceil(24));
        }
    }
    None
}
