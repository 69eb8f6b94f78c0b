//! Files of every kind: the right words, or one clear error.

use super::wave::{Format, Temporary, header, wave};
use super::{recording, references, samples, whisper, words};
use headroom_infer::audio::{OpenError, Recording, Resampler, Source};
use headroom_infer::speech::word_error::{WordErrors, normalise};
use std::process::Command;

/// Bounds of the issue: 6 % on sentences, 15 % on commands.
#[test]
fn human_speech_is_understood() {
    let (Some(references), Some(mut whisper)) = (references(), whisper()) else { return };
    let (mut sentences, mut commands) = (WordErrors::default(), WordErrors::default());
    for (path, reference) in references {
        let errors = WordErrors::of(&reference, &words(&mut whisper, &samples(&path)));
        // The card names and "go forward" come from a set of commands; the others are read sentences.
        let name = path.file_name().unwrap().to_str().unwrap();
        let set = if name.starts_with("00") || name.starts_with("go") { &mut commands } else { &mut sentences };
        *set += errors;
    }
    println!("sentences {sentences:?} {:.3}, commands {commands:?} {:.3}", sentences.rate(), commands.rate());
    assert!(sentences.rate() <= 0.06, "{sentences:?}");
    assert!(commands.rate() <= 0.15, "{commands:?}");
}

#[test]
fn every_sample_format_rate_and_channel_layout_gives_the_same_words() {
    let (Some(path), Some(mut whisper)) = (recording("goforward.wav"), whisper()) else { return };
    let speech = samples(&path);
    let table: [(&str, Format, u32, u16, Option<u16>); 8] = [
        ("8 bit", Format::U8, 16_000, 1, None),
        ("24 bit", Format::S24, 16_000, 1, None),
        ("float", Format::F32, 16_000, 1, None),
        ("8 kHz", Format::S16, 8_000, 1, None),
        ("44.1 kHz stereo", Format::S16, 44_100, 2, None),
        ("96 kHz 24 bit", Format::S24, 96_000, 1, None),
        ("48 kHz, 6 channels", Format::S16, 48_000, 6, None),
        ("48 kHz, 6 channels, speech in the centre only", Format::S16, 48_000, 6, Some(2)),
    ];
    for (name, format, rate, channels, only) in table {
        let file = Temporary::new("format.wav", &wave(format, rate, channels, only, &at_rate(&speech, rate)));
        let text = words(&mut whisper, &samples(&file.0));
        assert_eq!(normalise(&text).join(" "), "go forward ten meters", "{name}");
    }
}

#[test]
fn every_codec_gives_the_same_words_and_others_one_error() {
    let (Some(path), Some(mut whisper)) = (recording("goforward.wav"), whisper()) else { return };
    for (codec, extension) in
        [("flac", "flac"), ("libvorbis", "ogg"), ("libopus", "opus"), ("libopus", "webm"), ("libmp3lame", "mp3")]
    {
        let Some(bytes) = encoded(&path, codec, extension) else { continue };
        let file = Temporary::new(&format!("codec.{extension}"), &bytes);
        if extension == "mp3" {
            let message = Recording::open(&file.0).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains("WAV") && message.contains("FLAC"), "{codec}: {message}");
            continue;
        }
        let text = words(&mut whisper, &samples(&file.0));
        assert_eq!(normalise(&text).join(" "), "go forward ten meters", "{codec} in {extension}");
        // The same from memory, as an upload comes.
        let mut upload = Recording::from_bytes(bytes).unwrap();
        let mut read = Vec::new();
        while upload.read(&mut read).unwrap() {}
        assert_eq!(read, samples(&file.0), "{codec} in {extension}");
        let (length_s, found_s) = (samples(&path).len() as f64 / 16_000.0, read.len() as f64 / 16_000.0);
        assert!((length_s - found_s).abs() < 0.05, "{codec} in {extension}: {found_s} s of {length_s} s");
    }
}

/// The bytes of a recording in another codec. None where this ffmpeg cannot make it.
fn encoded(path: &std::path::Path, codec: &str, extension: &str) -> Option<Vec<u8>> {
    let file = Temporary::new(&format!("{codec}.{extension}"), b"");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-y", "-i"]).arg(path).args(["-c:a", codec]).arg(&file.0);
    if !ffmpeg.status().is_ok_and(|status| status.success()) {
        println!("skipped: no ffmpeg with {codec}");
        return None;
    }
    std::fs::read(&file.0).ok()
}

