//! Properties of decisions over arbitrary sessions.

use headroom_core::{
    decision::{Decision, Reason},
    engine::{Config, Engine, Input, Output, PolicyKind, Scope, StreamSettings},
    forecast::{CohortForecast, Forecast, History, lognormal},
    guard::Guard,
    ladder::{Ladder, Rung},
    objective::Objective,
    policy::{Guidance, Headroom, L2a, Lolp, Memory, Policy, Segments, Throughput, View, Weights},
    telemetry::{Link, NetworkId, Player, PlayerState, Report, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Ratio},
};
use proptest::prelude::*;

fn ladder() -> impl Strategy<Value = Ladder> {
    proptest::collection::btree_set(100_u64..40_000, 1..=Ladder::MAX_RUNGS).prop_map(|bitrates| {
        let rungs = bitrates.into_iter().map(|kbps| Rung::new(Bitrate::kbps(kbps), 720, 30.0));
        Ladder::new(rungs.collect()).expect("distinct bit rates make a ladder")
    })
}

fn player() -> impl Strategy<Value = Player> {
    let state = proptest::option::of(prop_oneof![
        Just(PlayerState::Starting),
        Just(PlayerState::Playing),
        Just(PlayerState::Rebuffering),
        Just(PlayerState::Paused),
    ]);
    let millis = |max: u64| proptest::option::of((0..max).prop_map(Duration::from_millis));
    let kbps = || proptest::option::of((0_u64..200_000).prop_map(Bitrate::kbps));
    (kbps(), kbps(), millis(20_000), millis(15_000), millis(60_000), state, any::<bool>(), any::<bool>()).prop_map(
        |(encoded, measured, transfer, buffer, latency, state, starved, startup)| Player {
            encoded_bitrate: encoded,
            measured_throughput: measured,
            transfer_time: transfer,
            buffer_length: buffer,
            live_latency: latency,
            state,
            buffer_starvation: starved,
            startup,
            ..Player::default()
        },
    )
}

/// What happens, and how many milliseconds after the event before it.
fn event() -> impl Strategy<Value = (u64, Input)> {
    let report = prop_oneof![
        8 => player().prop_map(Report::Player),
        1 => (0_u64..900, 0_u64..300_000, any::<bool>()).prop_map(|(rtt, kbps, limited)| Report::Link(Link {
            rtt: Some(Duration::from_millis(rtt)),
            delivery_rate: Some(Bitrate::kbps(kbps)),
            loss_ratio: Some(Ratio::clamped(0.1)),
            application_limited: limited,
            ..Link::default()
        })),
    ];
    let sample = (1_u64..4, report).prop_map(|(session, report)| {
        Input::Sample(Sample { session: SessionId(session), stream: StreamId(1), at: Timestamp::EPOCH, report })
    });
    let order = proptest::option::of((0_u64..50_000).prop_map(Bitrate::kbps)).prop_map(|max_bitrate| Input::Override {
        at: Timestamp::EPOCH,
        scope: Scope::All,
        max_bitrate,
        until: None,
    });
    let join = (1_u64..4, 0_u64..3).prop_map(|(session, network)| Input::Join {
        at: Timestamp::EPOCH,
        session: SessionId(session),
        network: NetworkId(network),
    });
    let cohort = (1_u64..3, 50.0_f32..100_000.0, -2.0_f32..0.5).prop_map(|(network, kbps, fall)| Input::Cohort {
        at: Timestamp::EPOCH,
        stream: StreamId(1),
        network: NetworkId(network),
        outlook: CohortForecast {
            quantiles_kbps: [0.3, 0.7, 1.0, 1.4, 3.0].map(|share| share * kbps),
            fall: fall.min(0.0),
        },
    });
    let tick = Just(Input::Tick { at: Timestamp::EPOCH });
    let input = prop_oneof![12 => sample, 6 => tick, 1 => order, 1 => join, 1 => cohort];
    (0_u64..4_000, input)
}

/// Gives the events their times.
fn timed(events: Vec<(u64, Input)>) -> Vec<Input> {
    let mut now = Timestamp::from_millis(1_000_000);
    let mut dated = |gap: u64| {
        now = now + Duration::from_millis(gap);
        now
    };
    events
        .into_iter()
        .map(|(gap, input)| match input {
            Input::Sample(sample) => Input::Sample(Sample { at: dated(gap), ..sample }),
            Input::Tick { .. } => Input::Tick { at: dated(gap) },
            Input::Override { scope, max_bitrate, until, .. } => {
                Input::Override { at: dated(gap), scope, max_bitrate, until }
            }
            Input::Join { session, network, .. } => Input::Join { at: dated(gap), session, network },
            Input::Cohort { stream, network, outlook, .. } => {
                Input::Cohort { at: dated(gap), stream, network, outlook }
            }
            other => other,
        })
        .collect()
}

/// An output, and what held before the input that it answers.
#[derive(Debug, PartialEq)]
struct Answered {
    output: Output,
    /// The order in force, this input's included.
    order: Option<Bitrate>,
    /// Sessions whose last decision was about a starving buffer.
    starving: Vec<SessionId>,
}

