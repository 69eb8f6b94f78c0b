//! Laws of the emulator: nothing vanishes, nothing overtakes, nothing beats the rate.

use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::{Conditions, Direction, DropReason, Link, Loss, Profile, Queue, Replay, Verdict};
use crate::trace::{AtEnd, Sample, Trace};

const PLAIN: Conditions = Conditions { rate_kbps: 12_000.0, delay_ms: 0.0, jitter_ms: 0.0, loss: Loss::None };
const WIDE: Queue = Queue::Bytes(u64::MAX / 2);

fn ms(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1000.0)
}

fn rng() -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(7)
}

/// Departure in milliseconds, rounded to the microsecond.
fn departure(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Departure { at } => Some((at.as_secs_f64() * 1e6).round() / 1e3),
        Verdict::Dropped(_) => None,
    }
}

#[test]
fn packets_leave_at_the_rate_after_the_delay() {
    // 1500 bytes at 12 Mbit/s take 1 ms.
    let mut link = Link::new(Profile::Fixed(Conditions { delay_ms: 20.0, ..PLAIN }), WIDE);
    let mut rng = rng();
    for (now_ms, expected_ms) in [(0.0, 21.0), (0.0, 22.0), (0.5, 23.0), (10.0, 31.0)] {
        assert_eq!(departure(link.offer(ms(now_ms), 1500, &mut rng)), Some(expected_ms), "offered at {now_ms}");
    }
}

#[test]
fn a_step_of_the_trace_counts_in_the_middle_of_a_packet() {
    let samples = [(0.0, 12_000.0), (0.0005, 0.0), (1.0, 6_000.0)].map(|(t_s, throughput_kbps)| Sample {
        t_s,
        throughput_kbps,
        ..Sample::default()
    });
    let trace = Trace::new(samples.into(), 2.0).unwrap();
    let replay = Replay::new(&trace, Direction::Down, AtEnd::Stop, 0.0, PLAIN).unwrap();
    let mut link = Link::new(Profile::Replay(Box::new(replay)), WIDE);
    let mut rng = rng();
    // Half of it in the first half millisecond, the rest after the outage at half the rate.
    assert_eq!(departure(link.offer(ms(0.0), 1500, &mut rng)), Some(1001.0));
    assert_eq!(departure(link.offer(ms(0.0), 1500, &mut rng)), Some(1003.0));
    assert_eq!(link.offer(ms(1999.9), 1500, &mut rng), Verdict::Dropped(DropReason::LinkDown));
    assert_eq!(link.conditions(ms(2500.0)).rate_kbps, 0.0);
}

#[test]
fn the_queue_is_finite_in_bytes_and_in_time() {
    for (queue, accepted) in [
        (Queue::Bytes(4500), 3),
        (Queue::Bytes(0), 1),
        (Queue::Time(ms(20.0)), 20),
        (Queue::Time(ms(1.0)), 10), // never less than ten packets
    ] {
        let mut link = Link::new(Profile::Fixed(PLAIN), queue);
        let mut rng = rng();
        let taken = (0..100).filter(|_| departure(link.offer(ms(0.0), 1500, &mut rng)).is_some()).count();
        assert_eq!(taken, accepted, "{queue:?}");
        assert_eq!(link.counters().dropped_full, 100 - accepted as u64);
        assert_eq!(link.backlog_bytes(ms(0.0)), accepted as u64 * 1500);
        assert_eq!(link.waiting_time(ms(0.5)), ms(accepted as f64 - 0.5));
        assert_eq!(link.backlog_bytes(ms(accepted as f64 + 0.001)), 0, "all sent");
    }
}

#[test]
fn a_change_holds_for_packets_offered_after_it() {
    let mut link = Link::new(Profile::Fixed(PLAIN), WIDE);
    let mut rng = rng();
    assert_eq!(departure(link.offer(ms(0.0), 1500, &mut rng)), Some(1.0));
    link.reconfigure(ms(0.5), Profile::Fixed(Conditions { rate_kbps: 1_200.0, ..PLAIN }), Queue::Bytes(3000));
    assert_eq!(departure(link.offer(ms(0.5), 1500, &mut rng)), Some(11.0));
    assert_eq!(link.offer(ms(0.5), 1500, &mut rng), Verdict::Dropped(DropReason::QueueFull));
    link.reconfigure(ms(0.6), Profile::Fixed(Conditions { rate_kbps: 0.0, ..PLAIN }), WIDE);
    assert_eq!(link.offer(ms(0.6), 1500, &mut rng), Verdict::Dropped(DropReason::LinkDown));
}

