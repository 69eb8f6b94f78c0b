//! Laws of an audience: bounds for any input, decay, one author one voice, alarms only where telemetry is silent.

use super::*;
use crate::{policy::Weights, telemetry::StreamId, time::Timestamp, units::Ratio};
use proptest::prelude::*;

const STREAM: StreamId = StreamId(1);

fn second(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(1_000_000.0 + seconds)
}

fn complaint(aspect: Aspect) -> Classification {
    Classification {
        sentiment: Sentiment::Negative,
        confidence: Ratio::clamped(0.95),
        aspects: Aspects::NONE.with(aspect),
        command: None,
    }
}

fn chatter() -> Classification {
    Classification {
        sentiment: Sentiment::Neutral,
        confidence: Ratio::clamped(0.9),
        aspects: Aspects::NONE,
        command: None,
    }
}

/// An audience of `authors` who have chatted, a message a second, for ten minutes.
fn chatting(authors: u64) -> Audience {
    let mut audience = Audience::new(STREAM, second(0.0));
    for step in 0..600_u32 {
        let at = second(f64::from(step));
        audience.observe(AuthorId(u64::from(step) % authors), at, "", &chatter(), false);
        if step % 2 == 1 {
            assert_eq!(audience.tick(at, conditions(0)), [], "ordinary talk changes nothing");
        }
    }
    audience
}

fn conditions(stalls: u32) -> Conditions {
    Conditions { sessions: 100, stalls, ..Conditions::default() }
}

/// `count` authors complain about `aspect`, two a second, with a tick every two seconds.
fn complain(
    audience: &mut Audience,
    from: f64,
    count: u64,
    aspect: Aspect,
    telemetry: Conditions,
) -> Vec<(f64, Change)> {
    let mut changes = Vec::new();
    for number in 0..count {
        let at = from + number as f64 / 2.0;
        audience.observe(AuthorId(5_000 + number), second(at), &format!("m{number}"), &complaint(aspect), false);
        if number % 4 == 3 {
            changes.extend(audience.tick(second(at), telemetry).into_iter().map(|change| (at - from, change)));
        }
    }
    changes
}

