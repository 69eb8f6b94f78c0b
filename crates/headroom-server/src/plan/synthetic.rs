//! A made-up audience with the rhythm of a real one, for tests, benchmarks and for trying `headroom plan` without a history.
//! Never part of a plan unless somebody asked for it, and named wherever it is shown.

use super::{
    demand::{Demand, HOUR_S, Load, Rung},
    forecast::{DAY, WEEK},
};
use crate::random::Random;
use headroom_cluster::sketch::Sketch;
use std::collections::BTreeMap;

/// Start of the first hour: a Monday, 2026-08-31T00:00:00Z.
const FROM_S: u64 = 1_788_134_400;

/// Streams, each with a part of the audience, and what a session of it plays, kbit/s.
const STREAMS: [(&str, f64, f64); 3] = [("games", 0.55, 4_200.0), ("talk", 0.3, 2_600.0), ("events", 0.15, 5_100.0)];

/// The largest stream's viewers at an ordinary evening peak would be this many if it had the whole audience.
const VIEWERS: f64 = 10_000.0;

/// `weeks` of an audience: two bumps a day, stronger weekends, growth of 0.2 to 2 % a week, days that run high or low
/// together (first-order, 8 %), hours that do (5 %), and now and then an unannounced event of three hours.
#[must_use]
pub fn audience(seed: u64, weeks: usize) -> Demand {
    let mut random = Random::new(seed);
    let growth = 0.002 + 0.018 * random.uniform();
    let mut groups = BTreeMap::new();
    let mut total = Load { sessions: vec![0.0; weeks * WEEK], egress_kbps: vec![0.0; weeks * WEEK] };
    for (name, part, kbps) in STREAMS {
        let (mut day_level, mut hour_level, mut event_hours, mut event) = (0.0, 0.0, 0, 0.0);
        let mut load = Load::default();
        for hour in 0..weeks * WEEK {
            let (of_day, of_week) = (hour % DAY, hour / DAY % 7);
            if of_day == 0 {
                day_level = 0.6 * day_level + 0.08 * random.normal();
            }
            hour_level = 0.7 * hour_level + 0.05 * random.normal();
            if of_day == 18 && random.uniform() < 0.08 {
                (event_hours, event) = (3, 0.4 + 0.6 * random.uniform());
            }
            let happening = if event_hours > 0 { event } else { 0.0 };
            event_hours = usize::saturating_sub(event_hours, 1);
            let bump = |at: f64, width: f64| (-((of_day as f64 - at) / width).powi(2) / 2.0).exp();
            let (day, whole) = if of_week >= 5 { (0.7, 1.25) } else { (0.3, 1.0) };
            let shape = (0.12 + bump(20.5, 3.0) + day * bump(13.0, 3.5)) * whole;
            let level = growth * hour as f64 / WEEK as f64 + day_level + hour_level + happening;
            let sessions = (VIEWERS * part * shape * level.exp()).round();
            load.sessions.push(sessions);
            load.egress_kbps.push((sessions * kbps * (1.0 + 0.02 * random.normal())).round());
        }
        for (sum, more) in total.sessions.iter_mut().zip(&load.sessions) {
            *sum += more;
        }
        for (sum, more) in total.egress_kbps.iter_mut().zip(&load.egress_kbps) {
            *sum += more;
        }
        groups.insert(name.to_owned(), load);
    }
    let source = format!("a synthetic audience, seed {seed}: nobody's viewers");
    Demand { source, from_s: FROM_S, filled: 0, total, groups, mix: mix() }
}

/// Start of the hour after the last of `demand`, seconds since the epoch.
#[must_use]
pub fn end_s(demand: &Demand) -> u64 {
    demand.from_s + demand.hours() as u64 * HOUR_S
}

/// Four rungs, the higher ones with throughput to spare.
fn mix() -> Vec<Rung> {
    let rung = |kbps: u32, share| {
        let mut throughput = Sketch::default();
        (10..40).for_each(|tenths| throughput.add(f64::from(kbps) * f64::from(tenths) / 10.0));
        Rung { kbps, share, throughput }
    };
    vec![rung(800, 0.1), rung(2_000, 0.2), rung(4_000, 0.35), rung(6_000, 0.35)]
}
