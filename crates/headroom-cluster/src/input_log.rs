//! Input and decision logs: JSON lines that `headroom replay` turns back into the same decisions.
//!
//! The first line of an input log says how many shards there were and how their engines were configured; every other
//! line is one input and the shard it went to. One queue carries an input together with the outputs it caused, so the
//! two logs are in the same order. The queue is bounded and never blocks a request: what it cannot hold is lost, and
//! the input log says how much at the place where it is missing.

#![expect(clippy::disallowed_types, reason = "the one module that writes files, by a thread of its own")]

use crate::{lock::locked, meters::Meters};
use headroom_core::{
    engine::{Config, Engine, Input, Output},
    objective::Objective,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::{
    fs::File,
    io::{self, BufRead, BufWriter, Write},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Version of the log format.
const VERSION: u32 = 1;

/// Shards at most: more than any machine has use for.
pub const MAX_SHARDS: usize = 1_024;

/// Longest quiet time before what was written reaches the file.
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// Where to log, `[log]` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// File for inputs; empty: none.
    pub inputs: PathBuf,
    /// File for decisions; empty: none.
    pub decisions: PathBuf,
    /// Inputs that may wait for the disk.
    pub queue: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self { inputs: PathBuf::new(), decisions: PathBuf::new(), queue: 65_536 }
    }
}

/// First line of an input log.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    headroom_input_log: u32,
    shards: usize,
    #[serde(deserialize_with = "engine_of_any_version")]
    engine: Config,
}

/// The engine's settings as any version of ours wrote them. Before there were objectives, the rule of `sharp` decided everything, and
/// before the guard had these two settings a starving buffer's cap was lower and lasted longer, and cohorts spoke whether their
/// members agreed or not. No settings at all are the defaults.
fn engine_of_any_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Config, D::Error> {
    let mut settings: serde_json::Map<String, serde_json::Value> = Deserialize::deserialize(deserializer)?;
    if !settings.is_empty() {
        settings.entry("objective").or_insert_with(|| Objective::Sharp.name().into());
        settings.entry("cohorts_must_agree").or_insert_with(|| false.into());
        let guard = settings.entry("guard").or_insert_with(|| serde_json::json!({}));
        if let Some(guard) = guard.as_object_mut() {
            guard.entry("release_at_once").or_insert_with(|| false.into());
            guard.entry("starving_pessimism").or_insert_with(|| true.into());
        }
    }
    serde_json::from_value(settings.into()).map_err(D::Error::custom)
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "one line at a time, and nearly every line is an input")]
enum InputLine {
    Input {
        shard: usize,
        #[serde(flatten)]
        input: Input,
    },
    Gap {
        lost: u64,
    },
}

#[derive(Serialize)]
struct OutputLine<'a> {
    shard: usize,
    #[serde(flatten)]
    output: &'a Output,
}

struct Entry {
    shard: usize,
    input: Input,
    outputs: Vec<Output>,
}

/// Takes inputs and outputs from the shards to the files, by a thread of its own.
pub struct Recorder {
    queue: Mutex<Option<SyncSender<Entry>>>,
    lost: Arc<AtomicU64>,
    meters: Arc<dyn Meters>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Opens the files and starts the writer; `None` when no log is wanted.
    pub fn start(log: &Log, shards: usize, engine: &Config, meters: Arc<dyn Meters>) -> io::Result<Option<Self>> {
        let create = |path: &PathBuf| (path.as_os_str() != "").then(|| File::create(path)).transpose();
        let (inputs, decisions) = (create(&log.inputs)?, create(&log.decisions)?);
        if inputs.is_none() && decisions.is_none() {
            return Ok(None);
        }
        let (sender, receiver) = sync_channel(log.queue.max(1));
        let lost = Arc::new(AtomicU64::new(0));
        let mut files = Files { inputs: inputs.map(BufWriter::new), decisions: decisions.map(BufWriter::new) };
        if let Some(inputs) = &mut files.inputs {
            let header = Header { headroom_input_log: VERSION, shards, engine: engine.clone() };
            write_line(inputs, &header)?;
        }
        let thread = std::thread::Builder::new().name("headroom-log".into()).spawn({
            let lost = Arc::clone(&lost);
            move || {
                if let Err(error) = files.write_all_of(&receiver, &lost) {
                    tracing::error!(%error, "log files are no longer written");
                }
            }
        })?;
        Ok(Some(Self { queue: Mutex::new(Some(sender)), lost, meters, thread: Mutex::new(Some(thread)) }))
    }

    /// Queues one input and what came of it. Called under the lock of `shard`, which keeps its inputs in order.
    pub fn record(&self, shard: usize, input: Input, outputs: Vec<Output>) {
        let queue = locked(&self.queue);
        let Some(sender) = &*queue else { return };
        match sender.try_send(Entry { shard, input, outputs }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                self.meters.shed_record();
            }
        }
    }

    /// Writes out what is queued and ends the writer.
    pub fn close(&self) {
        locked(&self.queue).take();
        if let Some(thread) = locked(&self.thread).take() {
            // The thread reports its own errors; a panic there has nothing left to save.
            let _ = thread.join();
        }
    }
}

struct Files {
    inputs: Option<BufWriter<File>>,
    decisions: Option<BufWriter<File>>,
}

