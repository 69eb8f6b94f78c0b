use super::*;

const SURE: Confidence =
    Confidence { no_speech_probability: 0.01, mean_log_probability: -0.2, voice_probability: 0.97 };

#[test]
fn context_grows_with_the_clip_between_512_and_1500() {
    for (seconds, expected) in [(0.0, 512), (1.0, 512), (8.9, 512), (9.0, 576), (11.0, 640), (20.0, 1088), (30.0, 1500)]
    {
        assert_eq!(audio_context((seconds * 16_000.0) as usize), expected, "{seconds} s");
    }
}

#[test]
fn token_cap_follows_the_duration() {
    for (seconds, english, others) in [(0, 12, 12), (1, 22, 42), (5, 62, 162), (15, 162, 224), (30, 224, 224)] {
        assert_eq!((token_cap(seconds * 16_000, true), token_cap(seconds * 16_000, false)), (english, others));
    }
}

#[test]
fn repetition_needs_three_times_and_twelve_tokens() {
    let words = |text: &str| repeats(&text.split(' ').collect::<Vec<_>>());
    assert!(words(&["go"; 12].join(" ")));
    assert!(words("ten of clubs the ten of clubs the ten of clubs the"));
    assert!(words("it started well and then a b c d e f a b c d e f a b c d e f"));
    assert!(!words(&["go"; 11].join(" ")));
    assert!(!words("ten of clubs ten of clubs"));
    assert!(!words("eight of spades four of clubs seven of hearts two of spades"));
    assert!(!words("ask not what your country can do for you ask what you can do for your country"));
    assert!(!repeats::<u8>(&[]));
}

#[test]
fn silence_is_a_guess() {
    for (no_speech, log_probability, expected) in
        [(0.0, -1.2, true), (0.0, -0.9, false), (0.7, -0.9, true), (0.7, -0.5, false), (0.0, 0.0, false)]
    {
        let confidence = Confidence { no_speech_probability: no_speech, mean_log_probability: log_probability, ..SURE };
        assert_eq!(is_silence(confidence), expected);
    }
}

#[test]
fn fillers_are_dropped_only_when_the_decode_was_unsure() {
    let unsure = [
        Confidence { no_speech_probability: 0.3, ..SURE },
        Confidence { mean_log_probability: -0.7, ..SURE },
        Confidence { voice_probability: 0.6, ..SURE },
    ];
    for text in ["Thank you.", "you", " Thanks for watching! ", "I'm sorry.", "..."] {
        assert!(!is_filler(text, SURE), "{text}");
        for confidence in unsure {
            assert!(is_filler(text, confidence), "{text}");
        }
    }
    for text in ["Thank you for the stream.", "Lower the quality.", "Switch to 720p."] {
        assert!(!is_filler(text, unsure[0]), "{text}");
    }
}

#[test]
fn annotations_are_not_speech() {
    for (text, expected) in [
        (" [Music]", ""),
        ("(keyboard clicking)", ""),
        ("*sighs* Lower the   delay. ♪", "Lower the delay."),
        ("[BLANK_AUDIO", ""),
        ("...", ""),
        ("go (laughs) forward", "go forward"),
    ] {
        assert_eq!(without_annotations(text), expected);
    }
}
