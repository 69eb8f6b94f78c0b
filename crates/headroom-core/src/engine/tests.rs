//! Scenarios: what goes in second by second, and what must come out.

use super::*;
use crate::{
    decision::Reason,
    guard::Guard,
    telemetry::{Link, Player, PlayerState, StreamId},
    time::Duration,
};

const VIEWER: SessionId = SessionId(7);

fn second(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(1_000.0 + seconds)
}

/// A player on the default ladder at `kbps` of throughput with `buffer` seconds buffered.
fn report(at: f64, playing: u64, kbps: u64, buffer: f64) -> Input {
    Input::Sample(Sample {
        session: VIEWER,
        stream: StreamId(1),
        at: second(at),
        report: Report::Player(Player {
            encoded_bitrate: Some(Bitrate::kbps(playing)),
            measured_throughput: Some(Bitrate::kbps(kbps)),
            transfer_time: Some(Duration::from_millis(800)),
            buffer_length: Some(Duration::from_secs_f64(buffer)),
            state: Some(PlayerState::Playing),
            ..Player::default()
        }),
    })
}

/// The buffer has run empty.
fn starved(at: f64) -> Input {
    Input::Sample(Sample {
        session: VIEWER,
        stream: StreamId(1),
        at: second(at),
        report: Report::Player(Player {
            buffer_starvation: true,
            buffer_length: Some(Duration::ZERO),
            state: Some(PlayerState::Rebuffering),
            ..Player::default()
        }),
    })
}

fn tick(at: f64) -> Input {
    Input::Tick { at: second(at) }
}

fn decisions(engine: &mut Engine, inputs: impl IntoIterator<Item = Input>) -> Vec<Decision> {
    let mut seen = Vec::new();
    for input in inputs {
        engine.handle_input(input);
        while let Some(output) = engine.poll_output() {
            if let Output::Decision(decision) = output {
                seen.push(decision);
            }
        }
    }
    seen
}

/// Reports every 2 s with a tick after each: the daily rhythm.
fn steady(from: f64, to: f64, playing: u64, kbps: u64, buffer: f64) -> impl Iterator<Item = Input> {
    let steps = ((to - from) / 2.0) as usize;
    (0..steps).flat_map(move |step| {
        let at = from + step as f64 * 2.0;
        [report(at, playing, kbps, buffer), tick(at + 0.5)]
    })
}

#[test]
fn unknown_means_hold() {
    let mut engine = Engine::new(Config::default());
    let silent = Input::Sample(Sample {
        session: VIEWER,
        stream: StreamId(1),
        at: second(0.0),
        report: Report::Player(Player::default()),
    });
    let made = decisions(&mut engine, [silent, tick(1.0)]);
    assert!(made.iter().all(|decision| decision.cap.is_none()), "{made:?}");
    assert_eq!(engine.decision(VIEWER).unwrap().reason, Reason::NoEvidence);
}

/// A report of a player that says no throughput.
fn mute(at: f64, playing: u64, buffer: f64) -> Input {
    let Input::Sample(mut sample) = report(at, playing, 1, buffer) else { unreachable!() };
    if let Report::Player(player) = &mut sample.report {
        (player.measured_throughput, player.transfer_time) = (None, None);
    }
    Input::Sample(sample)
}

/// What the transport saw of such a player.
fn delivery(at: f64, kbps: u64, application_limited: bool) -> Input {
    let link = Link { delivery_rate: Some(Bitrate::kbps(kbps)), application_limited, ..Link::default() };
    Input::Sample(Sample { session: VIEWER, stream: StreamId(1), at: second(at), report: Report::Link(link) })
}

