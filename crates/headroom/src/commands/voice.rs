//! `headroom voice`: what is said into a microphone, a pipe or a file, line by line.

use super::classifier::ClassifierArguments;
use super::models;
use super::text::{Companion, NetworkArguments, Origin};
use anyhow::Context;
use clap::Args;
use headroom_infer::audio::{self, DeviceError, Microphone, Pcm, Recording, Source, decibels, seconds};
use headroom_infer::models::{DEFAULT, Status};
use headroom_infer::speech::{
    Earshot, End, EndpointSettings, Language, Recognition, Segmenter, Transcript, Utterance, Whisper, WhisperSettings,
    Worker,
};
use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Utterances that may wait for the recogniser: at 15 s each two minutes of talk.
const QUEUE: usize = 8;

/// Arguments of `headroom voice`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    network: NetworkArguments,
    /// Microphone: an id or part of a name from --list-devices.
    #[arg(long, value_name = "DEVICE", requires = "mic")]
    device: Option<String>,
    /// Model, as `headroom models list` shows it.
    #[arg(long, default_value = DEFAULT)]
    model: String,
    /// Language as ISO 639-1 code, such as `es`; without it each utterance's language is found out (models for English
    /// only ignore both).
    #[arg(long)]
    language: Option<String>,
    /// Threads of the recogniser.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Run on the graphics processor (needs a build with feature `cuda` or `vulkan`).
    #[arg(long)]
    gpu: bool,
    /// Show what is understood while somebody still speaks (microphone and pipe; about four times the processor time).
    #[arg(long, conflicts_with = "wav")]
    partial: bool,
    /// One JSON object an utterance (and `{"partial": "words so far"}` in between with --partial).
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// Listen to a microphone until Ctrl+C.
    #[arg(long)]
    mic: bool,
    /// Read a sound file: WAV, FLAC, Vorbis or Opus (Ogg or WebM).
    #[arg(long, value_name = "FILE")]
    wav: Option<PathBuf>,
    /// Read raw samples from standard input: signed 16 bit, little endian, 16 kHz, mono.
    #[arg(long)]
    stdin: bool,
    /// List the microphones and stop.
    #[arg(long)]
    list_devices: bool,
}

/// What follows from an utterance: lines for people (`Network: …`, `QoE Prediction: …`, `Sentiment: …`, `Action: …`),
/// keys for programs.
#[derive(Default)]
pub(crate) struct Answer {
    /// Printed below `Audio captured: …`.
    pub(crate) lines: Vec<String>,
    /// Added to the JSON object.
    pub(crate) keys: Map<String, Value>,
}

/// Answers the words of an utterance.
pub(crate) type Respond = Box<dyn FnMut(&str) -> anyhow::Result<Answer>>;

/// Listens until the input ends or Ctrl+C.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.input.list_devices {
        return list_devices(arguments.json);
    }
    let whisper = load(&arguments)?;
    let mut companion = Companion::new(ClassifierArguments::usual().open()?, &arguments.network)?;
    let respond: Respond = Box::new(move |words| {
        let answer = companion.answer(words)?;
        let mut keys = answer.object(Origin::Voice);
        // Of the language the recogniser heard more than the words show.
        keys.remove("language");
        Ok(Answer { lines: answer.lines(Origin::Voice), keys })
    });
    let (events, inbox) = channel();
    let worker = {
        let events = events.clone();
        Worker::spawn(whisper, QUEUE, move |heard| {
            // The main thread is gone only when the program ends.
            let _ = events.send(Event::Recognised(Box::new(heard)));
        })
    };
    let worker = Arc::new(worker);
    watch_interrupt(events.clone())?;
    std::thread::spawn({
        let worker = Arc::clone(&worker);
        let (input, device, partial) = (arguments.input, arguments.device, arguments.partial);
        move || {
            let end = listen(input, device.as_deref(), partial, &worker, &events);
            worker.finish();
            let _ = events.send(Event::Ended(end));
        }
    });
    let screen = Screen::new(arguments.json);
    let end = follow(&inbox, screen, respond);
    worker.stop();
    end.map(|()| ExitCode::SUCCESS)
}

fn load(arguments: &Arguments) -> anyhow::Result<Whisper> {
    let (store, model) = (models::store()?, models::find(&arguments.model)?);
    let pull = || format!("fetch it once with `headroom models pull {}`", model.name);
    match store.status(model) {
        Status::Present => {}
        Status::Damaged => anyhow::bail!("the model {} is damaged; {} --force", model.name, pull()),
        Status::Absent | Status::Partial(_) => anyhow::bail!("the model {} is not there; {}", model.name, pull()),
    }
    let settings = WhisperSettings {
        threads: usize::from(arguments.threads),
        language: arguments.language.clone().map_or(Language::Detect, Language::Code),
        gpu: arguments.gpu,
    };
    Whisper::load(&store.path(model), settings).with_context(|| format!("cannot use the model {}", model.name))
}

