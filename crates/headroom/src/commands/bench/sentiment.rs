//! `headroom bench sentiment`: messages read for each second of a core, beside other engines on the same messages.

use crate::commands::classifier::{ClassifierArguments, DeviceName};
use anyhow::{Context, ensure};
use clap::Args;
use headroom_infer::text::{Classifier, Queue, QueueSettings, find_models};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Arguments of `headroom bench sentiment`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    classifier: ClassifierArguments,
    /// English messages, TSV with columns `lang` and `text` [default: the training text of the checkout].
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// How many of them.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..))]
    messages: u32,
    /// Python with the packages of training/requirements.txt; training/train.sh installs one here.
    #[arg(long, value_name = "FILE", default_value = ".setup/sentiment/venv/bin/python")]
    peer_python: PathBuf,
    /// Rounds; the fastest of each engine counts, since other work on the machine only ever makes it slower.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Seconds of each rate through the queue; 0 leaves this part out.
    #[arg(long, default_value_t = 10)]
    queue_seconds: u32,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Alone, as `classify` and a quiet chat use it, and together.
const BATCHES: [usize; 2] = [1, 32];
/// Engines of training/speed.py.
const PEERS: [&str; 3] = ["onnxruntime", "pytorch", "distilbert"];
/// Messages a second: a busy chat, and ten times that.
const RATES: [u32; 2] = [500, 5_000];

/// What one engine took for all messages.
#[derive(Clone)]
struct Cost {
    engine: String,
    cpu_s: f64,
    p50_ms: f64,
}

impl Cost {
    fn less(self, other: Self) -> Self {
        Self { cpu_s: self.cpu_s.min(other.cpu_s), p50_ms: self.p50_ms.min(other.p50_ms), ..self }
    }
}

/// Measures all and prints a line a result.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = find_models(arguments.classifier.models.as_deref())?;
    let texts = texts(arguments, &folder)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut classifier = arguments.classifier.open()?;
    let name = match arguments.classifier.device {
        DeviceName::Cpu => "headroom rten int8",
        DeviceName::Onnxruntime => "headroom onnxruntime int8",
        DeviceName::Cuda => "headroom cuda",
        DeviceName::Tensorrt => "headroom tensorrt",
    };
    let peers_there = arguments.peer_python.exists();
    if !peers_there {
        note(&format!("skipped: no peers, {} is not there (training/train.sh)", arguments.peer_python.display()));
    }
    for batch in BATCHES {
        let mut own: Option<Cost> = None;
        let mut peers: Vec<Option<Cost>> = vec![None; PEERS.len()];
        for _ in 0..arguments.rounds {
            let cost = ours(&mut classifier, name, &texts, batch)?;
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
    if arguments.queue_seconds > 0 {
        for rate in RATES {
            queue(arguments, &texts, rate)?;
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
    let (language, text) = (column("lang"), column("text").context("the file has no column `text`")?);
    let mut texts: Vec<String> = lines
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|cells| language.is_none_or(|at| cells.get(at) == Some(&"en")))
        .filter_map(|cells| cells.get(text).map(|text| (*text).to_owned()))
        .collect();
    // Evenly over the file, which is sorted by kind.
    let wanted = arguments.messages as usize;
    ensure!(texts.len() >= wanted, "{} holds {} English messages, {wanted} wanted", path.display(), texts.len());
    let step = texts.len() / wanted;
    texts = texts.into_iter().step_by(step).take(wanted).collect();
    Ok(texts)
}

fn ours(classifier: &mut Classifier, engine: &str, texts: &[&str], batch: usize) -> anyhow::Result<Cost> {
    let mut walls = Vec::new();
    let start = cpu_time();
    for some in texts.chunks(batch) {
        let at = Instant::now();
        classifier.read(some)?;
        walls.push(at.elapsed().as_secs_f64());
    }
    let cpu_s = (cpu_time() - start).as_secs_f64();
    Ok(Cost { engine: engine.to_owned(), cpu_s, p50_ms: 1_000.0 * quantile(&mut walls, 0.5) })
}

fn theirs(python: &Path, engine: &str, models: &Path, texts: &[&str], batch: usize) -> anyhow::Result<Cost> {
    let script = models.join("../training/speed.py");
    let mut child = Command::new(python)
        .args([script.as_os_str(), engine.as_ref(), models.as_os_str(), batch.to_string().as_ref()])
        .env("OMP_NUM_THREADS", "1")
        .env("TOKENIZERS_PARALLELISM", "false")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the peer")?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(texts.join("\n").as_bytes()).context("the peer does not read")?;
    }
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the peer {engine} failed: {}", error.trim().lines().last().unwrap_or_default());
    let answer: Value = serde_json::from_slice(&output.stdout).context("the peer answered no JSON")?;
    let number = |key: &str| answer[key].as_f64().with_context(|| format!("the peer answered without {key}"));
    let engine = answer["engine"].as_str().unwrap_or(engine).to_owned();
    Ok(Cost { engine, cpu_s: number("cpu_s")?, p50_ms: number("p50_ms")? })
}

/// `rate` messages a second through the queue with one worker: from submission to answer.
fn queue(arguments: &Arguments, texts: &[&str], rate: u32) -> anyhow::Result<()> {
    let queue = Queue::start(vec![arguments.classifier.open()?], QueueSettings::default());
    let (done, answers) = channel();
    let (start, cpu) = (Instant::now(), cpu_time());
    let total = rate * arguments.queue_seconds;
    for number in 0..total {
        let due = Duration::from_secs_f64(f64::from(number) / f64::from(rate));
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        let (done, since) = (done.clone(), Instant::now());
        queue.submit(texts[number as usize % texts.len()].to_owned(), move |outcome| {
            let _ = done.send((outcome.is_ok(), since.elapsed()));
        });
    }
    drop(done);
    let answers: Vec<(bool, Duration)> = answers.iter().collect();
    let cpu_s = (cpu_time() - cpu).as_secs_f64();
    let mut waits: Vec<f64> =
        answers.iter().filter(|(read, _)| *read).map(|(_, wait)| 1_000.0 * wait.as_secs_f64()).collect();
    let (counters, _) = queue.counters();
    ensure!(answers.len() == total as usize, "{} of {total} messages were answered", answers.len());
    let (p50, p99) = (quantile(&mut waits, 0.5), quantile(&mut waits, 0.99));
    let batch = counters.read as f64 / counters.batches.max(1) as f64;
    let object = json!({ "queue_rate": rate, "seconds": arguments.queue_seconds, "read": counters.read, "shed": counters.shed,
        "p50_ms": rounded(p50), "p99_ms": rounded(p99), "mean_batch": rounded(batch), "cpu_s": rounded(cpu_s) });
    let line = format!(
        "queue, {rate} messages/s for {} s: {} read, {} shed, p50 {p50:.0} ms, p99 {p99:.0} ms, {batch:.1} a batch, {cpu_s:.1} CPU s",
        arguments.queue_seconds, counters.read, counters.shed
    );
    put(arguments.json, &object, &line);
    Ok(())
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

#[expect(clippy::print_stdout, reason = "the benchmark's output")]
fn put(as_json: bool, object: &Value, line: &str) {
    if as_json {
        println!("{object}");
    } else {
        println!("{line}");
    }
}

#[expect(clippy::print_stderr, reason = "a note to a person")]
fn note(note: &str) {
    eprintln!("headroom: {note}");
}

/// The value below which a share of `values` lies; 0 of none.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Processor time of this process: user and system, all threads.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs().min(999_999_999) as u32)
}