#[test]
fn a_short_buffer_on_an_unknown_link_is_the_player_s_business() {
    let mut engine = Engine::new(Config::default());
    let made = decisions(&mut engine, [mute(0.0, 400, 1.1), tick(0.5), mute(2.0, 400, 0.5), tick(2.5)]);
    assert!(made.iter().all(|decision| decision.cap.is_none()), "{made:?}");
    decisions(&mut engine, [delivery(3.0, 900, true), tick(4.5)]);
    assert_eq!(engine.decision(VIEWER).unwrap().cap, None, "the least of an unknown link is no reason for a cap");
}

#[test]
fn the_end_of_what_lowered_a_rung_is_said_on_an_unknown_link_too() {
    let mut engine = Engine::new(Config::default());
    let share = |at: f64, capacity| Input::Bottleneck { at: second(at), stream: None, capacity };
    let order = |at: f64, max_bitrate| Input::Override { at: second(at), scope: Scope::All, max_bitrate, until: None };
    for (lowers, ends) in
        [(share(2.0, Some(Bitrate::mbps(1))), share(8.0, None)), (order(2.0, Some(Bitrate::mbps(1))), order(8.0, None))]
    {
        decisions(&mut engine, [mute(0.0, 8_000, 3.0), lowers, tick(2.5), mute(4.0, 800, 3.0), tick(4.5)]);
        assert_eq!(engine.decision(VIEWER).unwrap().max_bitrate, Some(Bitrate::kbps(800)));
        decisions(&mut engine, [ends, mute(8.5, 800, 3.0), tick(8.6)]);
        assert_eq!(engine.decision(VIEWER).unwrap().cap, Some(7), "nothing holds it down");
    }
}

#[test]
fn segments_too_small_to_fill_the_link_do_not_hold_a_session_down() {
    let mut engine = Engine::new(Config::default());
    for step in 0..10 {
        let at = f64::from(step) * 2.0;
        decisions(&mut engine, [mute(at, 800, 2.5), delivery(at + 0.1, 900, false), tick(at + 0.5)]);
    }
    let low = engine.decision(VIEWER).unwrap().cap.unwrap();
    for step in 10..30 {
        let at = f64::from(step) * 2.0;
        decisions(&mut engine, [mute(at, 400, 2.5), delivery(at + 0.1, 200, true), tick(at + 0.5)]);
    }
    assert_eq!(engine.decision(VIEWER).unwrap().cap, Some(low), "less than is known says nothing");
    for step in 30..40 {
        let at = f64::from(step) * 2.0;
        decisions(&mut engine, [mute(at, 400, 2.5), delivery(at + 0.1, 20_000, true), tick(at + 0.5)]);
    }
    assert!(engine.decision(VIEWER).unwrap().cap.unwrap() > low + 2, "more than is known is news");
}

/// A report of a player that tells its own average, as hls.js and dash.js do.
fn average(at: f64, kbps: u64, buffer: f64, state: PlayerState) -> Input {
    let Input::Sample(mut sample) = report(at, 1_600, kbps, buffer) else { unreachable!() };
    if let Report::Player(player) = &mut sample.report {
        (player.transfer_time, player.state) = (None, Some(state));
    }
    Input::Sample(sample)
}

/// A whole object as the transport saw it.
fn object(at: f64, kbps: u64) -> Input {
    let (rate, busy) = (Some(Bitrate::kbps(kbps)), Some(Duration::from_millis(900)));
    let link = Link { delivery_rate: rate, busy, ..Link::default() };
    Input::Sample(Sample { session: VIEWER, stream: StreamId(1), at: second(at), report: Report::Link(link) })
}

fn expected_kbps(engine: &Engine) -> f64 {
    engine.decision(VIEWER).unwrap().expected_throughput.map_or(0.0, Bitrate::as_kbps)
}