#[test]
fn a_silent_fault_is_raised_with_evidence_and_cleared() {
    let mut audience = chatting(120);
    let changes = complain(&mut audience, 600.0, 40, Aspect::Audio, conditions(0));
    let [(after, Change::Raised(blind_spot))] = &changes[..] else { panic!("{changes:?}") };
    assert!(*after <= 10.0, "raised after {after} s");
    assert_eq!((blind_spot.aspect, blind_spot.stream), (Aspect::Audio, STREAM));
    assert_eq!(blind_spot.messages, ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(blind_spot.telemetry, conditions(0));
    assert!(blind_spot.complaints >= 8 && blind_spot.share >= 0.06, "{blind_spot:?}");
    assert_eq!(audience.weights(), Weights::default(), "what telemetry does not explain moves no weight");
    let cleared: Vec<_> =
        (0..120).flat_map(|step| audience.tick(second(620.0 + f64::from(step)), conditions(0))).collect();
    assert_eq!(cleared, [Change::Cleared(Aspect::Audio)]);
}

#[test]
fn complaints_that_telemetry_explains_move_weights_and_fade() {
    let mut audience = chatting(120);
    let changes = complain(&mut audience, 600.0, 40, Aspect::Buffering, conditions(30));
    assert!(changes.iter().all(|(_, change)| matches!(change, Change::Weights(_))), "{changes:?}");
    let moved = audience.weights();
    assert!(moved.stall > 1.5 && moved.quality < 0.9 && moved.latency < 0.9, "{moved:?}");
    let mut last = moved.stall;
    for minute in 1..12 {
        audience.tick(second(620.0 + 60.0 * f64::from(minute)), conditions(0));
        assert!(audience.weights().stall <= last, "influence only fades");
        last = audience.weights().stall;
    }
    assert_eq!(audience.weights(), Weights::default());
}

#[test]
fn votes_count_where_no_session_is_known() {
    let mut audience = chatting(40);
    for number in 0..20 {
        let wish = Classification { command: Some(Command::LowerLatency), ..chatter() };
        audience.observe(AuthorId(number), second(600.0), "", &wish, true);
        audience.observe(
            AuthorId(number),
            second(600.0),
            "",
            &Classification { command: Some(Command::RaiseQuality), ..chatter() },
            false,
        );
    }
    audience.tick(second(602.0), conditions(0));
    assert_eq!(audience.state().votes, [0, 0, 20]);
    assert!(audience.weights().latency > 1.3 && audience.weights().quality >= 1.0, "{:?}", audience.weights());
}

#[test]
fn one_author_is_one_voice_however_loud() {
    let mut audience = chatting(120);
    for step in 0..600 {
        let at = second(600.0 + f64::from(step) / 10.0);
        for aspect in Aspect::ALL {
            audience.observe(AuthorId(9_999), at, "", &complaint(aspect), false);
        }
        if step % 20 == 0 {
            let changes = audience.tick(at, conditions(30));
            assert!(changes.iter().all(|change| matches!(change, Change::Weights(_))), "{changes:?}");
        }
    }
    assert!((0.98..=1.02).contains(&audience.weights().stall), "{:?}", audience.weights());
}

#[test]
fn engagement_follows_talk_mood_and_return() {
    let usual = chatting(60).state();
    let mut lively = chatting(60);
    let mut dull = chatting(60);
    let pleased = Classification { sentiment: Sentiment::Positive, ..chatter() };
    for step in 0..300_u32 {
        let at = second(600.0 + f64::from(step));
        for extra in 0..4 {
            lively.observe(AuthorId(u64::from(step * 4 + extra) % 240), at, "", &pleased, false);
        }
        lively.tick(at, conditions(0));
        dull.tick(at, conditions(0));
    }
    let (lively, dull) = (lively.state(), dull.state());
    assert!(
        dull.engagement < usual.engagement && usual.engagement < lively.engagement,
        "{} {} {}",
        dull.engagement,
        usual.engagement,
        lively.engagement
    );
    assert!(lively.mood > 0.9 && dull.mood.abs() < 0.01);
}

fn reading() -> impl Strategy<Value = Classification> {
    let sentiment = prop::sample::select(vec![Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive]);
    let command = prop::option::weighted(
        0.2,
        prop::sample::select(vec![
            Command::LowerQuality,
            Command::RaiseQuality,
            Command::SetQuality(None),
            Command::SetQuality(Some(720)),
            Command::LowerLatency,
            Command::MoreBuffer,
            Command::Status,
        ]),
    );
    (sentiment, 0.0_f32..=1.0, prop::collection::vec(prop::sample::select(Aspect::ALL.to_vec()), 0..3), command)
        .prop_map(|(sentiment, confidence, aspects, command)| Classification {
            sentiment,
            confidence: Ratio::clamped(confidence),
            aspects: aspects.into_iter().collect(),
            command,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_leaves_its_bounds(
        messages in prop::collection::vec((0_u64..300, 0_u64..4_000, reading(), any::<bool>()), 0..600),
        telemetry in prop::collection::vec((0_u32..2_000, 0_u32..2_000, 0_u32..2_000, 0_u32..2_000), 1..8),
    ) {
        let mut audience = Audience::new(STREAM, second(0.0));
        let mut now = 0.0;
        for (index, (author, step_ms, reading, vote)) in messages.iter().enumerate() {
            now += *step_ms as f64 / 1_000.0;
            audience.observe(AuthorId(*author), second(now), "id", reading, *vote);
            if index % 3 == 0 {
                let (sessions, stalls, low_picture, behind) = telemetry[index % telemetry.len()];
                audience.tick(second(now), Conditions { sessions, stalls, low_picture, behind });
                let Weights { stall, quality, latency } = audience.weights();
                for weight in [stall, quality, latency] {
                    prop_assert!((0.5..=2.0).contains(&weight), "{weight}");
                }
                let state = audience.state();
                prop_assert!((0.0..=100.0).contains(&state.engagement), "{}", state.engagement);
                prop_assert!((-1.0..=1.0).contains(&state.mood), "{}", state.mood);
                prop_assert!(state.aspects.iter().all(|aspect| (0.0..=1.0).contains(&aspect.share)));
            }
        }
        for minute in 1..=20 {
            audience.tick(second(now + 60.0 * f64::from(minute)), Conditions::default());
        }
        prop_assert_eq!(audience.weights(), Weights::default(), "twenty silent minutes leave no influence");
        prop_assert!(audience.is_neutral());
    }
}

#[test]
fn memory_stays_bounded_in_a_flood() {
    let mut audience = Audience::new(STREAM, second(0.0));
    for message in 0..200_000_u64 {
        let at = second(message as f64 / 5_000.0);
        audience.observe(AuthorId(message), at, "0123456789abcdef", &complaint(Aspect::Picture), false);
        if message % 10_000 == 0 {
            audience.tick(at, Conditions::default());
        }
    }
    let complaints = audience.state().aspects[Aspect::Picture as usize].complaints;
    assert!(complaints <= 4_096, "{complaints}");
}