fn run(policy: PolicyKind, guard: Guard, ladder: &Ladder, inputs: &[Input]) -> Vec<Answered> {
    let default_stream = StreamSettings { ladder: ladder.clone(), ..StreamSettings::default() };
    let mut engine = Engine::new(Config { policy, guard, default_stream, ..Config::default() });
    let (mut outputs, mut order) = (Vec::new(), None);
    for input in inputs {
        if let Input::Override { max_bitrate, .. } = input {
            order = *max_bitrate;
        }
        let starves = |&id: &SessionId| engine.decision(id).is_some_and(|last| last.reason == Reason::Starvation);
        let starving: Vec<SessionId> = (1..4).map(SessionId).filter(starves).collect();
        engine.handle_input(input.clone());
        while let Some(output) = engine.poll_output() {
            outputs.push(Answered { output, order, starving: starving.clone() });
        }
    }
    outputs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_policy_leaves_the_ladder_or_exceeds_an_order(
        ladder in ladder(),
        events in proptest::collection::vec(event(), 1..200),
    ) {
        let inputs = timed(events);
        for policy in PolicyKind::all() {
            let outputs = run(policy, Guard::default(), &ladder, &inputs);
            for Answered { output, order, .. } in &outputs {
                let Output::Decision(decision) = output else { continue };
                let Some(cap) = decision.cap else { continue };
                prop_assert!(cap <= ladder.top());
                prop_assert_eq!(decision.max_bitrate, Some(ladder.bitrate(cap)));
                if let Some(order) = order {
                    prop_assert!(cap == 0 || ladder.bitrate(cap) <= *order, "{policy:?} exceeds the order {order}");
                }
                prop_assert!((0.9..=1.1).contains(&decision.playback_rate));
            }
            prop_assert_eq!(&outputs, &run(policy, Guard::default(), &ladder, &inputs), "same log, same decisions");
        }
    }

    #[test]
    fn without_orders_a_cap_climbs_slowly(
        ladder in ladder(),
        events in proptest::collection::vec(event(), 1..200),
    ) {
        let mut inputs = timed(events);
        inputs.retain(|input| !matches!(input, Input::Override { .. }));
        let kept = Guard { release_at_once: false, ..Guard::default() };
        for (policy, guard) in PolicyKind::all().flat_map(|policy| [(policy, Guard::default()), (policy, kept)]) {
            let outputs = run(policy, guard, &ladder, &inputs);
            for id in (1..4).map(SessionId) {
                let mut before: Option<&Decision> = None;
                for Answered { output, starving, .. } in &outputs {
                    let decision = match output {
                        Output::Decision(decision) if decision.session == id => decision,
                        Output::Expired { session, .. } if *session == id => {
                            before = None;
                            continue;
                        }
                        _ => continue,
                    };
                    // What others measured is no place to climb from.
                    let own = before.filter(|before| before.reason != Reason::Newcomer);
                    // The cap of a starving buffer ends with it.
                    let released = guard.release_at_once && starving.contains(&id);
                    let climbed = own.filter(|before| before.cap.is_some() && decision.cap > before.cap && !released);
                    if let Some(before) = climbed {
                        prop_assert!(decision.at.since(before.at) >= guard.dwell, "{policy:?} climbs too soon");
                        prop_assert!(decision.cap.unwrap() - before.cap.unwrap() <= guard.steps_up);
                    }
                    if before.is_none_or(|before| before.cap != decision.cap) {
                        before = Some(decision);
                    }
                }
            }
        }
    }

    #[test]
    fn less_throughput_never_raises_the_rung(
        ladder in ladder(),
        rates in proptest::collection::vec(50_u64..100_000, 1..8),
        share in 0.05_f64..1.0,
        buffer_ms in 0_u64..6_000,
        current in proptest::option::of(0_u8..16),
    ) {
        let decide = |policy: &dyn Policy, factor: f64| {
            let mut history = History::default();
            rates.iter().for_each(|&kbps| history.push(Bitrate::kbps(kbps).scaled(factor), Duration::from_secs(1)));
            let newest = history.newest().unwrap().throughput_kbps;
            let mean = history.harmonic_mean(8).unwrap() as f32;
            let forecast: Forecast = lognormal(Some(newest), Some(mean), &history);
            let view = View {
                now: Timestamp::from_millis(1),
                ladder: &ladder,
                segment_duration: Duration::from_secs(2),
                segments: Segments::Nominal,
                buffer_length: Duration::from_millis(buffer_ms),
                buffer_capacity: Duration::from_secs(6),
                current: current.map(|rung| rung.min(ladder.top())),
                live_latency: None,
                history: &history,
                forecast: &forecast,
                weights: Weights::default(),
                // The rule of `smooth` plans to come back later, and for one in a thousand links a little less throughput makes
                // another way back the best one.
                guidance: Guidance { objective: Objective::Sharp, ..Guidance::default() },
            };
            policy.decide(&view, &mut Memory::default()).rung
        };
        // SODA is no such policy: above its target it spends a buffer that a slower link would have taken.
        let policies: [&dyn Policy; 4] =
            [&Throughput::default(), &Headroom::default(), &L2a::default(), &Lolp::default()];
        for policy in policies {
            prop_assert!(decide(policy, share) <= decide(policy, 1.0), "{} at {share} of the throughput", policy.name());
        }
    }
}