#[test]
fn what_a_player_calls_its_throughput_before_media_came_is_a_default() {
    let mut engine = Engine::new(Config::default());
    // hls.js 1.7 on a link of 2 Mbit/s: its settings until the first segment has arrived.
    let defaults = [(0.0, 500), (0.2, 5_000), (1.9, 5_000), (2.9, 5_000)];
    decisions(&mut engine, defaults.map(|(at, kbps)| average(at, kbps, 0.0, PlayerState::Starting)));
    assert_eq!(engine.decision(VIEWER).unwrap().expected_throughput, None);
    decisions(&mut engine, [average(3.3, 2_000, 1.9, PlayerState::Starting)]);
    assert!((1_000.0..3_000.0).contains(&expected_kbps(&engine)), "{}", expected_kbps(&engine));
}

#[test]
fn an_average_told_with_every_request_is_one_observation_a_segment() {
    let rate = |times_a_segment: u32| {
        let mut engine = Engine::new(Config::default());
        decisions(&mut engine, (0..8).map(|step| average(f64::from(step) * 2.0, 8_000, 4.0, PlayerState::Playing)));
        let steps = 3 * times_a_segment;
        let slower = (0..steps).map(|step| {
            average(16.0 + f64::from(step) * 2.0 / f64::from(times_a_segment), 2_000, 4.0, PlayerState::Playing)
        });
        decisions(&mut engine, slower);
        expected_kbps(&engine)
    };
    assert_eq!(rate(1), rate(3));
}

#[test]
fn whole_objects_count_before_averages_and_the_latest_acknowledgements() {
    let mut engine = Engine::new(Config::default());
    for step in 0..8 {
        let at = f64::from(step) * 2.0;
        let told =
            [average(at, 1_500, 4.0, PlayerState::Playing), object(at + 0.2, 2_000), delivery(at + 0.8, 64, false)];
        decisions(&mut engine, told.into_iter().chain([average(at + 1.2, 1_600, 4.0, PlayerState::Playing)]));
    }
    assert!((1_700.0..2_300.0).contains(&expected_kbps(&engine)), "{}", expected_kbps(&engine));
}

#[test]
fn a_transport_that_ends_at_a_relay_is_not_the_player_s() {
    let mut engine = Engine::new(Config::default());
    for step in 0..12 {
        let at = f64::from(step) * 2.0;
        decisions(&mut engine, [object(at, 200_000), average(at + 0.1, 1_500, 4.0, PlayerState::Playing)]);
    }
    assert!((1_000.0..2_000.0).contains(&expected_kbps(&engine)), "{}", expected_kbps(&engine));
}

#[test]
fn an_empty_buffer_before_the_first_picture_is_no_starvation() {
    let mut engine = Engine::new(Config::default());
    // dash.js 5.1 is "rebuffering" until its first segment has arrived.
    let states = [(0.0, 0.0, PlayerState::Starting), (0.5, 0.0, PlayerState::Rebuffering)];
    decisions(&mut engine, states.map(|(at, buffer, state)| average(at, 1_500, buffer, state)));
    assert_eq!(engine.view(VIEWER).unwrap().starvations, 0);
    decisions(&mut engine, [average(2.0, 1_500, 1.9, PlayerState::Playing)]);
    decisions(&mut engine, [average(5.0, 1_500, 0.0, PlayerState::Rebuffering)]);
    assert_eq!(engine.view(VIEWER).unwrap().starvations, 1);
}

#[test]
fn a_player_that_began_with_less_than_a_second_is_capped_when_it_starves() {
    let mut engine = Engine::new(Config::default());
    // Shaka 5 at 3 Mbit/s on a link that fell to 1 Mbit/s: it plays what it has, and never gets to hold a second.
    let begun = |at: f64, buffer: f64| {
        let Input::Sample(mut sample) = mute(at, 3_000, buffer) else { unreachable!() };
        if let Report::Player(player) = &mut sample.report {
            (player.state, player.media_start_delay) = (None, Some(Duration::from_millis(2_600)));
        }
        Input::Sample(sample)
    };
    let inputs = [object(0.0, 10_000), begun(0.5, 0.8), object(3.0, 1_000), begun(3.1, 0.1), tick(3.5)];
    let made = decisions(&mut engine, inputs);
    assert_eq!(made[0].reason, Reason::Starvation, "{made:?}");
    assert!(made.last().unwrap().max_bitrate.unwrap() <= Bitrate::kbps(800));
}

