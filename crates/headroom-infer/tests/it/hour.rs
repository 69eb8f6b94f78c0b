//! An hour of sound costs no more memory than a minute.

use super::wave::{Format, header};
use super::{recording, samples};
use headroom_infer::audio::{Recording, Source, seconds};
use headroom_infer::speech::{Earshot, EndpointSettings, Segmenter};
use std::io::{Seek, SeekFrom, Write};

const HOUR: u32 = 3_600 * 16_000;

#[test]
fn an_hour_long_file_is_read_in_bounded_memory() {
    let Some(path) = recording("jfk.wav") else { return };
    let speech = samples(&path);
    // A hole in the file is an hour of digital silence that takes no disk; speech stands at both ends.
    let hour = std::env::temp_dir().join(format!("headroom-speech-hour-{}.wav", std::process::id()));
    let mut file = std::fs::File::create(&hour).unwrap();
    let bytes: Vec<u8> = speech.iter().flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes()).collect();
    file.write_all(&header(Format::S16, 16_000, 1, HOUR * 2)).unwrap();
    file.write_all(&bytes).unwrap();
    file.seek(SeekFrom::Start(44 + u64::from(HOUR) * 2 - bytes.len() as u64)).unwrap();
    file.write_all(&bytes).unwrap();
    drop(file);

    let before = resident_kilobytes();
    let mut recording = Recording::open(&hour).unwrap();
    std::fs::remove_file(&hour).unwrap();
    let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::recorded());
    let (mut piece, mut utterances, mut total, mut peak) = (Vec::new(), Vec::new(), 0, 0);
    while recording.read(&mut piece).unwrap() {
        total += piece.len();
        segmenter.push(&piece, &mut utterances);
        assert!(piece.len() <= 16_000, "a piece is at most a second");
        piece.clear();
        peak = peak.max(resident_kilobytes());
    }
    segmenter.finish(&mut utterances);
    assert_eq!(total, HOUR as usize);
    let starts: Vec<f64> = utterances.iter().map(|utterance| seconds(utterance.start as usize)).collect();
    assert_eq!(starts.len(), 2, "{starts:?}");
    assert!(starts[0] < 1.0 && (3_589.0..3_590.0).contains(&starts[1]), "{starts:?}");
    // The two utterances are 1.4 MB; the hour would be 230 MB. Other tests run beside this one.
    if before > 0 {
        assert!(peak.saturating_sub(before) < 150_000, "{before} kB before, {peak} kB at most");
    }
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
