//! Each guard, on real sound.

use super::{recording, references, samples, utterances, whisper};
use headroom_infer::audio::synthetic::Background;
use headroom_infer::speech::guard::{repeats, token_cap};
use headroom_infer::speech::word_error::WordErrors;
use headroom_infer::speech::{DropReason, Earshot, End, EndpointSettings, Segmenter, Utterance};

/// The defect: with too few encoder positions a short clip makes the model repeat itself. The guard sees it and decodes
/// again with all positions; what comes out repeats nothing.
#[test]
fn a_loop_is_seen_and_decoded_again_with_the_full_context() {
    let (Some(references), Some(mut whisper)) = (references(), whisper()) else { return };
    let mut repaired = 0;
    for (path, reference) in references {
        for utterance in utterances(&samples(&path)) {
            let seconds = utterance.samples.len() / 16_000;
            if seconds > 4 {
                continue;
            }
            let transcript = whisper.transcribe_within(&utterance, 64).unwrap();
            let words: Vec<&str> = transcript.text.split_whitespace().collect();
            assert!(!repeats(&words), "{reference}: {}", transcript.text);
            assert!(words.len() <= token_cap(utterance.samples.len(), true), "{reference}: {}", transcript.text);
            repaired += usize::from(transcript.passes == 2);
        }
    }
    assert!(repaired > 0, "no clip looped at 64 positions: the guard was not needed, so this test shows nothing");
}

/// With the context the product uses, none of the recordings needs a second decode.
#[test]
fn the_least_context_makes_no_clip_loop() {
    let (Some(references), Some(mut whisper)) = (references(), whisper()) else { return };
    for (path, reference) in references {
        for utterance in utterances(&samples(&path)) {
            assert_eq!(whisper.transcribe(&utterance).unwrap().passes, 1, "{reference}");
        }
    }
}

/// The rate of tokens that the cap is derived from: 10 a second allowed, at most 6 spoken.
#[test]
fn real_speech_stays_below_the_token_cap() {
    let Some(references) = references() else { return };
    for (path, reference) in references {
        // A token is at least one letter; on English text 4 letters are the usual count, 3 the careful one.
        let tokens = reference.len().div_ceil(3);
        assert!(tokens <= token_cap(samples(&path).len(), true), "{reference}");
    }
}

/// Past the voice activity model, straight into Whisper: it writes something for all of these, and none of it comes out.
#[test]
fn silence_noise_and_music_have_no_words() {
    let Some(mut whisper) = whisper() else { return };
    let mut reasons = Vec::new();
    for background in Background::ALL {
        let sound = background.samples(12.0, 11);
        for (from, length) in [(0, 1), (1, 3), (4, 5)] {
            let utterance = Utterance {
                samples: sound[from * 16_000..(from + length) * 16_000].to_vec(),
                start: 0,
                voiced_frames: 50,
                voice_probability: 0.95,
                end: End::Pause,
            };
            let transcript = whisper.transcribe(&utterance).unwrap();
            assert_eq!(transcript.text, "", "{} {length} s: {:?}", background.name(), transcript.confidence);
            reasons.push(transcript.dropped);
        }
    }
    // All three guards of silence are needed.
    for reason in [DropReason::Filler, DropReason::NoWords] {
        assert!(reasons.contains(&Some(reason)), "{reason:?} never happened: {reasons:?}");
    }
}

/// The same guards leave real speech alone, also when it is soft.
#[test]
fn soft_speech_is_not_silence() {
    let (Some(path), Some(mut whisper)) = (recording("goforward.wav"), whisper()) else { return };
    let soft: Vec<f32> = samples(&path).iter().map(|sample| sample * 0.1).collect();
    let texts: Vec<String> = utterances(&soft).iter().map(|u| whisper.transcribe(u).unwrap().text).collect();
    assert_eq!(texts.join(" ").to_lowercase(), "go forward 10 meters.");
}

/// Two words between two pauses can be unsure at first, and are heard at the second look: the President's "ask not", as the
/// pauses of live listening cut it out. Where its frames begin decides how sure the first look is.
#[test]
fn a_clear_voice_of_two_words_is_heard_at_the_second_look() {
    let (Some(path), Some(mut whisper)) = (recording("jfk.wav"), whisper()) else { return };
    let speech = samples(&path);
    let mut second_looks = 0;
    for shift in [0, 80, 160, 234, 239, 245] {
        let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::default());
        let mut utterances = Vec::new();
        segmenter.push(&speech[shift..], &mut utterances);
        let transcript = whisper.transcribe(&utterances[1]).unwrap();
        assert_eq!(WordErrors::of("ask not", &transcript.text).errors, 0, "{shift}: {transcript:?}");
        second_looks += usize::from(transcript.passes == 2);
    }
    assert!(second_looks > 0, "every first look was sure: this test shows nothing");
}