#[test]
fn a_fast_link_ends_at_the_top_and_a_slow_one_low() {
    for (kbps, expected) in [(200_000, 20_000), (2_000, 1_600), (300, 400)] {
        let mut engine = Engine::new(Config::default());
        decisions(&mut engine, steady(0.0, 60.0, 400, kbps, 5.0));
        let cap = engine.decision(VIEWER).unwrap().max_bitrate.unwrap();
        assert_eq!(cap, Bitrate::kbps(expected), "link of {kbps} kbit/s");
    }
}

#[test]
fn starvation_and_collapse_are_decided_at_once() {
    let mut engine = Engine::new(Config::default());
    decisions(&mut engine, steady(0.0, 40.0, 8_000, 30_000, 5.0));
    let decided_before = engine.counters().decisions.iter().sum::<u64>();
    decisions(&mut engine, [report(40.1, 8_000, 900, 3.0)]);
    assert_eq!(engine.counters().emergencies, 1, "a collapse needs no tick");
    assert_eq!(engine.counters().decisions.iter().sum::<u64>(), decided_before + 1);
    let decided = decisions(&mut engine, [starved(41.0)]);
    assert_eq!(engine.counters().emergencies, 2);
    let last = decided.last().unwrap();
    assert_eq!((last.max_bitrate, last.reason), (Some(Bitrate::kbps(800)), Reason::Starvation));
}

#[test]
fn the_cap_of_a_starving_buffer_ends_with_it() {
    for (release_at_once, back_at_once) in [(true, true), (false, false)] {
        let guard = Guard { release_at_once, ..Guard::default() };
        let mut engine = Engine::new(Config { guard, ..Config::default() });
        decisions(&mut engine, steady(0.0, 40.0, 8_000, 30_000, 5.0));
        let before = engine.decision(VIEWER).unwrap().cap;
        decisions(&mut engine, [report(40.1, 8_000, 900, 3.0), starved(41.0)]);
        let starving = engine.decision(VIEWER).unwrap();
        assert_eq!((starving.max_bitrate, starving.reason), (Some(Bitrate::kbps(800)), Reason::Starvation));
        decisions(&mut engine, [report(41.5, 800, 30_000, 4.0), report(42.0, 800, 30_000, 5.0), tick(43.0)]);
        let after = engine.decision(VIEWER).unwrap().cap;
        assert_eq!(after >= before.map(|cap| cap - 1), back_at_once, "{before:?} before, {after:?} after");
    }
}

#[test]
fn steps_up_wait_for_the_dwell_and_stay_small() {
    let config = Config::default();
    let (dwell, steps_up) = (config.guard.dwell, config.guard.steps_up);
    let mut engine = Engine::new(config);
    decisions(&mut engine, steady(0.0, 20.0, 400, 700, 5.0));
    let climbing = decisions(&mut engine, steady(20.0, 60.0, 400, 100_000, 5.0));
    let mut caps: Vec<_> = climbing.iter().filter_map(|decision| Some((decision.at, decision.cap?))).collect();
    caps.dedup_by_key(|(_, cap)| *cap);
    for pair in caps.windows(2).filter(|pair| pair[1].1 > pair[0].1) {
        assert!(pair[1].1 - pair[0].1 <= steps_up, "{pair:?}");
        assert!(pair[1].0.since(pair[0].0) >= dwell, "{pair:?}");
    }
    assert_eq!(caps.last().unwrap().1, 7, "{caps:?}");
}

