//! How long a viewer looks at a poorer picture than the link would carry, after a drop of the link has ended.
//!
//! A drop begins where the link, as far as the ladder can use it, carries less than half of its mean over the last ten seconds, and
//! ends where it carries more than half of that mean again. From there counts the time until a segment plays whose bit rate is at
//! least nine tenths of the highest rung that the link carries in the ten seconds after the drop, but no more than before it.

use crate::{
    session::Step,
    statistics,
    trace::{AtEnd, Trace},
};
use headroom_core::{
    ladder::{Ladder, RungIndex},
    time::Duration,
    units::Bitrate,
};

/// Share of the link that carries payload, as in [`crate::player::LiveSettings`].
const PAYLOAD_SHARE: f64 = 0.95;
/// The link is averaged over this many seconds from each second on: two segments of two seconds.
const SMOOTH_S: usize = 4;
/// Seconds before a drop with which it is compared, and after it.
const AROUND_S: usize = 10;
/// Share of the level before at which a drop begins and ends.
const DROP: f64 = 0.5;
/// Share of the rung that the link carries at which a viewer has recovered.
const RECOVERED: f64 = 0.9;

/// Mean time to recover over the drops of the session, seconds; `None` without a drop. A drop that is followed by another, or by the
/// end of the session, counts until then.
#[must_use]
pub fn mean_s(trace: &Trace, steps: &[Step], ladder: &Ladder, segment: Duration) -> Option<f64> {
    let played = played_from(steps, segment);
    let (_, end_s) = played.last().map(|&(rung, from_s)| (rung, from_s + segment.as_secs_f64()))?;
    let carried = carried(trace, ladder, end_s);
    let drops = drops(&carried);
    if drops.is_empty() {
        return None;
    }
    let mut total_s = 0.0;
    for (index, drop) in drops.iter().enumerate() {
        let until_s = drops.get(index + 1).map_or(end_s, |next| next.begin as f64);
        let since_s = drop.end as f64;
        let fits = ladder.highest_within(Bitrate::from_kbps_f64(drop.level_mbps(&carried) * 1_000.0)).unwrap_or(0);
        let wanted_mbps = RECOVERED * ladder.bitrate(fits).as_mbps();
        let recovered =
            played.iter().find(|&&(rung, from_s)| from_s >= since_s && ladder.bitrate(rung).as_mbps() >= wanted_mbps);
        let at_s = recovered.map_or(until_s, |&(_, from_s)| from_s.min(until_s));
        total_s += (at_s - since_s).max(0.0);
    }
    Some(total_s / drops.len() as f64)
}

/// Rung and beginning of playback of each segment.
fn played_from(steps: &[Step], segment: Duration) -> Vec<(RungIndex, f64)> {
    let segment_s = segment.as_secs_f64();
    let from = |step: &Step| {
        // On arrival the buffer holds what is held at the next request, what plays until then, and the segment itself.
        let ahead_s = (step.buffer_s + step.wait_s - segment_s).max(0.0);
        (step.rung, step.requested_s + step.transfer_s + ahead_s)
    };
    steps.iter().map(from).collect()
}

/// What the link carries from each second on, Mbit/s, no more than the top rung.
fn carried(trace: &Trace, ladder: &Ladder, end_s: f64) -> Vec<f64> {
    let top_mbps = ladder.bitrate(ladder.top()).as_mbps();
    let mut cursor = trace.cursor(AtEnd::Loop);
    let seconds = end_s.ceil().max(0.0) as usize + SMOOTH_S;
    let totals: Vec<f64> = (0..=seconds).map(|second| cursor.bits_until(second as f64)).collect();
    let mean = |pair: (&f64, &f64)| (pair.1 - pair.0) * PAYLOAD_SHARE / SMOOTH_S as f64 / 1e6;
    totals.iter().zip(&totals[SMOOTH_S..]).map(mean).map(|mbps| mbps.min(top_mbps)).collect()
}

/// A drop, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drop {
    begin: usize,
    end: usize,
}

impl Drop {
    /// What the link carries again after the drop, no more than before it, Mbit/s.
    fn level_mbps(self, carried: &[f64]) -> f64 {
        // The median leaves the slopes of the drop out.
        let before = statistics::quantile(&carried[self.begin - AROUND_S..self.begin], 0.5);
        let after = statistics::quantile(&carried[self.end..carried.len().min(self.end + AROUND_S)], 0.5);
        before.min(after)
    }
}

/// The drops that end.
fn drops(carried: &[f64]) -> Vec<Drop> {
    let mut drops = Vec::new();
    let mut now = AROUND_S;
    while now < carried.len() {
        let before = carried[now - AROUND_S..now].iter().sum::<f64>() / AROUND_S as f64;
        if carried[now] >= DROP * before {
            now += 1;
            continue;
        }
        let Some(lasts) = carried[now..].iter().position(|&mbps| mbps > DROP * before) else {
            break;
        };
        drops.push(Drop { begin: now, end: now + lasts });
        now += lasts + AROUND_S;
    }
    drops
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Sample;

    /// 10 Mbit/s with a hole of 1 Mbit/s from second 30 to 40.
    fn trace() -> Trace {
        let sample = |t_s, throughput_kbps| Sample { t_s, throughput_kbps, ..Sample::default() };
        Trace::new(vec![sample(0.0, 10_000.0), sample(30.0, 1_000.0), sample(40.0, 10_000.0)], 100.0).unwrap()
    }

    /// Segments of 2 s that play the second they arrive, on a ladder of 0.8 and 6 Mbit/s: the upper rung but from `low` to `high`.
    fn recovered(low_s: f64, high_s: f64) -> Option<f64> {
        let ladder = Ladder::from_bitrates(&[800, 6_000].map(Bitrate::kbps)).unwrap();
        let step = |index: u32| {
            let requested_s = f64::from(index) * 2.0;
            let rung = u8::from(!(low_s..high_s).contains(&requested_s));
            Step { requested_s, rung, buffer_s: 2.0, ..Step::default() }
        };
        let steps: Vec<Step> = (0..50).map(step).collect();
        mean_s(&trace(), &steps, &ladder, Duration::from_secs(2))
    }

    #[test]
    fn a_drop_counts_from_its_end_until_the_rung_is_played_again() {
        let at_once = recovered(30.0, 36.0).unwrap();
        let later = recovered(30.0, 56.0).unwrap();
        assert!(at_once < 4.0, "{at_once}");
        assert!((later - at_once - 16.0).abs() < 4.0, "{later} after {at_once}");
        let never = recovered(30.0, 1e9).unwrap();
        assert!((never - later - 44.0).abs() < 4.0, "{never} after {later}");
    }

    #[test]
    fn a_steady_link_and_one_that_stays_down_have_no_drop_to_recover_from() {
        assert_eq!(drops(&[8.0; 60]), []);
        let down: Vec<f64> = (0..60).map(|second| if second < 30 { 8.0 } else { 1.0 }).collect();
        assert_eq!(drops(&down), []);
        let hole: Vec<f64> = (0..60).map(|second| if (30..35).contains(&second) { 1.0 } else { 8.0 }).collect();
        assert_eq!(drops(&hole), [Drop { begin: 30, end: 35 }]);
    }
}