enum Event {
    /// The input is open; a live one is named.
    Listening(Option<String>),
    /// Loudness of the last moment, and whether somebody speaks.
    Level(f32, bool),
    Recognised(Box<Recognition>),
    /// Something the user should know that ends nothing.
    Note(String),
    Interrupted,
    Ended(anyhow::Result<()>),
}

/// From here on Ctrl+C becomes an event. A second one ends the program at once, as without this.
fn watch_interrupt(events: Sender<Event>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot watch Ctrl+C")?;
    let guard = runtime.enter();
    // Here and not on the thread: nobody may be told of Ctrl+C before it is watched.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch Ctrl+C")?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            if interrupt.recv().await.is_some() {
                let _ = events.send(Event::Interrupted);
                if interrupt.recv().await.is_some() {
                    std::process::exit(130);
                }
            }
        });
    });
    Ok(())
}

/// Reads the input to its end on the thread that opened it (some systems' devices may not change threads).
fn listen(
    input: Input,
    device: Option<&str>,
    partial: bool,
    worker: &Worker,
    events: &Sender<Event>,
) -> anyhow::Result<()> {
    let say = |event| {
        let _ = events.send(event);
    };
    let live = Live { meter: events, glimpses: partial.then_some(worker) };
    if let Some(path) = &input.wav {
        let named = || path.display().to_string();
        let mut recording = Recording::open(path).with_context(named)?;
        say(Event::Listening(None));
        hear(&mut recording, None, |utterance| worker.submit(utterance)).with_context(named)?;
        if let Some(missing) = recording.missing_s() {
            say(Event::Note(format!("{} ends {missing:.1} s earlier than its header says", named())));
        }
    } else if input.stdin {
        say(Event::Listening(None));
        let mut pcm = Pcm::new(std::io::stdin().lock());
        hear(&mut pcm, Some(&live), |utterance| worker.submit(utterance)).context("standard input")?;
    } else {
        let mut microphone = Microphone::open(device).map_err(explain)?;
        say(Event::Listening(Some(microphone.name().to_owned())));
        let mut shed = 0;
        let offer = |utterance| {
            worker.offer(utterance);
            if worker.shed() > shed {
                shed = worker.shed();
                say(Event::Note(format!("recognition is behind the microphone: {shed} utterances left out so far")));
            }
        };
        hear(&mut microphone, Some(&live), offer).context("microphone")?;
    }
    Ok(())
}

fn explain(error: DeviceError) -> anyhow::Error {
    match error {
        DeviceError::None => anyhow::anyhow!("no microphone found; use --wav FILE or --stdin, or plug one in"),
        DeviceError::Unknown(_) => anyhow::anyhow!("{error}; see --list-devices"),
        other => other.into(),
    }
}

/// What follows sound that somebody waits behind, while it comes in.
struct Live<'a> {
    meter: &'a Sender<Event>,
    /// Who is shown open utterances now and then, where that is wished.
    glimpses: Option<&'a Worker>,
}

/// New sound that makes a new glimpse of an open utterance worth its decode: a second. Nothing is glimpsed in a pause, and
/// the pause that ends an utterance is longer than a decode, so that its text does not wait for the last glimpse.
const GLIMPSE_EVERY: usize = audio::SAMPLE_RATE as usize;