impl Files {
    fn write_all_of(&mut self, queue: &Receiver<Entry>, lost: &AtomicU64) -> io::Result<()> {
        loop {
            match queue.recv_timeout(FLUSH_AFTER) {
                Ok(entry) => self.write(entry, lost.swap(0, Ordering::Relaxed))?,
                Err(RecvTimeoutError::Timeout) => self.flush()?,
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    fn write(&mut self, entry: Entry, lost: u64) -> io::Result<()> {
        if let Some(inputs) = &mut self.inputs {
            if lost > 0 {
                write_line(inputs, &InputLine::Gap { lost })?;
            }
            write_line(inputs, &InputLine::Input { shard: entry.shard, input: entry.input })?;
        }
        if let Some(decisions) = &mut self.decisions {
            write_outputs(decisions, entry.shard, &entry.outputs)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        [&mut self.inputs, &mut self.decisions].into_iter().flatten().try_for_each(BufWriter::flush)
    }
}

fn write_outputs(writer: &mut impl Write, shard: usize, outputs: &[Output]) -> io::Result<()> {
    outputs.iter().try_for_each(|output| write_line(writer, &OutputLine { shard, output }))
}

fn write_line(writer: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

/// Why an input log cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The log could not be read or the decisions could not be written.
    #[error("reading the log or writing decisions failed")]
    Io(#[from] io::Error),
    /// The file is empty or its first line is no header.
    #[error("line 1 is not the header of an input log")]
    NoHeader(#[source] Option<serde_json::Error>),
    /// The log was written by another version.
    #[error("the log has format version {found}, this program reads version {VERSION}")]
    Version {
        /// What the header says.
        found: u32,
    },
    /// The header names no shard or absurdly many.
    #[error("the header says {0} shards")]
    Shards(usize),
    /// A line is no input.
    #[error("line {line} is not an input")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A line names a shard the header does not know.
    #[error("line {line} names shard {shard}, the header says {shards}")]
    UnknownShard {
        /// Which line, counted from 1.
        line: usize,
        /// The shard it names.
        shard: usize,
        /// Shards there are.
        shards: usize,
    },
}

/// What a replay went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    /// Inputs fed.
    pub inputs: u64,
    /// Outputs written.
    pub outputs: u64,
    /// Inputs the log says it lost; above zero the decisions may differ from the live ones.
    pub lost: u64,
}

/// Feeds an input log to fresh engines and writes their decision log, byte for byte the one written live.
///
/// # Errors
/// When the log is no input log of this version, a line of it cannot be read, or writing fails.
pub fn replay(log: impl BufRead, mut decisions: impl Write) -> Result<ReplaySummary, ReplayError> {
    let mut lines = log.lines();
    let first = lines.next().transpose()?.ok_or(ReplayError::NoHeader(None))?;
    let header: Header = serde_json::from_str(&first).map_err(|error| ReplayError::NoHeader(Some(error)))?;
    if header.headroom_input_log != VERSION {
        return Err(ReplayError::Version { found: header.headroom_input_log });
    }
    if !(1..=MAX_SHARDS).contains(&header.shards) {
        return Err(ReplayError::Shards(header.shards));
    }
    let config = engine_config(header.shards, &header.engine);
    let mut engines: Vec<_> = (0..header.shards).map(|_| Engine::new(config.clone())).collect();
    let mut replayed = ReplaySummary::default();
    for (index, text) in lines.enumerate() {
        let (text, line) = (text?, index + 2);
        let (shard, input) = match serde_json::from_str(&text).map_err(|source| ReplayError::Line { line, source })? {
            InputLine::Input { shard, input } => (shard, input),
            InputLine::Gap { lost } => {
                replayed.lost += lost;
                continue;
            }
        };
        let unknown = ReplayError::UnknownShard { line, shard, shards: header.shards };
        let engine = engines.get_mut(shard).ok_or(unknown)?;
        engine.handle_input(input);
        replayed.inputs += 1;
        while let Some(output) = engine.poll_output() {
            replayed.outputs += 1;
            write_line(&mut decisions, &OutputLine { shard, output: &output })?;
        }
    }
    decisions.flush()?;
    Ok(replayed)
}

/// The configuration of each of `count` engines.
pub fn engine_config(count: usize, config: &Config) -> Config {
    Config { max_sessions: config.max_sessions.div_ceil(count), ..config.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::guard::Guard;

    #[test]
    fn a_log_of_before_a_setting_replays_by_the_rules_of_then() {
        // (settings, objective, whether a starving buffer's cap ends at once, whether it is a pessimist's)
        for (engine, objective, release_at_once, starving_pessimism) in [
            ("{}", Objective::default(), true, false),
            (r#"{"cap_risk":0.3}"#, Objective::Sharp, false, true),
            (r#"{"objective":"smooth"}"#, Objective::Smooth, false, true),
            (r#"{"objective":"smooth","guard":{"release_at_once":true}}"#, Objective::Smooth, true, true),
            (r#"{"objective":"smooth","guard":{"starving_pessimism":false}}"#, Objective::Smooth, false, false),
        ] {
            let line = format!(r#"{{"headroom_input_log":1,"shards":1,"engine":{engine}}}"#);
            let header: Header = serde_json::from_str(&line).unwrap();
            let guard = Guard { release_at_once, starving_pessimism, ..Guard::default() };
            let cohorts_must_agree = engine == "{}";
            let expected = Config { objective, guard, cohorts_must_agree, ..Config::default() };
            assert_eq!(header.engine, expected, "{engine}");
        }
    }
}
