//! Laws that hold for every player, link and policy.

use super::*;
use crate::{
    contender::{Contender, Playback, ServerGuidance},
    controller::{AdviceSettings, Asking},
    profile::Profile,
    session::{Controller, Player, Step},
    trace::{Sample, Trace},
};
use headroom_core::stretch::Stretch;
use proptest::prelude::*;

/// A link of a few seconds whose rate jumps, outages included; it repeats.
fn trace() -> impl Strategy<Value = Trace> {
    proptest::collection::vec((1_u32..40, prop_oneof![1 => Just(0.0), 6 => 200.0..40_000.0_f64]), 2..30).prop_map(
        |steps| {
            let mut at_s = 0.0;
            let mut samples = vec![Sample { throughput_kbps: 1_000.0, ..Sample::default() }];
            for (tenths, throughput_kbps) in steps {
                at_s += f64::from(tenths) / 10.0;
                samples.push(Sample { t_s: at_s, throughput_kbps, ..Sample::default() });
            }
            Trace::new(samples, at_s + 1.0).expect("times increase and rates are in range")
        },
    )
}

fn policy() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "buffer_based",
        "throughput",
        "dynamic",
        "bola_e",
        "robust_mpc",
        "lolp",
        "l2a",
        "soda",
        "headroom",
        "oracle",
    ])
}