#[test]
fn loss_has_its_mean_and_its_bursts() {
    for (loss, burst) in [
        (Loss::random(0.02).unwrap(), 1.0 / 0.98),
        (Loss::bursts(0.02, 5.0).unwrap(), 5.0),
        (Loss::bursts(0.3, 3.0).unwrap(), 3.0),
    ] {
        let mut link = Link::new(Profile::Fixed(Conditions { loss, ..PLAIN }), WIDE);
        let mut rng = rng();
        let lost: Vec<bool> = (0..200_000)
            .map(|index| matches!(link.offer(ms(f64::from(index)), 100, &mut rng), Verdict::Dropped(DropReason::Lost)))
            .collect();
        let count = lost.iter().filter(|lost| **lost).count() as f64;
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        let (mean, expected) = (count / lost.len() as f64, loss.mean_ratio());
        assert!((mean / expected - 1.0).abs() < 0.06, "{loss:?}: {mean} for {expected}");
        assert!((count / bursts / burst - 1.0).abs() < 0.06, "{loss:?}: bursts of {}", count / bursts);
    }
    assert_eq!(Loss::random(0.0), Ok(Loss::None));
    for refused in [Loss::random(1.5), Loss::random(f64::NAN), Loss::bursts(0.9, 1.0), Loss::bursts(0.1, 0.5)] {
        assert!(refused.is_err());
    }
}

#[test]
fn round_trip_statistics_of_a_trace_survive_the_split_over_two_directions() {
    let sample = Sample {
        throughput_kbps: 1e6,
        rtt_ms: Some(80.0),
        jitter_ms: Some(10.0),
        loss_ratio: Some(0.04),
        ..Sample::default()
    };
    let trace = Trace::new(vec![sample], 1.0).unwrap();
    let mut links = [Direction::Down, Direction::Up].map(|direction| {
        let fallback = Conditions { rate_kbps: 1e6, ..PLAIN };
        let replay = Replay::new(&trace, direction, AtEnd::Loop, 0.0, fallback).unwrap();
        Link::new(Profile::Replay(Box::new(replay)), WIDE)
    });
    let mut rng = rng();
    let mut round_trips = Vec::new();
    let count = 40_000;
    for index in 0..count {
        // One ping a second: order keeping never interferes.
        let now = Duration::from_secs(index);
        let Verdict::Departure { at } = links[0].offer(now, 84, &mut rng) else { continue };
        let Verdict::Departure { at } = links[1].offer(at, 84, &mut rng) else { continue };
        round_trips.push((at - now).as_secs_f64() * 1000.0);
    }
    let mean = round_trips.iter().sum::<f64>() / round_trips.len() as f64;
    let variance = round_trips.iter().map(|rtt| (rtt - mean).powi(2)).sum::<f64>() / round_trips.len() as f64;
    let loss = 1.0 - round_trips.len() as f64 / count as f64;
    assert!((mean - 80.0).abs() < 0.3, "{mean}");
    assert!((variance.sqrt() - 10.0).abs() < 0.2, "{}", variance.sqrt());
    assert!((loss - 0.04).abs() < 0.004, "{loss}");
}

#[test]
fn sparse_pings_hold_and_the_uplink_falls_back() {
    let at = |t_s, rtt_ms, loss_ratio, uplink_kbps| Sample {
        t_s,
        throughput_kbps: 5000.0,
        rtt_ms,
        loss_ratio,
        uplink_kbps,
        ..Sample::default()
    };
    let trace = Trace::new(
        vec![at(0.0, None, None, None), at(1.0, Some(60.0), Some(1.0), Some(800.0)), at(2.0, None, None, Some(0.0))],
        3.0,
    )
    .unwrap();
    let fallback = Conditions { rate_kbps: 3000.0, delay_ms: 7.0, jitter_ms: 0.0, loss: Loss::None };
    let up = Profile::Replay(Box::new(Replay::new(&trace, Direction::Up, AtEnd::Loop, 0.0, fallback).unwrap()));
    let seen: Vec<_> = [0.5, 1.5, 2.5, 3.5]
        .map(|at_s| up.conditions(at_s))
        .map(|now| (now.rate_kbps, now.delay_ms, now.loss.mean_ratio()))
        .into();
    assert_eq!(seen, [(3000.0, 7.0, 0.0), (800.0, 30.0, 1.0), (0.0, 30.0, 0.0), (3000.0, 7.0, 0.0)]);
    let late = Replay::new(&trace, Direction::Down, AtEnd::Loop, 2.5, fallback).unwrap();
    assert_eq!(late.position_s(1.0), 0.5);
    assert!(Replay::new(&trace, Direction::Down, AtEnd::Loop, 3.0, fallback).is_err());
}

