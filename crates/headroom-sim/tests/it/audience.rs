//! What an audience is worth: stalls avoided and what they cost, faults seen that telemetry cannot see, ordinary days
//! without alarms, brigades without effect. `cargo test -p headroom-sim --test it audience -- --nocapture` prints the figures.

use headroom_core::{
    audience::{Aspect, Conditions},
    engine::Config,
    ladder::Ladder,
    policy::Throughput,
    time::Duration,
};
use headroom_sim::{
    audience::{AudienceOutcome, Brigade, Chat, Fault, Viewers},
    trace::{
        Trace,
        synth::{self, Preset},
    },
    video::Video,
};

const HEALTHY: Conditions = Conditions { sessions: 1_000, stalls: 2, low_picture: 40, behind: 10 };
const RATES: [f64; 4] = [0.3, 1.0, 5.0, 20.0];

fn chat(messages_per_s: f64, seed: u64) -> Chat {
    Chat { messages_per_s, complaint_share: 0.01, telemetry: HEALTHY, seed }
}

#[test]
fn complaints_about_buffering_make_the_policy_careful() {
    let video = Video::jittered(Ladder::default(), Duration::from_secs(2), 300, 0.1, 7).unwrap();
    let links: Vec<Trace> =
        (0..60).map(|seed| synth::generate(Preset::Driving, 100 + seed, 600.0, 1.0).unwrap()).collect();
    let run = |writing: f64, seed: u64| {
        let viewers = Viewers { links: &links, video: &video, capacity_s: 6.0, writing, small_talk_per_s: 1.0, seed };
        viewers.play(&Throughput { safety: 1.0, ..Throughput::default() }, &Config::default())
    };
    let silent = run(0.0, 1);
    let heard: Vec<AudienceOutcome> = (1..=3).map(|seed| run(0.5, seed)).collect();
    for outcome in &heard {
        println!(
            "stall ratio {:.4} -> {:.4} ({:+.1} %), stalls {} -> {}, bit rate {:.2} -> {:.2} Mbit/s ({:+.1} %), {} complaints, stall weight up to {}",
            silent.stall_ratio,
            outcome.stall_ratio,
            100.0 * (outcome.stall_ratio / silent.stall_ratio - 1.0),
            silent.stalls,
            outcome.stalls,
            silent.bitrate_mbps,
            outcome.bitrate_mbps,
            100.0 * (outcome.bitrate_mbps / silent.bitrate_mbps - 1.0),
            outcome.complaints,
            outcome.stall_weight,
        );
        assert!(outcome.stall_weight > 1.2, "complaints were heard: {outcome:?}");
        assert!(outcome.stall_ratio < silent.stall_ratio, "{outcome:?} {silent:?}");
        assert!(outcome.bitrate_mbps > 0.7 * silent.bitrate_mbps, "the price is bounded: {outcome:?} {silent:?}");
        assert_eq!(outcome.alarms, 0, "telemetry sees stalls");
    }
    assert_eq!(heard[0], run(0.5, 1), "same seed, same run");
}

#[test]
fn a_fault_that_telemetry_cannot_see_is_alerted_within_ten_seconds() {
    for aspect in [Aspect::Audio, Aspect::Picture] {
        for writing in [0.02, 0.05, 0.10] {
            for rate in RATES {
                let waits: Vec<Option<f64>> = (0..20)
                    .map(|seed| {
                        let fault = Fault { at_s: 1_800.0, aspect, writing, delay_s: 15.0, recall: 0.9 };
                        let watched = chat(rate, 100 + seed).watch(2_000.0, Some(fault), None);
                        let first = watched.first_complaint_s?;
                        let seen = watched.alarms.iter().find(|(at, of)| *at >= first && *of == aspect);
                        seen.map(|(at, _)| at - first)
                    })
                    .collect();
                let mut seen: Vec<f64> = waits.iter().copied().flatten().collect();
                seen.sort_by(f64::total_cmp);
                println!(
                    "{} fault, {:.0} % of the viewers write, {rate} messages/s: alerted {}/20, median {:.1} s, slowest {:.1} s after the first complaint",
                    aspect.word(),
                    100.0 * writing,
                    seen.len(),
                    seen.get(seen.len() / 2).copied().unwrap_or(f64::NAN),
                    seen.last().copied().unwrap_or(f64::NAN),
                );
                if writing >= 0.10 && rate >= 1.0 {
                    let in_time = seen.iter().filter(|&&wait| wait <= 10.0).count();
                    assert!(in_time >= 18, "{} {writing} {rate}: {waits:?}", aspect.word());
                }
            }
        }
    }
}

#[test]
fn ordinary_days_raise_less_than_an_alarm_a_day() {
    let mut days = 0;
    let mut alarms = 0;
    for rate in RATES {
        for seed in 0..if rate > 4.0 { 1 } else { 3 } {
            let watched = chat(rate, 500 + seed).watch(86_400.0, None, None);
            days += 1;
            alarms += watched.alarms.len();
            println!("{rate} messages/s, day {seed}: {} messages, {} alarms", watched.messages, watched.alarms.len());
            assert!(watched.alarms.len() <= 1, "{:?}", watched.alarms);
            assert!(watched.weights.0 <= 1.05 && watched.weights.1 >= 0.95, "weights stay: {:?}", watched.weights);
        }
    }
    println!("{alarms} alarms in {days} days");
}

#[test]
fn brigades_and_floods_change_nothing() {
    let stalling = Conditions { stalls: 200, ..HEALTHY };
    for rate in RATES {
        let before = chat(rate, 9).watch(1_800.0, None, None).authors;
        for (name, authors, every_s) in
            [("5 % of the authors", (0.05 * before).floor() as u64, 5.0), ("one flooding author", 1, 2.0)]
        {
            for (aspect, telemetry) in
                [(Aspect::Audio, HEALTHY), (Aspect::Buffering, HEALTHY), (Aspect::Buffering, stalling)]
            {
                let brigade = Brigade { at_s: 1_800.0, aspect, authors, every_s, telemetry };
                let watched = chat(rate, 9).watch(2_700.0, None, Some(brigade));
                println!(
                    "{rate} messages/s, {name} ({authors}) claim {} with {} of 1000 stalling: {} alarms, weights {:.2}..{:.2}",
                    aspect.word(),
                    telemetry.stalls,
                    watched.alarms.len(),
                    watched.weights.1,
                    watched.weights.0,
                );
                assert_eq!(watched.alarms, [], "{name} {rate}");
                assert!(watched.weights.0 <= 1.35 && watched.weights.1 >= 0.8, "{name} {rate}: {:?}", watched.weights);
            }
        }
    }
}
