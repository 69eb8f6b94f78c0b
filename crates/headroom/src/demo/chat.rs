//! The demo's chat: virtual viewers write about what they go through, and once about a fault that no player can report.
//!
//! The messages are scripted. They are read by the classifier where the binary brings one; else they carry the labels of
//! the script as their reading, and the demo says so.

use super::{origin::STREAM, progress::Progress};
use anyhow::{Context, ensure};
use headroom_core::{
    audience::{Aspect, Aspects, Classification, Sentiment},
    units::Ratio,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};
use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, Instant, interval},
};

/// Scripted messages and what each is about.
const SMALL_TALK: [&str; 6] =
    ["gg", "what a save", "which map is this?", "first time here, hi", "KEKW", "he is so good"];
const STALLING: [&str; 4] = ["it keeps buffering", "stuck again", "lag lag lag", "freezes every minute for me"];
const SILENT: [&str; 4] = ["no sound?", "audio is gone", "is the stream muted", "cant hear anything"];
const PLEASED: [&str; 3] = ["runs so smooth today", "picture is great", "love this stream"];

/// Viewers without a player of ours, who only chat.
const CHATTERS: u64 = 80;
/// When the sound fails, as a share of the demo, and how many of the chatters write about it.
const FAULT_AT: f64 = 0.5;
const FAULT_WRITERS: u64 = 24;

/// Writes the chat and remembers what came of it.
pub(crate) struct Chat {
    /// The server's listeners.
    pub(crate) public: SocketAddr,
    pub(crate) control: SocketAddr,
    /// Whether a classifier reads; else messages carry their labels.
    pub(crate) read: bool,
    /// Every viewer that plays.
    pub(crate) viewers: Vec<Arc<Mutex<Progress>>>,
    pub(crate) seed: u64,
    /// How long the demo takes.
    pub(crate) length: Duration,
}

/// What the audience made of it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(crate) struct Echo {
    /// Messages written.
    pub(crate) messages: u64,
    /// Complaints about stalls among them, by viewers who stalled.
    pub(crate) about_stalls: u64,
    /// Whether the readings are a classifier's.
    pub(crate) classified: bool,
    /// Seconds from the first word about the lost sound to the alert.
    pub(crate) blind_spot_after_s: Option<f64>,
    /// Last engagement score and mood.
    pub(crate) engagement: f64,
    pub(crate) mood: f64,
    /// Largest weight a stall had.
    pub(crate) stall_weight: f64,
}

impl fmt::Display for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readings = if self.classified { "read by the classifier" } else { "readings are the script's labels" };
        writeln!(
            f,
            "Chat (scripted, {readings}): {} messages, {} after a stall; engagement {:.0} of 100, mood {:+.2}; a stall weighed up to {:.2}.",
            self.messages, self.about_stalls, self.engagement, self.mood, self.stall_weight
        )?;
        match self.blind_spot_after_s {
            Some(after_s) => writeln!(
                f,
                "The sound failed, which no player reports: alerted {after_s:.0} s after the first word about it."
            ),
            None => writeln!(f, "The sound failed, which no player reports; no alert was raised."),
        }
    }
}

impl Chat {
    /// Chats until the task is dropped; `echo` is kept up to date.
    pub(crate) async fn run(self, epoch: Instant, echo: Arc<Mutex<Echo>>) -> anyhow::Result<()> {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed);
        let mut stalls = vec![0; self.viewers.len()];
        let fault_s = self.length.as_secs_f64() * FAULT_AT;
        let (mut silent_since_s, mut silent_writers) = (None, 0);
        let mut second = interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            let now_s = epoch.elapsed().as_secs_f64();
            let mut lines = String::new();
            let (mut written, mut about_stalls) = (0, 0);
            let mut write = |author: String, text: &str, sentiment, aspect: Option<Aspect>| {
                written += 1;
                lines.push_str(&self.line(&author, text, sentiment, aspect));
                lines.push('\n');
            };
            for _ in 0..rng.random_range(0..3) {
                let author = format!("chatter-{}", rng.random_range(0..CHATTERS));
                if rng.random_bool(0.2) {
                    write(author, pick(&PLEASED, &mut rng), Sentiment::Positive, None);
                } else {
                    write(author, pick(&SMALL_TALK, &mut rng), Sentiment::Neutral, None);
                }
            }
            for (index, (viewer, known)) in self.viewers.iter().zip(&mut stalls).enumerate() {
                let now = viewer.lock().expect("invariant: no holder panics").stalls;
                if now > std::mem::replace(known, now) {
                    about_stalls += 1;
                    write(
                        format!("viewer-{index}"),
                        pick(&STALLING, &mut rng),
                        Sentiment::Negative,
                        Some(Aspect::Buffering),
                    );
                }
            }
            if now_s >= fault_s && silent_writers < FAULT_WRITERS {
                silent_since_s.get_or_insert(now_s);
                for _ in 0..rng.random_range(1..4) {
                    silent_writers += 1;
                    let author = format!("chatter-{silent_writers}");
                    write(author, pick(&SILENT, &mut rng), Sentiment::Negative, Some(Aspect::Audio));
                }
            }
            if written > 0 {
                request(self.public, "POST", "/v1/feedback", &lines).await.context("the chat cannot be sent")?;
            }
            let state = request(self.control, "GET", &format!("/v1/streams/{STREAM}/audience"), "").await.ok();
            let mut echo = echo.lock().expect("invariant: no holder panics");
            (echo.messages, echo.about_stalls) = (echo.messages + written, echo.about_stalls + about_stalls);
            echo.classified = self.read;
            let Some(state) = state else { continue };
            echo.engagement = state["engagement"].as_f64().unwrap_or_default();
            echo.mood = state["mood"].as_f64().unwrap_or_default();
            echo.stall_weight = echo.stall_weight.max(state["weights"]["stall"].as_f64().unwrap_or_default());
            let silent =
                state["blind_spots"].as_array().is_some_and(|spots| spots.iter().any(|spot| spot["aspect"] == "audio"));
            if let (true, Some(since_s), None) = (silent, silent_since_s, echo.blind_spot_after_s) {
                echo.blind_spot_after_s = Some(epoch.elapsed().as_secs_f64() - since_s);
            }
        }
    }

    fn line(&self, author: &str, text: &str, sentiment: Sentiment, aspect: Option<Aspect>) -> String {
        let mut line = json!({ "stream": STREAM, "author": author, "text": text });
        if !self.read {
            let aspects: Aspects = aspect.into_iter().collect();
            let reading = Classification { sentiment, confidence: Ratio::clamped(0.95), aspects, command: None };
            line["reading"] = json!(reading);
        }
        line.to_string()
    }
}

fn pick<'a>(texts: &[&'a str], rng: &mut Pcg64Mcg) -> &'a str {
    texts[rng.random_range(0..texts.len())]
}

/// One request on a connection of its own; the answer's JSON.
async fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(address).await?;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-ndjson\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 20"), "{}", head.lines().next().unwrap_or_default());
    // The answer may be chunked: the JSON is what stands between the outermost braces.
    let json = body.find('{').zip(body.rfind('}')).map(|(from, to)| &body[from..=to]);
    Ok(serde_json::from_str(json.context("no JSON")?)?)
}