#[test]
fn overrides_act_at_once_and_end_when_told() {
    let mut engine = Engine::new(Config::default());
    decisions(&mut engine, steady(0.0, 60.0, 8_000, 100_000, 5.0));
    let limit = |at, scope, max_bitrate, until| Input::Override { at: second(at), scope, max_bitrate, until };
    for scope in [Scope::Session(VIEWER), Scope::Stream(StreamId(1)), Scope::All] {
        let capped = decisions(&mut engine, [limit(60.0, scope, Some(Bitrate::kbps(1_000)), None)]);
        assert_eq!(
            capped.last().map(|d| (d.max_bitrate, d.reason)),
            Some((Some(Bitrate::kbps(800)), Reason::Override))
        );
        let released = decisions(&mut engine, [limit(61.0, scope, None, None)]);
        assert_eq!(released.last().map(|decision| decision.cap), Some(Some(7)), "{scope:?} released");
    }
    decisions(&mut engine, [limit(62.0, Scope::All, Some(Bitrate::kbps(1_000)), Some(second(65.0)))]);
    assert_eq!(engine.decision(VIEWER).unwrap().cap, Some(1));
    decisions(&mut engine, steady(66.0, 68.0, 8_000, 100_000, 5.0));
    assert_eq!(engine.decision(VIEWER).unwrap().cap, Some(7), "ended by itself");
}

#[test]
fn silent_sessions_expire_and_old_reports_change_nothing() {
    let mut engine = Engine::new(Config::default());
    decisions(&mut engine, steady(0.0, 10.0, 3_000, 5_000, 5.0));
    let before = engine.view(VIEWER);
    engine.handle_input(report(1.0, 400, 10, 0.0));
    assert_eq!(engine.view(VIEWER), before);
    assert_eq!(engine.counters().reordered, 1);
    engine.handle_input(tick(100.0));
    assert!(engine.is_empty());
    assert!(matches!(engine.poll_output(), Some(Output::Expired { session: VIEWER, .. })));
}

#[test]
fn one_wrong_clock_does_not_age_the_others() {
    let mut engine = Engine::new(Config::default());
    decisions(&mut engine, steady(0.0, 10.0, 3_000, 5_000, 5.0));
    engine.handle_input(report(1e9, 3_000, 5_000, 5.0));
    engine.handle_input(tick(12.0));
    assert_eq!(engine.counters().redated, 1);
    assert_eq!(engine.len(), 1);
    engine.handle_input(tick(-5_000.0));
    assert_eq!(engine.len(), 1, "a clock that steps back expires nobody");
}

#[test]
fn a_flood_of_new_sessions_is_bounded_and_counted() {
    let mut engine = Engine::new(Config { max_sessions: 1_000, ..Config::default() });
    for id in 0..10_000_u64 {
        let Input::Sample(sample) = report(id as f64 / 1e4, 400, 5_000, 4.0) else { unreachable!() };
        engine.handle_input(Input::Sample(Sample { session: SessionId(id), ..sample }));
        while engine.poll_output().is_some() {}
    }
    assert_eq!(engine.len(), 1_000);
    assert_eq!(engine.counters().evicted, 9_000);
}

#[test]
fn the_same_input_log_gives_the_same_decision_log() {
    let log: Vec<String> = steady(0.0, 30.0, 3_000, 9_000, 4.0)
        .chain(steady(30.0, 50.0, 3_000, 700, 1.0))
        .map(|input| serde_json::to_string(&input).unwrap())
        .collect();
    let replay = || {
        let mut engine = Engine::new(Config::default());
        let inputs = log.iter().map(|line| serde_json::from_str(line).unwrap());
        serde_json::to_string(&decisions(&mut engine, inputs)).unwrap()
    };
    let direct = {
        let mut engine = Engine::new(Config::default());
        let inputs = steady(0.0, 30.0, 3_000, 9_000, 4.0).chain(steady(30.0, 50.0, 3_000, 700, 1.0));
        serde_json::to_string(&decisions(&mut engine, inputs)).unwrap()
    };
    assert_eq!(replay(), replay());
    assert_eq!(replay(), direct, "writing the log down loses nothing");
}