fn profile() -> impl Strategy<Value = Profile> {
    proptest::sample::select(vec![
        Profile::edge(),
        Profile::edge_low(),
        Profile::live(),
        Profile::low_latency(),
        Profile::on_demand(),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Time: what passes is transfers and waits; media: what arrived is played, buffered, or was stalled for.
    /// Bytes: no transfer runs ahead of the link.
    #[test]
    fn time_and_bytes_are_conserved(trace in trace(), name in policy(), profile in profile()) {
        let video = profile.video(40.0).unwrap();
        let contender = Contender::parse(name, profile.objective()).unwrap();
        let mut steps = Vec::new();
        profile.play(&contender, &video, &trace, &mut steps).unwrap();
        prop_assert_eq!(steps.len(), video.segments());
        let segment_s = video.segment_duration().as_secs_f64();
        let mut buffer_s = 0.0;
        for (index, step) in steps.iter().enumerate() {
            let elapsed_s = step.transfer_s + step.wait_s;
            if let Some(next) = steps.get(index + 1) {
                // A policy's own pause comes on top, between a decision and its request.
                let passed_s = next.requested_s - step.requested_s;
                prop_assert!(passed_s >= elapsed_s - 1e-6, "{} s of {} s", elapsed_s, passed_s);
            }
            prop_assert!(step.rung <= video.ladder().top());
            prop_assert!(step.stall_s >= -1e-9 && step.buffer_s >= -1e-9);
            prop_assert!(step.buffer_s <= profile.buffer_s.max(segment_s) + 1e-6, "{} s held", step.buffer_s);
            // Played media is at most the time that passed (a tenth more while catching up), less the stall.
            let played_s = buffer_s + segment_s - step.buffer_s;
            let passed_s = steps.get(index + 1).map_or(elapsed_s, |next| next.requested_s - step.requested_s);
            let most_s = (passed_s - step.stall_s) * 1.1 + 1e-6;
            prop_assert!(played_s <= most_s.max(0.0) + 1e-6 || steps.len() == index + 1, "{} > {}", played_s, most_s);
            buffer_s = step.buffer_s;
        }
        let sent: f64 = steps.iter().map(|step| step.bits + step.wasted_bits).sum();
        let busy_s: f64 = steps.iter().map(|step| step.transfer_s).sum();
        let fastest = trace.samples().iter().map(|sample| sample.throughput_kbps).fold(0.0, f64::max) * 1_000.0;
        prop_assert!(sent <= fastest * busy_s * 1.000_001);
    }

    #[test]
    fn the_same_session_plays_the_same(trace in trace(), name in policy(), profile in profile()) {
        let video = profile.video(30.0).unwrap();
        let contender = Contender::parse(name, profile.objective()).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        profile.play(&contender, &video, &trace, &mut first);
        profile.play(&contender, &video, &trace, &mut second);
        prop_assert_eq!(first, second);
    }
}

/// On a steady link the oracle's preview and the player's own fetch are the same physics.
#[test]
fn what_is_previewed_is_what_happens() {
    let video = Profile::live().video(60.0).unwrap();
    let trace = Trace::constant(6_000.0).unwrap();
    let policy = headroom_core::policy::Throughput::default();
    let mut player = OnDemand::new(&video, &trace, OnDemandSettings { capacity_s: 6.0, ..OnDemandSettings::default() });
    let mut controller = crate::controller::InPlayer::new(&policy);
    for segment in 0..video.segments() {
        let choice = controller.choose(&mut player);
        let (after, previewed) = player.preview(player.moment(), segment, choice.rung).unwrap();
        let step = player.fetch(choice, &mut controller).unwrap();
        assert_eq!((player.moment(), step), (after, previewed));
    }
}

/// A link of 20 Mbit/s that carries `kbps` from second 60 to 90.
fn collapse(kbps: f64) -> Trace {
    let sample = |t_s, throughput_kbps| Sample { t_s, throughput_kbps, ..Sample::default() };
    Trace::new(vec![sample(0.0, 20_000.0), sample(60.0, kbps), sample(90.0, 20_000.0)], 300.0).unwrap()
}

fn played(profile: &Profile, contender: &Contender, trace: &Trace) -> Vec<Step> {
    let mut steps = Vec::new();
    let video = profile.video(trace.duration_s()).unwrap();
    profile.play(contender, &video, trace, &mut steps).unwrap();
    steps
}

#[test]
fn each_client_gives_transfers_up_by_its_own_rule() {
    let profile = Profile::edge();
    // (client, whether it gives a transfer up when the link collapses)
    for (client, gives_up) in [("dynamic", true), ("hls", true), ("shaka", false), ("demo", false)] {
        let contender = Contender::parse(client, profile.objective()).unwrap();
        let steps = played(&profile, &contender, &collapse(300.0));
        assert_eq!(steps.iter().any(|step| step.wasted_bits > 0.0), gives_up, "{client}");
        let advice = ServerGuidance::Advice { settings: AdviceSettings::default(), playback: Playback::default() };
        let advised = Contender::guided("none", client, profile.objective(), advice).unwrap();
        let steps = played(&profile, &advised, &collapse(300.0));
        assert!(steps.iter().any(|step| step.wasted_bits > 0.0), "{client} advised");
    }
}

#[test]
fn media_fills_to_the_live_edge_as_far_as_the_latency_allows() {
    let contender = Contender::parse("throughput", Profile::edge().objective()).unwrap();
    // (profile, most media held before the outage and after it, s): a player that an outage has made late holds what it is late.
    for (profile, before, after) in [
        (Profile::edge(), 4.0..6.1, 10.0..30.0),
        (Profile::edge_low(), 2.0..3.1, 7.0..30.0),
        (Profile::low_latency(), 1.0..3.1, 1.0..3.1),
    ] {
        let steps = played(&profile, &contender, &collapse(0.0));
        let most = |from_s: f64, until_s: f64| {
            let within = steps.iter().filter(|step| (from_s..until_s).contains(&step.requested_s));
            within.map(|step| step.buffer_s + step.wait_s).fold(0.0, f64::max)
        };
        assert!(before.contains(&most(20.0, 55.0)), "{}: {}", profile.name, most(20.0, 55.0));
        assert!(after.contains(&most(60.0, 130.0)), "{}: {}", profile.name, most(60.0, 130.0));
        let late = |step: &&Step| step.requested_s > 60.0;
        let latest = steps.iter().filter(late).map(|step| step.latency_s).fold(0.0, f64::max);
        assert!(latest > 20.0, "{}: nothing is skipped, {latest}", profile.name);
    }
}

#[test]
fn a_target_of_the_contenders_own_is_kept() {
    let profile = Profile::edge();
    for (target_latency_s, expected_s) in [(None, 6.0..7.0), (Some(4.0), 4.0..5.0)] {
        let playback = Playback { target_latency_s, ..Playback::default() };
        let contender = Contender::parse("throughput", profile.objective()).unwrap().with_playback(playback);
        let steps = played(&profile, &contender, &collapse(20_000.0));
        assert!(steps.iter().all(|step| expected_s.contains(&step.latency_s)), "{target_latency_s:?}");
    }
}

#[test]
fn stretch_shortens_stalls_and_lengthens_the_distance_to_live() {
    let profile = Profile::edge();
    let stalls = |playback: Playback| {
        let contender = Contender::parse("throughput", profile.objective()).unwrap().with_playback(playback);
        let steps = played(&profile, &contender, &collapse(300.0));
        let stalled: f64 = steps[1..].iter().map(|step| step.stall_s).sum();
        let latest = steps.iter().map(|step| step.latency_s).fold(0.0, f64::max);
        (stalled, latest)
    };
    let (alone_s, alone_latest_s) = stalls(Playback::default());
    let (stretched_s, stretched_latest_s) =
        stalls(Playback { stretch: Some(Stretch::default()), ..Playback::default() });
    assert!(alone_s > 1.0 && stretched_s < alone_s, "{stretched_s} s for {alone_s} s");
    assert!((stretched_latest_s - alone_latest_s).abs() < 1.0, "{stretched_latest_s} s for {alone_latest_s} s");
    assert!(stretched_latest_s > 10.0, "what was stalled for is behind: {stretched_latest_s} s");
}

/// At a playback rate that is no power of two, rounding once left a stall of less than nothing.
#[test]
fn what_the_buffer_holds_stalls_by_nothing() {
    let profile = Profile::edge();
    let stretched = Playback { stretch: Some(Stretch::default()), ..Playback::default() };
    let contender = Contender::parse("throughput", profile.objective()).unwrap().with_playback(stretched);
    for kbps in [700.0, 1_000.0, 4_000.0, 30_000.0] {
        let samples = vec![Sample { throughput_kbps: kbps, ..Sample::default() }];
        let steps = played(&profile, &contender, &Trace::new(samples, 60.0).unwrap());
        assert!(steps.iter().any(|step| step.playback_rate < 1.0), "the buffer is short at the start");
        let stalls: Vec<f64> = steps.iter().skip(1).map(|step| step.stall_s).collect();
        assert!(stalls.iter().all(|&stall_s| stall_s == 0.0), "{kbps} kbit/s: {stalls:?}");
    }
}

#[test]
fn a_question_costs_a_round_trip_only_in_line_and_is_not_asked_on_an_empty_buffer() {
    let profile = Profile::edge();
    let pauses = |asking: Asking, trace: &Trace| {
        let settings = AdviceSettings { asking, ..AdviceSettings::default() };
        let guidance = ServerGuidance::Advice { settings, playback: Playback::default() };
        let contender = Contender::guided("headroom", "dynamic", profile.objective(), guidance).unwrap();
        let steps = played(&profile, &contender, trace);
        let pause_s = |pair: &[Step]| {
            let next_s = pair[0].requested_s + pair[0].transfer_s + pair[0].wait_s;
            (pair[0].buffer_s, pair[1].requested_s - next_s)
        };
        // What lies between two requests beside the transfer and the wait belongs to the question before the first of them.
        steps.windows(2).skip(1).map(pause_s).collect::<Vec<(f64, f64)>>()
    };
    let near = |value: f64, expected: f64| (value - expected).abs() < 1e-6;
    assert!(pauses(Asking::Ahead, &collapse(300.0)).iter().all(|&(_, pause_s)| near(pause_s, 0.0)));
    let in_line = pauses(Asking::InLine, &collapse(100.0));
    assert!(in_line.iter().filter(|&&(_, pause_s)| near(pause_s, 0.08)).count() > 100);
    // The buffer at the request before decides whether it asked.
    let asked_when_low = in_line.windows(2).filter(|pair| pair[0].0 <= 2.0 && !near(pair[1].1, 0.0)).count();
    assert_eq!(asked_when_low, 0, "{in_line:?}");
    assert!(in_line.iter().any(|&(buffer_s, _)| buffer_s <= 2.0), "the link starves it");
}
