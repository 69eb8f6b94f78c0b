//! Clips of voices and voice chats, with a recogniser that hears what the bytes spell.

use super::Words;
use crate::support::{Answer, eventually, get, metric, post, start_with};
use headroom_server::{Config, OnUtterance, Server, TranscribeError, Transcriber, TranscriptReply, VoiceChat};
use http::StatusCode;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

/// Hears text as itself. Keeps what it should hear later.
#[derive(Default)]
struct Spelling {
    waiting: Arc<Mutex<Vec<TranscriptReply>>>,
}

impl Transcriber for Spelling {
    fn submit(&self, clip: hyper::body::Bytes, reply: TranscriptReply) {
        match &*clip {
            b"wait" => self.waiting.lock().unwrap().push(reply),
            b"long" => reply(Err(TranscribeError::TooLong { most_s: 30 })),
            b"full" => reply(Err(TranscribeError::Shed)),
            b"\0" => reply(Err(TranscribeError::NotSound("not a readable file".into()))),
            text => reply(Ok(String::from_utf8_lossy(text).into_owned())),
        }
    }

    fn follow(&self, chat: &VoiceChat, say: OnUtterance) -> std::io::Result<()> {
        say(chat.command.join(" "));
        Ok(())
    }
}

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    server_with(Spelling::default(), change).await
}

async fn server_with(recogniser: Spelling, change: impl FnOnce(&mut Config)) -> Server {
    let server = start_with(
        |config| {
            config.speech.clips = true;
            change(config);
        },
        Some(Arc::new(Words)),
    )
    .await;
    server.listen_with(Arc::new(recogniser)).unwrap();
    server
}

async fn clip(public: SocketAddr, sound: &'static [u8]) -> Answer {
    post(public, "/v1/feedback/audio?stream=show&author=a%20b", "audio/ogg", sound).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_becomes_a_message_and_tells_what_was_understood() {
    let server = server(|_| {}).await;
    let public = server.public_address();
    let heard = clip(public, b"so much lag").await;
    assert_eq!((heard.status, &heard.json()["text"]), (StatusCode::ACCEPTED, &"so much lag".into()));
    assert_eq!(heard.json()["origin"], "voice");
    let audience = super::audience(&server).await.unwrap();
    assert_eq!((&audience["messages"], &audience["latest"][0]["text"]), (&1.into(), &"so much lag".into()));
    assert!(audience["latest"][0]["id"].as_str().unwrap().starts_with("voice-"), "{audience}");
    let silence = clip(public, b"").await;
    assert_eq!((silence.status, &silence.json()["text"]), (StatusCode::ACCEPTED, &"".into()));
    assert_eq!(super::audience(&server).await.unwrap()["messages"], 1, "nobody spoke");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clips_are_refused_with_a_reason() {
    let recogniser = Spelling::default();
    let waiting_clips = Arc::clone(&recogniser.waiting);
    let server = server_with(recogniser, |config| {
        config.speech.max_clips = 1;
        config.speech.max_clip_bytes = 64;
    })
    .await;
    let public = server.public_address();
    let table: [(&'static [u8], StatusCode, &str); 4] = [
        (b"\0", StatusCode::BAD_REQUEST, "malformed"),
        (b"long", StatusCode::UNPROCESSABLE_ENTITY, "out_of_range"),
        (b"full", StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        (&[b'x'; 65], StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ];
    for (sound, status, code) in table {
        let answer = clip(public, sound).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
    let nobody = post(public, "/v1/feedback/audio?stream=show", "audio/ogg", "x").await;
    assert_eq!(nobody.code(), "out_of_range");
    assert_eq!(get(public, "/v1/feedback/audio").await.code(), "method_not_allowed");
    // One clip waits for the recogniser; there is no room for a second.
    let waiting = tokio::spawn(clip(public, b"wait"));
    eventually(10, async || (!waiting_clips.lock().unwrap().is_empty()).then_some(())).await;
    assert_eq!(clip(public, b"x").await.status, StatusCode::SERVICE_UNAVAILABLE);
    waiting.abort();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_recogniser_or_permission_nothing_is_heard() {
    let deaf = start_with(|config| config.speech.clips = true, Some(Arc::new(Words))).await;
    assert_eq!(clip(deaf.public_address(), b"x").await.code(), "no_transcriber");
    deaf.stop().await;
    let closed = start_with(|_| {}, Some(Arc::new(Words))).await;
    assert_eq!(clip(closed.public_address(), b"x").await.code(), "not_found");
    closed.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voice_chat_is_one_author_of_its_stream() {
    let chat = VoiceChat { stream: "show".into(), command: vec!["the".into(), "sound".into(), "crackles".into()] };
    let server = server(|config| config.speech.voice_chats = vec![chat]).await;
    let heard = eventually(10, async || super::audience(&server).await).await;
    assert_eq!(heard["latest"][0]["text"], "the sound crackles");
    assert_eq!(metric(&server, "headroom_messages_total{source=\"voice\"}").await, 1.0);
    server.stop().await;
}