#[test]
fn a_known_bottleneck_is_divided_and_given_back() {
    let mut engine = Engine::new(Config::default());
    let viewers: Vec<SessionId> = (1..=4).map(SessionId).collect();
    let rhythm = |engine: &mut Engine, from: f64| {
        for input in steady(from, from + 30.0, 3_000, 100_000, 5.0) {
            match input {
                Input::Sample(sample) => viewers.iter().for_each(|&session| {
                    engine.handle_input(Input::Sample(Sample { session, ..sample.clone() }));
                }),
                other => engine.handle_input(other),
            }
        }
    };
    let caps = |engine: &Engine| -> Vec<_> {
        viewers.iter().map(|&viewer| engine.decision(viewer).unwrap().max_bitrate.unwrap().as_kbps()).collect()
    };
    let bottleneck = |at: f64, capacity| Input::Bottleneck { at: second(at), stream: None, capacity };
    engine.handle_input(bottleneck(0.0, Some(Bitrate::mbps(20))));
    rhythm(&mut engine, 0.0);
    assert_eq!(caps(&engine), [5_000.0; 4]);
    assert_eq!(engine.decision(viewers[0]).unwrap().reason, Reason::Allocation);
    engine.handle_input(bottleneck(30.0, None));
    rhythm(&mut engine, 30.0);
    assert_eq!(caps(&engine), [20_000.0; 4]);
}

#[test]
fn a_starting_player_is_left_alone() {
    let mut engine = Engine::new(Config::default());
    let made =
        decisions(&mut engine, [report(0.0, 3_000, 900, 0.0), tick(0.5), report(2.0, 3_000, 900, 0.4), tick(2.5)]);
    assert!(made.iter().all(|decision| decision.cap.is_none()), "an empty buffer at the start is no reason: {made:?}");
    decisions(&mut engine, [report(4.0, 3_000, 900, 1.5), tick(4.5)]);
    assert!(engine.decision(VIEWER).unwrap().max_bitrate <= Some(Bitrate::kbps(800)), "now it has something to lose");
}

#[test]
fn an_output_is_little_more_than_a_decision() {
    // A tick of a million sessions writes most of a million of them.
    assert!(size_of::<Output>() <= size_of::<Decision>() + 8, "{} {}", size_of::<Output>(), size_of::<Decision>());
}

#[test]
fn without_a_policy_the_player_chooses_alone_but_orders_hold() {
    let policy = "none".parse().unwrap();
    let mut engine = Engine::new(Config { policy, ..Config::default() });
    let mut made = decisions(&mut engine, steady(0.0, 20.0, 3_000, 30_000, 5.0));
    // Throughput collapses and the buffer runs dry: nothing is said.
    made.extend(decisions(&mut engine, [report(20.0, 3_000, 300, 0.0), tick(20.5)]));
    assert!(made.iter().all(|decision| decision.cap.is_none() && decision.playback_rate == 1.0), "{made:?}");
    assert!(made.iter().all(|decision| (decision.reason, &*decision.policy) == (Reason::NoPolicy, "none")));
    assert_eq!(engine.advise(VIEWER, second(20.5)), None);
    let order = |at: f64, max_bitrate| Input::Override { at: second(at), scope: Scope::All, max_bitrate, until: None };
    let ordered = decisions(&mut engine, [order(21.0, Some(Bitrate::kbps(1_000)))]);
    assert_eq!(ordered[0].reason, Reason::Override);
    assert!(ordered[0].max_bitrate.is_some_and(|rate| rate <= Bitrate::kbps(1_000)));
    let freed = decisions(&mut engine, [order(22.0, None)]);
    assert_eq!(freed[0].cap, Some(StreamSettings::default().ladder.top()), "the end of the order is said at once");
}
