//! `headroom bench sentiment`: messages read for each second of a core, beside other engines on the same messages; how long
//! a message waits at a steady rate; what a burst does to the server.

mod chat;
mod engines;
mod output;
mod queue;
mod server;

use crate::commands::classifier::{ClassifierArguments, DeviceName};
use anyhow::{Context, ensure};
use chat::Chat;
use clap::Args;
use engines::{Cost, PEERS, ours, theirs};
use headroom_infer::text::find_models;
use output::{put, rounded};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `headroom bench sentiment`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// Messages, TSV with columns `lang` and `text` [default: the training text of the checkout].
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Language of the messages, or `all`. The peers run the English model and are left out for any other.
    #[arg(long, default_value = "en")]
    language: String,
    /// How many of them.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..))]
    messages: u32,
    /// Python with the packages of training/requirements.txt; training/train.sh installs one here.
    #[arg(long, value_name = "FILE", default_value = ".setup/sentiment/venv/bin/python")]
    peer_python: PathBuf,
    /// Rounds; the fastest of each engine counts, since other work on the machine only ever makes it slower.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Seconds of the steady rate through the queue and through a server; 0 leaves both out.
    #[arg(long, default_value_t = 10)]
    queue_seconds: u32,
    /// Seconds of a burst of ten times that; 0 leaves it out.
    #[arg(long, default_value_t = 5)]
    burst_seconds: u32,
    /// Share of the messages that were written before, word for word.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    repeats: f64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Alone, as `classify` and a quiet chat use it, and together.
const BATCHES: [usize; 2] = [1, 32];
/// Messages a second of a busy chat.
const STEADY: u32 = 500;
/// Messages a second of a burst.
const BURST: u32 = 5_000;

fn share(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "a share lies between 0 and 1".into())
}

/// Measures all and prints a line a result.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = find_models(arguments.classifier.models.as_deref())?;
    let texts = texts(arguments, &folder)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let name = match arguments.classifier.device {
        DeviceName::Cpu => "headroom rten int8",
        DeviceName::Onnxruntime => "headroom onnxruntime int8",
        DeviceName::Cuda => "headroom cuda",
        DeviceName::Tensorrt => "headroom tensorrt",
    };
    let in_english = arguments.language == "en";
    let peers_there = in_english && arguments.peer_python.exists();
    if in_english && !peers_there {
        note(&format!("skipped: no peers, {} is not there (training/train.sh)", arguments.peer_python.display()));
    }
    for batch in BATCHES {
        let mut own: Option<Cost> = None;
        let mut peers: Vec<Option<Cost>> = vec![None; PEERS.len()];
        for _ in 0..arguments.rounds {
            // One that has read nothing: what was read lately is recalled, which is no measure of a network.
            let cost = ours(&mut arguments.classifier.open()?, name, &texts, batch)?;
            own = Some(own.map_or(cost.clone(), |best| best.less(cost)));
            for (best, peer) in peers.iter_mut().zip(PEERS).filter(|_| peers_there) {
                let cost = theirs(&arguments.peer_python, peer, &folder, &texts, batch)?;
                *best = Some(best.take().map_or(cost.clone(), |best| best.less(cost)));
            }
        }
        if let Some(own) = own {
            let count = texts.len() as f64;
            print(arguments.json, batch, count, &own, None);
            peers.iter().flatten().for_each(|peer| print(arguments.json, batch, count, &own, Some(peer)));
        }
    }
    let chat = || Chat::new(&texts, arguments.repeats);
    for (rate, seconds) in [(STEADY, arguments.queue_seconds), (BURST, arguments.burst_seconds)] {
        if seconds > 0 {
            queue::measure(&arguments.classifier, chat(), rate, seconds, arguments.json)?;
            server::measure(chat(), rate, seconds, arguments.json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn texts(arguments: &Arguments, models: &Path) -> anyhow::Result<Vec<String>> {
    let path = arguments.texts.clone().unwrap_or_else(|| models.join("../training/data/feedback.tsv"));
    let table = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}; --texts names another", path.display()))?;
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name| header.iter().position(|column| *column == name);
    let wanted_language = Some(arguments.language.as_str()).filter(|wanted| *wanted != "all");
    let (language, text) = (column("lang"), column("text").context("the file has no column `text`")?);
    let mut texts: Vec<String> = lines
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|cells| wanted_language.is_none_or(|wanted| language.and_then(|at| cells.get(at)) == Some(&wanted)))
        .filter_map(|cells| cells.get(text).map(|text| (*text).to_owned()))
        .collect();
    // Evenly over the file, which is sorted by kind.
    let wanted = arguments.messages as usize;
    ensure!(
        texts.len() >= wanted,
        "{} holds {} messages in `{}`, {wanted} wanted",
        path.display(),
        texts.len(),
        arguments.language
    );
    let step = texts.len() / wanted;
    texts = texts.into_iter().step_by(step).take(wanted).collect();
    Ok(texts)
}

fn print(as_json: bool, batch: usize, count: f64, own: &Cost, peer: Option<&Cost>) {
    let rate = count / own.cpu_s;
    let ratio = peer.map(|peer| peer.cpu_s / own.cpu_s);
    let object = json!({ "engine": own.engine, "batch": batch, "messages_per_core_second": rounded(rate),
        "p50_ms": rounded(own.p50_ms), "peer": peer.map(|peer| peer.engine.as_str()),
        "peer_messages_per_core_second": peer.map(|peer| rounded(count / peer.cpu_s)),
        "peer_p50_ms": peer.map(|peer| rounded(peer.p50_ms)), "ratio": ratio.map(rounded) });
    let line = match peer {
        None => format!("{:<30} batch {batch:>2}  {rate:>6.0} messages/core s  p50 {:.2} ms", own.engine, own.p50_ms),
        Some(peer) => format!(
            "{:<30} batch {batch:>2}  {:>6.0} messages/core s  p50 {:.2} ms  we are {:.2} x as fast",
            peer.engine,
            count / peer.cpu_s,
            peer.p50_ms,
            ratio.unwrap_or(0.0)
        ),
    };
    put(as_json, &object, &line);
}

#[expect(clippy::print_stderr, reason = "a note to a person")]
fn note(note: &str) {
    eprintln!("headroom: {note}");
}