fn hear(
    source: &mut impl Source,
    live: Option<&Live<'_>>,
    mut hand_over: impl FnMut(Utterance),
) -> Result<(), audio::ReadError> {
    // Live sound is answered soon, a recording as well as possible.
    let settings = if live.is_some() { EndpointSettings::default() } else { EndpointSettings::recorded() };
    let mut listener = Segmenter::new(Earshot::default(), settings);
    let (mut samples, mut utterances) = (Vec::new(), Vec::new());
    let (mut metered, mut since_glimpse) = (Vec::new(), 0);
    let end = loop {
        samples.clear();
        let more = source.read(&mut samples);
        listener.push(&samples, &mut utterances);
        utterances.drain(..).for_each(&mut hand_over);
        if let Some(live) = live {
            metered.extend_from_slice(&samples);
            // Ten readings a second of sound.
            if metered.len() >= audio::SAMPLE_RATE as usize / 10 {
                let _ = live.meter.send(Event::Level(decibels(&metered), listener.is_speaking()));
                metered.clear();
            }
            since_glimpse = if listener.is_speaking() { since_glimpse + samples.len() } else { 0 };
            if let Some(worker) = live.glimpses
                && since_glimpse >= GLIMPSE_EVERY
                && let Some(utterance) = listener.so_far()
                && worker.glimpse(utterance)
            {
                since_glimpse = 0;
            }
        }
        match more {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    listener.finish(&mut utterances);
    utterances.drain(..).for_each(&mut hand_over);
    end
}

/// Prints events until the input ends or Ctrl+C.
fn follow(inbox: &Receiver<Event>, screen: Screen, mut respond: Respond) -> anyhow::Result<()> {
    for event in inbox {
        match event {
            Event::Listening(device) => screen.listening(device.as_deref()),
            Event::Level(level, speaking) => screen.level(level, speaking),
            Event::Note(note) => screen.note(&note),
            Event::Recognised(heard) => match &heard.transcript {
                Ok(transcript) if transcript.text.is_empty() => {}
                Ok(transcript) if heard.utterance.end == End::Open => screen.partial(&transcript.text)?,
                Ok(transcript) => screen.heard(&heard, transcript, respond(&transcript.text)?)?,
                Err(error) => screen.note(&error.to_string()),
            },
            Event::Interrupted => {
                screen.clear_meter();
                return Ok(());
            }
            Event::Ended(end) => {
                screen.clear_meter();
                return end;
            }
        }
    }
    Ok(())
}

/// Standard output for lines, standard error for the level meter and notes.
struct Screen {
    json: bool,
    meter: bool,
}

impl Screen {
    fn new(json: bool) -> Self {
        Self { json, meter: !json && std::io::stderr().is_terminal() }
    }

    #[expect(clippy::print_stdout, clippy::print_stderr, reason = "the command's output")]
    fn listening(&self, device: Option<&str>) {
        if !self.json {
            println!("Listening... (Press Ctrl+C to stop)");
        }
        if let Some(device) = device
            && self.meter
        {
            eprintln!("headroom: microphone {device}");
        }
    }

    fn heard(&self, heard: &Recognition, transcript: &Transcript, answer: Answer) -> anyhow::Result<()> {
        self.clear_meter();
        let mut out = std::io::stdout().lock();
        if self.json {
            let mut object = record(heard, transcript);
            object.extend(answer.keys);
            writeln!(out, "{}", Value::Object(object))?;
        } else {
            writeln!(out, "Audio captured: \"{}\"", transcript.text)?;
            for line in answer.lines {
                writeln!(out, "{line}")?;
            }
        }
        out.flush().context("cannot write to standard output")
    }

    /// What an open utterance says so far: an object for programs, a passing line for people.
    #[expect(clippy::print_stderr, reason = "shown in the place of the level meter")]
    fn partial(&self, words: &str) -> anyhow::Result<()> {
        if self.json {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", json!({ "partial": words }))?;
            out.flush().context("cannot write to standard output")?;
        } else if self.meter {
            self.clear_meter();
            eprintln!("… {words}");
        }
        Ok(())
    }

    #[expect(clippy::print_stderr, reason = "the level meter")]
    fn level(&self, level: f32, speaking: bool) {
        // -60 to 0 dB in thirty steps.
        const STEPS: usize = 30;
        if self.meter {
            let filled = ((level + 60.0) / 2.0).clamp(0.0, STEPS as f32) as usize;
            let mark = if speaking { '#' } else { '-' };
            let bar: String = (0..STEPS).map(|i| if i < filled { mark } else { ' ' }).collect();
            eprint!("\r[{bar}] {level:4.0} dB");
        }
    }

    #[expect(clippy::print_stderr, reason = "a note to a person")]
    fn note(&self, note: &str) {
        self.clear_meter();
        eprintln!("headroom: {note}");
    }

    #[expect(clippy::print_stderr, reason = "the level meter")]
    fn clear_meter(&self) {
        if self.meter {
            eprint!("\r\x1b[K");
        }
    }
}

fn record(heard: &Recognition, transcript: &Transcript) -> Map<String, Value> {
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    let start = seconds(heard.utterance.start as usize);
    let object = json!({
        "feedback": transcript.text,
        "origin": "voice",
        "language": transcript.language,
        "speech": {
            "start_s": round(start),
            "end_s": round(start + seconds(heard.utterance.samples.len())),
            "latency_s": round(heard.latency.as_secs_f64()),
            "passes": transcript.passes,
            "mean_log_probability": round(transcript.confidence.mean_log_probability.into()),
            "no_speech_probability": round(transcript.confidence.no_speech_probability.into()),
        },
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn list_devices(json: bool) -> anyhow::Result<ExitCode> {
    let devices = audio::devices().map_err(explain)?;
    if devices.is_empty() {
        return Err(explain(DeviceError::None));
    }
    for device in devices {
        if json {
            println!("{}", json!({ "id": device.id, "name": device.name, "default": device.is_default }));
        } else {
            println!("{} {}  {}", if device.is_default { '*' } else { ' ' }, device.id, device.name);
        }
    }
    Ok(ExitCode::SUCCESS)
}
