//! `headroom bench speech`: word errors, cost and silence of speech recognition, beside faster-whisper on the same weights.

mod clip;
mod jitter;
mod pass;
mod print;

use super::process::own_cpu_time;
use crate::commands::models;
use anyhow::{Context, bail};
use clap::Args;
use clip::{Clip, clips};
use headroom_infer::audio::seconds;
use headroom_infer::audio::synthetic::{Background, mix};
use headroom_infer::models::{DEFAULT, Status};
use headroom_infer::speech::{Earshot, EndpointSettings, Segmenter, Utterance, Whisper, WhisperSettings};
use pass::Pass;
use print::Print;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Seed of the backgrounds.
const SEED: u64 = 1;

/// The peer, run by the Python of its own environment.
const PEER: &str = include_str!("../../../../../headroom-infer/peer/transcribe.py");

/// Arguments of `headroom bench speech`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Directory of recordings with references.tsv (file, tab, words).
    #[arg(long, value_name = "DIR")]
    audio: Option<PathBuf>,
    /// Model, as `headroom models list` shows it.
    #[arg(long, default_value = DEFAULT)]
    model: String,
    /// Python with faster-whisper; scripts/speech-peer.sh installs one here.
    #[arg(long, value_name = "FILE", default_value = ".setup/speech-peer/bin/python")]
    peer_python: PathBuf,
    /// Seconds of each background that must stay without words; 0 leaves this part out.
    #[arg(long, default_value_t = 300)]
    background_seconds: u32,
    /// Instead of all that: how punctual the engine's ticks are for so many seconds without speech and as many with a
    /// recogniser that never rests.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(5..=3_600))]
    tick_jitter: Option<u32>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs everything and prints a line a result.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (store, model) = (models::store()?, models::find(&arguments.model)?);
    if store.status(model) != Status::Present {
        bail!("the model {0} is not there; fetch it once with `headroom models pull {0}`", model.name);
    }
    let shared = || std::env::var_os("HEADROOM_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let clips = clips(&arguments.audio.clone().unwrap_or_else(|| shared().join("data/audio")))?;
    let print = Print { json: arguments.json };
    let mut whisper = Whisper::load(&store.path(model), WhisperSettings::default())?;
    if let Some(seconds) = arguments.tick_jitter {
        jitter::measure(&mut whisper, &clips, seconds, &print)?;
        return Ok(ExitCode::SUCCESS);
    }

    let clean = measure(&mut whisper, &clips, |clip| clip.samples.clone())?;
    // Before anything else grows the process: this is what recognition needs.
    let peak_rss_mb = peak_rss_mb();
    print.accuracy(model.name, "clean", &clean);
    print.cost(model.name, &clean, peak_rss_mb);
    peers(arguments, &clips, &clean, peak_rss_mb, &print)?;
    for background in [Background::Noise, Background::Music] {
        let sound = background.samples(30.0, SEED);
        for ratio_db in [20, 10] {
            let mixed = measure(&mut whisper, &clips, |clip| mix(&clip.samples, &sound, ratio_db as f32))?;
            print.accuracy(model.name, &format!("{} at {ratio_db} dB", background.name()), &mixed);
        }
    }
    if arguments.background_seconds > 0 {
        for background in Background::ALL {
            let sound = background.samples(f64::from(arguments.background_seconds), SEED);
            let start = own_cpu_time();
            let (utterances, text) = transcribe(&mut whisper, &sound, EndpointSettings::default())?;
            print.background(background, arguments.background_seconds, &utterances, &text, own_cpu_time() - start);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(whisper: &mut Whisper, clips: &[Clip], sound: impl Fn(&Clip) -> Vec<f32>) -> anyhow::Result<Pass> {
    let mut pass = Pass::default();
    for clip in clips {
        let samples = sound(clip);
        let start = own_cpu_time();
        let (utterances, text) = transcribe(whisper, &samples, EndpointSettings::recorded())?;
        pass.cpu += own_cpu_time() - start;
        pass.audio_s += seconds(samples.len());
        pass.add(&clip.reference, &text);
        pass.decodes.extend(utterances.iter().filter(|(length_s, _)| *length_s <= 5.0).map(|(_, decode)| *decode));
    }
    Ok(pass)
}

/// Length in seconds and decode time of each utterance, and the words of all.
fn transcribe(
    whisper: &mut Whisper,
    samples: &[f32],
    settings: EndpointSettings,
) -> anyhow::Result<(Vec<(f64, Duration)>, String)> {
    let mut segmenter = Segmenter::new(Earshot::default(), settings);
    let mut utterances: Vec<Utterance> = Vec::new();
    segmenter.push(samples, &mut utterances);
    segmenter.finish(&mut utterances);
    let (mut times, mut words) = (Vec::new(), Vec::new());
    for utterance in utterances {
        let start = Instant::now();
        let transcript = whisper.transcribe(&utterance)?;
        times.push((seconds(utterance.samples.len()), start.elapsed()));
        if !transcript.text.is_empty() {
            words.push(transcript.text);
        }
    }
    Ok((times, words.join(" ")))
}

fn peers(arguments: &Arguments, clips: &[Clip], own: &Pass, own_rss: f64, print: &Print) -> anyhow::Result<()> {
    if arguments.model != DEFAULT || !arguments.peer_python.exists() {
        print.note(&format!("no peer at {} (scripts/speech-peer.sh)", arguments.peer_python.display()));
        return Ok(());
    }
    for compute_type in ["int8", "float32"] {
        let output = Command::new(&arguments.peer_python)
            .args(["-c", PEER, compute_type])
            .args(clips.iter().map(|clip| &clip.path))
            .output()
            .context("cannot start the peer")?;
        if !output.status.success() {
            bail!("the peer failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let mut pass = Pass { audio_s: own.audio_s, ..Pass::default() };
        let Some((totals, texts)) = lines.split_last().filter(|(_, texts)| texts.len() == clips.len()) else {
            bail!("the peer answered {} lines for {} recordings", lines.len(), clips.len());
        };
        for (clip, line) in clips.iter().zip(texts) {
            pass.add(&clip.reference, line["text"].as_str().unwrap_or_default());
        }
        pass.cpu = Duration::try_from_secs_f64(totals["cpu_s"].as_f64().unwrap_or(0.0))?;
        let peer = format!("faster-whisper {compute_type}");
        print.accuracy(&peer, "clean", &pass);
        print.ratio(&peer, own, own_rss, &pass, totals["peak_rss_mb"].as_f64().unwrap_or(0.0));
    }
    Ok(())
}

/// Most memory this process ever had resident, in megabytes; 0 where the system does not tell.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
