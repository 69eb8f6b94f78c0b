//! Real recordings through the real model. Needs weights (`headroom models pull tiny.en`) and the recordings of the
//! development data; each test says `skipped: ...` where they are missing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod guards;
mod hour;
mod recordings;
mod wave;

use headroom_infer::audio::{Recording, Source};
use headroom_infer::models::{DEFAULT, Status, Store, named};
use headroom_infer::speech::{Earshot, EndpointSettings, Segmenter, Utterance, Whisper, WhisperSettings};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The recordings of the development data and their words.
fn references() -> Option<Vec<(PathBuf, String)>> {
    let shared = std::env::var_os("HEADROOM_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let directory = shared.join("data/audio");
    let Ok(text) = std::fs::read_to_string(directory.join("references.tsv")) else {
        println!("skipped: no recordings in {}", directory.display());
        return None;
    };
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    Some(rows.map(|(file, words)| (directory.join(file), words.to_owned())).collect())
}

/// The recording of this name.
fn recording(name: &str) -> Option<PathBuf> {
    references()?.into_iter().map(|(path, _)| path).find(|path| path.ends_with(name))
}

/// The default model, for one test at a time: it is 80 MB, and tests run in parallel.
fn whisper() -> Option<MutexGuard<'static, Whisper>> {
    static KEPT: OnceLock<Option<Mutex<Whisper>>> = OnceLock::new();
    let kept = KEPT.get_or_init(|| {
        let (store, model) = (Store::of_user()?, named(DEFAULT)?);
        if store.status(model) != Status::Present {
            return None;
        }
        Some(Mutex::new(Whisper::load(&store.path(model), WhisperSettings::default()).unwrap()))
    });
    if kept.is_none() {
        println!("skipped: no weights; fetch them with `headroom models pull {DEFAULT}`");
    }
    kept.as_ref().map(|whisper| whisper.lock().unwrap_or_else(PoisonError::into_inner))
}

/// All samples of a file.
fn samples(path: &std::path::Path) -> Vec<f32> {
    let mut recording = Recording::open(path).unwrap();
    let mut samples = Vec::new();
    while recording.read(&mut samples).unwrap() {}
    samples
}

/// The utterances of a recording.
fn utterances(samples: &[f32]) -> Vec<Utterance> {
    let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::recorded());
    let mut utterances = Vec::new();
    segmenter.push(samples, &mut utterances);
    segmenter.finish(&mut utterances);
    utterances
}

/// The words of a recording.
fn words(whisper: &mut Whisper, samples: &[f32]) -> String {
    let texts = utterances(samples).into_iter().map(|utterance| whisper.transcribe(&utterance).unwrap().text);
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
