//! The server's ears: clips that viewers upload and the voice chats of streams, one recogniser for all of them.

use crate::commands::models;
use anyhow::{Context, ensure};
use bytes::Bytes;
use headroom_infer::audio::{Pcm, Recording, SAMPLE_RATE, Source};
use headroom_infer::models::Status;
use headroom_infer::speech::{Earshot, EndpointSettings, Segmenter, Utterance, Whisper, WhisperSettings};
use headroom_server::{OnUtterance, SpeechSettings, TranscribeError, Transcriber, TranscriptReply, VoiceChat};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Longest clip that is heard.
const CLIP_MAX_S: u32 = 30;

/// What may wait for the recogniser: utterances of at most 15 s and clips of at most 30 s, together half a minute of work
/// at 0.14 s of processor time for a second of sound (docs/speech.md).
const QUEUE: usize = 8;

/// Pause before a voice chat's command that ended is started again.
const RESTART_AFTER: Duration = Duration::from_secs(5);

/// Lower scheduling priority of the recogniser's thread (nice value): requests and ticks go first.
const NICE: i32 = 10;

/// A recogniser on a thread of its own.
pub(crate) struct Hearing {
    queue: SyncSender<Job>,
}

enum Job {
    Clip(Bytes, TranscriptReply),
    Spoken(Utterance, OnUtterance),
}

impl Hearing {
    /// Loads the model and starts the thread; it lives as long as the process.
    pub(crate) fn start(settings: &SpeechSettings) -> anyhow::Result<Self> {
        let (store, model) = (models::store()?, models::find(&settings.model)?);
        ensure!(
            store.status(model) == Status::Present,
            "the model {0} is not there; fetch it once with `headroom models pull {0}`",
            model.name
        );
        let whisper = Whisper::load(&store.path(model), WhisperSettings::default())?;
        let (queue, jobs) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("headroom-hearing".into());
        thread.spawn(move || work(whisper, &jobs)).context("cannot start a thread")?;
        Ok(Self { queue })
    }
}

impl Transcriber for Hearing {
    fn submit(&self, clip: Bytes, reply: TranscriptReply) {
        match self.queue.try_send(Job::Clip(clip, reply)) {
            Err(TrySendError::Full(Job::Clip(_, reply))) => reply(Err(TranscribeError::Shed)),
            Err(TrySendError::Disconnected(Job::Clip(_, reply))) => reply(Err(TranscribeError::Failed)),
            Err(_) | Ok(()) => {}
        }
    }

    fn follow(&self, chat: &VoiceChat, say: OnUtterance) -> std::io::Result<()> {
        let (queue, chat) = (self.queue.clone(), chat.clone());
        let hear = move || {
            loop {
                let end = listen(&chat.command, |utterance| {
                    if let Err(TrySendError::Full(_)) = queue.try_send(Job::Spoken(utterance, Arc::clone(&say))) {
                        tracing::warn!(stream = chat.stream, "an utterance was shed: the recogniser is behind");
                    }
                });
                tracing::warn!(stream = chat.stream, ?end, "the voice chat ended; it is started again");
                std::thread::sleep(RESTART_AFTER);
            }
        };
        std::thread::Builder::new().name("headroom-voice-chat".into()).spawn(hear).map(drop)
    }
}

fn work(mut whisper: Whisper, jobs: &Receiver<Job>) {
    // On Linux the priority is the calling thread's. Elsewhere, or where it is not allowed, the thread is as any other.
    let _ = rustix::process::setpriority_process(None, NICE);
    for job in jobs {
        match job {
            Job::Clip(clip, reply) => reply(hear(&mut whisper, clip)),
            Job::Spoken(utterance, say) => match whisper.transcribe(&utterance) {
                Ok(transcript) if transcript.text.is_empty() => {}
                Ok(transcript) => say(transcript.text),
                Err(error) => tracing::warn!(%error, "speech recognition"),
            },
        }
    }
}