/// What a file that is no sound says: one line each, never a panic.
#[test]
fn broken_files_are_one_clear_error() {
    let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.2).sin() * 0.3).collect();
    let good = wave(Format::S16, 16_000, 1, None, &tone);
    let with = |at: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let table: [(&str, Vec<u8>, &str); 9] = [
        ("zero bytes", vec![], "the file is empty"),
        ("text", b"this is not sound, it is a sentence\n".repeat(40), "not a readable WAV, FLAC, Ogg or WebM file"),
        ("header only", header(Format::S16, 16_000, 1, 0), "no audio samples"),
        ("half a header", good[..30].to_vec(), "not a readable WAV"),
        ("1 Hz", with(24, &1_u32.to_le_bytes()), "a sample rate of 1 Hz is not supported"),
        ("4 GHz", with(24, &u32::MAX.to_le_bytes()), "is not supported"),
        ("no channels", with(22, &[0, 0]), "not"),
        ("5000 channels", with(22, &5_000_u16.to_le_bytes()), "not"),
        ("unknown codec", with(20, &[0x55, 0]), "not"),
    ];
    for (name, bytes, expected) in table {
        let file = Temporary::new("broken.wav", &bytes);
        let message = match Recording::open(&file.0) {
            Err(error) => error.to_string(),
            Ok(mut recording) => loop {
                match recording.read(&mut Vec::new()) {
                    Ok(true) => {}
                    Ok(false) => break "no error".to_owned(),
                    Err(error) => break error.to_string(),
                }
            },
        };
        assert!(message.contains(expected) && !message.contains('\n'), "{name}: {message}");
    }
    let directory = Recording::open(&std::env::temp_dir()).err().map(|error| error.to_string());
    assert_eq!(directory.as_deref(), Some("not a regular file"));
}

/// A recording that was cut off gives what is there and says what is missing; noise in the middle never panics.
#[test]
fn truncated_and_corrupt_files_end_in_order() {
    let tone: Vec<f32> = (0..32_000).map(|i| (i as f32 * 0.2).sin() * 0.3).collect();
    let good = wave(Format::S16, 16_000, 1, None, &tone);
    let file = Temporary::new("truncated.wav", &good[..44 + 32_000]);
    let mut recording = Recording::open(&file.0).unwrap();
    let mut read = Vec::new();
    while recording.read(&mut read).unwrap() {}
    let missing = recording.missing_s().unwrap();
    assert!((0.9..=1.0).contains(&(read.len() as f64 / 16_000.0)), "{}", read.len());
    assert!((1.0..=1.1).contains(&missing), "{missing}");

    for length in (0..good.len()).step_by(977) {
        drain(Recording::from_bytes(good[..length].to_vec()), "wav");
    }
    let wav = Temporary::new("source.wav", &good);
    for (codec, extension) in [("flac", "flac"), ("libvorbis", "ogg"), ("libopus", "opus"), ("libopus", "webm")] {
        let Some(whole) = encoded(&wav.0, codec, extension) else { continue };
        for at in (0..whole.len()).step_by(211) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x5a;
            drain(Recording::from_bytes(bytes), codec);
            drain(Recording::from_bytes(whole[..at].to_vec()), codec);
        }
    }
}

/// Reads to the end or the first error.
fn drain(opened: Result<Recording, OpenError>, name: &str) {
    let Ok(mut recording) = opened else { return };
    let mut samples = Vec::new();
    while matches!(recording.read(&mut samples), Ok(true)) {
        assert!(samples.len() < 64_000, "{name}: more sound than the file can hold");
    }
}

/// 16 kHz samples as a file of another rate has them. Our own resampler goes one way only, so its input is declared as a
/// rate that makes the ratio right.
fn at_rate(samples: &[f32], rate: u32) -> Vec<f32> {
    if rate == 16_000 {
        return samples.to_vec();
    }
    let count = samples.len() as u64 * u64::from(rate) / 16_000;
    if rate > 16_000 {
        // Linear interpolation: speech at 16 kHz has nothing left that could fold.
        return (0..count)
            .map(|i| {
                let at = i as f64 * 16_000.0 / f64::from(rate);
                let (index, part) = (at as usize, at.fract() as f32);
                let next = samples.get(index + 1).copied().unwrap_or(0.0);
                samples[index] * (1.0 - part) + next * part
            })
            .collect();
    }
    // 32 kHz to 16 kHz halves the rate, as 16 kHz to 8 kHz does.
    assert_eq!(rate, 8_000, "only half the rate is needed");
    let (mut resampler, mut out) = (Resampler::new(32_000).unwrap(), Vec::new());
    resampler.push(samples, &mut out);
    resampler.finish(&mut out);
    out
}
