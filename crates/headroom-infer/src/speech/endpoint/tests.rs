use super::*;
use expect_test::{Expect, expect};

/// Runs of (frames, probability) in; one line an utterance out, in frames.
fn check(plan: &[(usize, f32)], expected: Expect) {
    let mut endpointer = Endpointer::new(EndpointSettings::default());
    let mut lines = String::new();
    let mut frame = 0_u32;
    let mut tell = |utterance: Option<Utterance>| {
        if let Some(utterance) = utterance {
            let first = utterance.start as usize / FRAME;
            let count = utterance.samples.len() / FRAME;
            // Each frame carries its own number: the sound must be the stretch that is claimed.
            assert_eq!(utterance.samples[0] as usize, first);
            assert_eq!(utterance.samples[utterance.samples.len() - 1] as usize, first + count - 1);
            lines += &format!("{first}+{count} voiced {} {:?}\n", utterance.voiced_frames, utterance.end);
        }
    };
    for (count, probability) in plan {
        for _ in 0..*count {
            tell(endpointer.push(&[frame as f32; FRAME], *probability));
            assert!(endpointer.frames.len() <= EndpointSettings::default().frames_max);
            frame += 1;
        }
    }
    tell(endpointer.finish());
    expected.assert_eq(&lines);
}

#[test]
fn a_sentence_keeps_its_pre_roll_and_ends_after_the_hangover() {
    check(
        &[(100, 0.0), (60, 0.9), (100, 0.0)],
        expect![[r#"
            81+119 voiced 60 Pause
        "#]],
    );
}

#[test]
fn a_pause_shorter_than_the_hangover_does_not_split() {
    check(
        &[(40, 0.1), (30, 0.9), (39, 0.2), (30, 0.9), (60, 0.0)],
        expect![[r#"
            21+158 voiced 60 Pause
        "#]],
    );
    check(
        &[(40, 0.1), (30, 0.9), (40, 0.2), (30, 0.9), (60, 0.0)],
        expect![[r#"
            21+89 voiced 30 Pause
            110+70 voiced 30 Pause
        "#]],
    );
}

#[test]
fn soft_speech_between_the_thresholds_holds_an_utterance_open() {
    check(
        &[(30, 0.9), (200, 0.4), (40, 0.0)],
        expect![[r#"
            0+270 voiced 30 Pause
        "#]],
    );
    check(&[(200, 0.4)], expect![""]);
}

#[test]
fn clicks_and_short_noises_are_dropped() {
    check(&[(50, 0.0), (3, 1.0), (50, 0.0), (3, 1.0), (50, 0.0)], expect![""]);
    check(&[(50, 0.0), (8, 1.0), (100, 0.0)], expect![""]);
    check(
        &[(50, 0.0), (9, 1.0), (100, 0.0)],
        expect![[r#"
            31+68 voiced 9 Pause
        "#]],
    );
}

#[test]
fn a_monologue_is_cut_at_its_softest_frame_and_goes_on_without_a_gap() {
    check(
        &[(800, 0.9), (1, 0.4), (600, 0.9), (40, 0.0)],
        expect![[r#"
            0+801 voiced 800 Length
            801+640 voiced 600 Pause
        "#]],
    );
    check(
        &[(2_000, 0.9)],
        expect![[r#"
        0+938 voiced 938 Length
        938+938 voiced 938 Length
        1876+124 voiced 124 EndOfStream
    "#]],
    );
}

#[test]
fn the_stream_may_end_inside_an_utterance() {
    check(
        &[(5, 0.0), (20, 0.9)],
        expect![[r#"
        0+25 voiced 20 EndOfStream
    "#]],
    );
    check(&[], expect![""]);
}

#[test]
fn an_open_utterance_is_seen_while_somebody_speaks_and_not_in_a_pause() {
    let mut endpointer = Endpointer::new(EndpointSettings::default());
    let mut push = |count: usize, probability: f32| {
        for _ in 0..count {
            assert_eq!(endpointer.push(&[0.0; FRAME], probability), None);
        }
        endpointer.so_far().map(|utterance| (utterance.samples.len() / FRAME, utterance.voiced_frames, utterance.end))
    };
    assert_eq!(push(30, 0.0), None);
    assert_eq!(push(8, 0.9), None, "too little voice to be a word");
    assert_eq!(push(20, 0.9), Some((19 + 28, 28, End::Open)), "with its pre-roll");
    assert_eq!(push(1, 0.1), None, "a pause may be its end");
    assert_eq!(push(1, 0.9), Some((19 + 30, 29, End::Open)), "seeing it takes nothing away");
}