fn hear(whisper: &mut Whisper, clip: Bytes) -> Result<String, TranscribeError> {
    // Strangers write these files, and decoders are other people's code: a panic in one costs this clip, not the thread.
    let utterances = catch_unwind(AssertUnwindSafe(|| utterances(clip))).map_err(|_| TranscribeError::Failed)??;
    let mut words = Vec::new();
    for utterance in utterances {
        let transcript = whisper.transcribe(&utterance).map_err(|_| TranscribeError::Failed)?;
        if !transcript.text.is_empty() {
            words.push(transcript.text);
        }
    }
    Ok(words.join(" "))
}

fn utterances(clip: Bytes) -> Result<Vec<Utterance>, TranscribeError> {
    let not_sound = |error: &dyn std::error::Error| TranscribeError::NotSound(error.to_string());
    let mut recording = Recording::from_bytes(clip.into()).map_err(|error| not_sound(&error))?;
    let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::recorded());
    let (mut samples, mut utterances, mut total) = (Vec::new(), Vec::new(), 0);
    while recording.read(&mut samples).map_err(|error| not_sound(&error))? {
        total += samples.len();
        if total > (CLIP_MAX_S * SAMPLE_RATE) as usize {
            return Err(TranscribeError::TooLong { most_s: CLIP_MAX_S });
        }
        segmenter.push(&samples, &mut utterances);
        samples.clear();
    }
    segmenter.push(&samples, &mut utterances);
    segmenter.finish(&mut utterances);
    Ok(utterances)
}

/// Runs the command and cuts what it writes into utterances, until it ends.
fn listen(command: &[String], mut hand_over: impl FnMut(Utterance)) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("a voice chat needs a command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut pcm = Pcm::new(child.stdout.take().context("the command has no output")?);
    let mut segmenter = Segmenter::new(Earshot::default(), EndpointSettings::default());
    let (mut samples, mut utterances) = (Vec::new(), Vec::new());
    while pcm.read(&mut samples)? {
        segmenter.push(&samples, &mut utterances);
        samples.clear();
        utterances.drain(..).for_each(&mut hand_over);
    }
    segmenter.finish(&mut utterances);
    utterances.drain(..).for_each(&mut hand_over);
    let status = child.wait().context("cannot wait for the command")?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::mpsc::channel;

    /// A recording of the development data and a recogniser; says why where one is missing.
    fn ready() -> Option<(PathBuf, Hearing)> {
        let shared = std::env::var_os("HEADROOM_SHARED")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
        let path = shared.join("data/audio/goforward.wav");
        if !path.exists() {
            println!("skipped: no recording {}", path.display());
            return None;
        }
        let hearing = Hearing::start(&SpeechSettings::default());
        if let Err(error) = &hearing {
            println!("skipped: {error}");
        }
        Some((path, hearing.ok()?))
    }

    fn heard(hearing: &Hearing, clip: Vec<u8>) -> Result<String, TranscribeError> {
        let (sender, receiver) = channel();
        hearing.submit(clip.into(), Box::new(move |heard| sender.send(heard).unwrap()));
        receiver.recv().unwrap()
    }

    #[test]
    fn clips_and_voice_chats_are_heard() {
        let Some((path, hearing)) = ready() else { return };
        let clip = std::fs::read(&path).unwrap();
        assert_eq!(heard(&hearing, clip.clone()).as_deref(), Ok("Go forward 10 meters."));
        assert!(matches!(heard(&hearing, b"no sound at all".repeat(99)), Err(TranscribeError::NotSound(_))));
        // The same header, eleven times the samples.
        let mut long = clip.clone();
        (0..11).for_each(|_| long.extend_from_slice(&clip[44..]));
        let length = long.len() as u32 - 44;
        long[4..8].copy_from_slice(&(length + 36).to_le_bytes());
        long[40..44].copy_from_slice(&length.to_le_bytes());
        assert_eq!(heard(&hearing, long), Err(TranscribeError::TooLong { most_s: 30 }));

        let (sender, said) = channel();
        let command = vec!["tail".into(), "-c".into(), "+45".into(), path.display().to_string()];
        let chat = VoiceChat { stream: "a".into(), command };
        // The test may be over when the command is started again.
        let say = move |text| drop(sender.send(text));
        hearing.follow(&chat, Arc::new(say)).unwrap();
        assert_eq!(said.recv().unwrap(), "Go forward 10 meters.");
    }
}