prop_compose! {
    fn any_offers()(
        steps in prop::collection::vec((0.0..4.0f64, 20..1500_u32), 1..400)
    ) -> Vec<(Duration, u32)> {
        let mut now = 0.0;
        steps.into_iter().map(|(gap_ms, len)| { now += gap_ms; (ms(now), len) }).collect()
    }
}

prop_compose! {
    fn any_profile()(
        rates in prop::collection::vec((1..200_u32, prop::option::of(0.0..20_000.0f64)), 1..8),
        delay_ms in 0.0..50.0f64, jitter_ms in 0.0..50.0f64, loss in 0.0..0.5f64, looping in any::<bool>(),
    ) -> (Profile, Trace, AtEnd) {
        let mut t_s = 0.0;
        let mut samples = Vec::new();
        for (length_ms, rate) in rates {
            samples.push(Sample { t_s, throughput_kbps: rate.unwrap_or(0.0), ..Sample::default() });
            t_s += f64::from(length_ms) / 1000.0;
        }
        let trace = Trace::new(samples, t_s).unwrap();
        let fallback = Conditions { rate_kbps: 1.0, delay_ms, jitter_ms, loss: Loss::random(loss).unwrap() };
        let at_end = if looping { AtEnd::Loop } else { AtEnd::Stop };
        let replay = Replay::new(&trace, Direction::Down, at_end, 0.0, fallback).unwrap();
        (Profile::Replay(Box::new(replay)), trace, at_end)
    }
}

proptest! {
    #[test]
    fn packets_are_conserved_and_never_overtake(
        offers in any_offers(), (profile, ..) in any_profile(), limit in 0..60_000_u64, seed: u64,
    ) {
        let mut link = Link::new(profile.clone(), Queue::Bytes(limit));
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut last = Duration::ZERO;
        let (mut departed, mut dropped) = (0, 0);
        for &(now, len) in &offers {
            match link.offer(now, len, &mut rng) {
                Verdict::Departure { at } => {
                    prop_assert!(at >= last && at >= now);
                    last = at;
                    departed += 1;
                }
                Verdict::Dropped(_) => dropped += 1,
            }
            prop_assert!(link.backlog_bytes(now) <= limit.max(1500));
        }
        let counters = link.counters();
        prop_assert_eq!(counters.offered, offers.len() as u64);
        prop_assert_eq!(counters.departed, departed);
        prop_assert_eq!(counters.dropped_full + counters.dropped_lost + counters.dropped_down, dropped);

        let mut again = Link::new(profile, Queue::Bytes(limit));
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for &(now, len) in &offers {
            again.offer(now, len, &mut rng);
        }
        prop_assert_eq!(again.counters(), counters);
    }

    /// Between any two departures, the link hands over no more than it could carry, plus the packet at the border.
    #[test]
    fn the_rate_is_respected_over_any_window(offers in any_offers(), (_, trace, at_end) in any_profile()) {
        let plain = Replay::new(&trace, Direction::Down, at_end, 0.0, PLAIN).unwrap();
        let mut link = Link::new(Profile::Replay(Box::new(plain)), WIDE);
        let mut rng = rng();
        let departures: Vec<(f64, f64)> = offers
            .iter()
            .filter_map(|&(now, len)| match link.offer(now, len, &mut rng) {
                Verdict::Departure { at } => Some((at.as_secs_f64(), f64::from(len) * 8.0)),
                Verdict::Dropped(_) => None,
            })
            .collect();
        let mut cursor = trace.cursor(at_end);
        let totals: Vec<f64> = departures.iter().map(|&(at_s, _)| cursor.bits_until(at_s)).collect();
        for from in 0..departures.len() {
            let mut handed_over = 0.0;
            for to in from + 1..departures.len() {
                handed_over += departures[to].1;
                // A nanosecond at the highest rate here is 0.02 bit.
                prop_assert!(handed_over <= totals[to] - totals[from] + 0.1, "from {from} to {to}");
            }
        }
    }
}
