//! Laws that hold for every player, link and policy.

use super::*;
use crate::{
    session::{Controller, Player},
    contender::Contender,
    profile::Profile,
    trace::{Sample, Trace},
};
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
    proptest::sample::select(vec![Profile::live(), Profile::low_latency(), Profile::on_demand()])
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
