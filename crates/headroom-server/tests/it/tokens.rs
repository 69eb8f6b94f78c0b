//! Tokens of the public listener: who has none, a forged, an expired or somebody else's gets nothing in; media flows.

use crate::support::{Answer, directory, eventually, get, metric, open, post, send, start, start_with, with_cmcd};
use headroom_core::{
    audience::{Aspects, Classification, Command, Sentiment},
    units::Ratio,
};
use headroom_server::{
    Config, Reader, Reply, Server,
    token::{Claims, Keys},
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const KEYS: &str = "second 0123456789abcdef0123456789abcdef\nfirst fedcba9876543210fedcba9876543210\n";

struct Guarded {
    server: Server,
    keys: Keys,
    directory: PathBuf,
}

impl Guarded {
    async fn start(name: &str) -> Self {
        let directory = directory(name);
        let file = directory.join("keys");
        std::fs::write(&file, KEYS).unwrap();
        std::fs::write(directory.join("seg.m4s"), [7; 1_000]).unwrap();
        let server = start(|config| {
            config.tokens.keys_file.clone_from(&file);
            config.edge.origin = format!("dir:{}", directory.display());
            config.steering.pathways = vec!["a".into()];
        })
        .await;
        Self { server, keys: KEYS.parse().unwrap(), directory }
    }

    fn token(&self, session: &str, stream: &str, seconds: i64) -> String {
        let expires_s = now_s().checked_add_signed(seconds).unwrap();
        self.keys.mint(&Claims { session: session.into(), stream: stream.into(), expires_s, publisher: false }).unwrap()
    }

    async fn post(&self, target: &str, token: &str, body: &str) -> Answer {
        let target = format!("{target}?headroom_token={token}");
        post(self.server.public_address(), &target, "text/plain", body.to_owned()).await
    }

    async fn stop(self) {
        self.server.stop().await;
        std::fs::remove_dir_all(self.directory).unwrap();
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn forged_expired_and_foreign_tokens_get_nothing_in() {
    let guarded = Guarded::start("tokens").await;
    let (public, control) = (guarded.server.public_address(), guarded.server.control_address());
    let good = guarded.token("ann", "show", 600);
    let stranger: Keys = "second aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let claims = Claims { session: "ann".into(), stream: "show".into(), expires_s: now_s() + 600, publisher: false };
    let forged = stranger.mint(&claims).unwrap();
    let cases = [
        ("", 401, "token_missing"),
        (forged.as_str(), 401, "token_forged"),
        (&guarded.token("ann", "show", -1), 401, "token_expired"),
        (&guarded.token("ann", "show", 1_000_000), 401, "token_forged"),
        (&guarded.token("eve", "show", 600), 403, "token_foreign"),
        (&guarded.token("ann", "other", 600), 403, "token_foreign"),
    ];
    let record = "sid=\"ann\",cid=\"show\",bl=4000,mtp=9000,br=3000,sf=h,ot=v";
    let sample = json!({ "session": "ann", "stream": "show", "player": { "buffer_length_ms": 4_000 } }).to_string();
    let message = json!({ "session": "ann", "stream": "show", "author": "ann", "text": "lag" }).to_string();
    for (token, status, code) in cases {
        for (target, body) in [("/v1/cmcd", record), ("/v1/samples", &sample), ("/v1/feedback", &message)] {
            let answer = guarded.post(target, token, body).await;
            // In a batch each line has its own fate; a batch without a good line says so.
            let expected = if target != "/v1/cmcd" && status == 403 { "malformed" } else { code };
            assert_eq!(answer.code(), expected, "{target} {token}");
        }
        for target in ["/v1/decisions/ann", "/v1/decisions/ann/events"] {
            if code == "token_foreign" && token.contains("b3RoZXI") {
                continue;
            }
            let answer = get(public, &format!("{target}?headroom_token={token}")).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{target}");
        }
    }
    assert_eq!(get(control, "/v1/sessions/ann").await.code(), "not_found", "nothing of it was believed");
    assert!(metric(&guarded.server, "headroom_reports_dropped_total{reason=\"unproven\"}").await >= 2.0);

    assert_eq!(guarded.post("/v1/cmcd", &good, record).await.status, StatusCode::NO_CONTENT);
    assert_eq!(guarded.post("/v1/samples", &good, &sample).await.json()["accepted"], 1);
    let session = get(control, "/v1/sessions/ann").await.json();
    assert_eq!(session["buffer_length_ms"], 4_000, "{session}");
    let answer = get(public, &format!("/v1/decisions/ann?headroom_token={good}")).await;
    assert_eq!((answer.status, &answer.json()["session"]), (StatusCode::OK, &json!("ann")));
    // A relay speaks for everybody; one bad record of many does not spoil the others.
    let relay = guarded.token("", "", 600);
    assert_eq!(guarded.post("/v1/cmcd", &relay, "sid=\"bob\",bl=4000").await.status, StatusCode::NO_CONTENT);
    let two = format!("{record}\nsid=\"mallory\",bl=4000");
    assert_eq!(guarded.post("/v1/cmcd", &good, &two).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(control, "/v1/sessions/bob").await.status, StatusCode::OK);
    assert_eq!(get(control, "/v1/sessions/mallory").await.code(), "not_found");
    guarded.stop().await;
}

/// Without a good token media, `/decide` and steering are answered as if nothing had been said; with one they count.
#[tokio::test]
async fn media_never_waits_for_a_token() {
    let guarded = Guarded::start("tokens-media").await;
    let (public, control) = (guarded.server.public_address(), guarded.server.control_address());
    let record = "bl=6000,br=3000,cid=\"show\",d=2000,mtp=9500,ot=v,sf=h,sid=\"ann\"";
    let (eve, ann) = (guarded.token("eve", "", 600), guarded.token("ann", "", 600));
    for token in ["", "rubbish", &eve] {
        let with = |path: &str| format!("{}&headroom_token={token}", with_cmcd(path, record));
        assert_eq!(get(public, &with("/decide")).await.status, StatusCode::NO_CONTENT);
        let media = get(public, &with("/seg.m4s")).await;
        assert_eq!((media.status, media.body.len()), (StatusCode::OK, 1_000));
        assert_eq!(get(public, &with("/v1/steering")).await.json()["PATHWAY-PRIORITY"], json!(["a"]));
    }
    assert_eq!(get(control, "/v1/sessions/ann").await.code(), "not_found");
    let request = Request::get("/decide").header("x-original-uri", with_cmcd("/seg.m4s", record));
    let request = request.header("cookie", format!("headroom_token={ann}")).body(Full::default()).unwrap();
    assert_eq!(send(public, request).await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(control, "/v1/sessions/ann").await.json()["buffer_length_ms"], 6_000);
    guarded.stop().await;
}

#[tokio::test]
async fn a_stream_of_decisions_ends_with_its_token() {
    let guarded = Guarded::start("tokens-events").await;
    let token = guarded.token("ann", "", 2);
    let request = Request::get("/v1/decisions/ann/events").header("authorization", format!("Bearer {token}"));
    let stream = open(guarded.server.public_address(), request.body(Full::default()).unwrap()).await;
    assert_eq!(stream.status(), StatusCode::OK);
    let ended = tokio::time::timeout(Duration::from_secs(20), stream.into_body().collect()).await;
    assert!(ended.is_ok(), "it goes on");
    guarded.stop().await;
}

/// The old key is good until it leaves the file; a file that cannot be used changes nothing.
#[tokio::test]
async fn keys_are_rotated_while_the_server_runs() {
    let guarded = Guarded::start("tokens-rotation").await;
    let file = guarded.directory.join("keys");
    let old = guarded.token("ann", "", 600);
    let accepted = async |token: &str| guarded.post("/v1/cmcd", token, "sid=\"ann\",bl=1").await.status.is_success();
    assert!(accepted(&old).await);
    let next = "third 00112233445566778899aabbccddeeff\n";
    let claims = Claims { session: "ann".into(), stream: String::new(), expires_s: now_s() + 600, publisher: false };
    let new = next.parse::<Keys>().unwrap().mint(&claims).unwrap();
    assert!(!accepted(&new).await);
    std::fs::write(&file, format!("{next}{KEYS}")).unwrap();
    eventually(20, async || accepted(&new).await.then_some(())).await;
    assert!(accepted(&old).await, "both are good for a while");
    std::fs::write(&file, "no key at all\n").unwrap();
    eventually(20, async || (metric(&guarded.server, "headroom_reloads_failed_total").await >= 1.0).then_some(()))
        .await;
    assert!(accepted(&new).await && accepted(&old).await, "what was read before stays in force");
    std::fs::write(&file, next).unwrap();
    eventually(20, async || (!accepted(&old).await).then_some(())).await;
    assert!(accepted(&new).await);
    guarded.stop().await;
}

/// Reads commands only.
struct Commands;

impl Reader for Commands {
    fn submit(&self, text: String, _: u64, reply: Reply) {
        reply(Ok(Classification {
            sentiment: Sentiment::Neutral,
            confidence: Ratio::clamped(0.95),
            aspects: Aspects::NONE,
            command: text.strip_prefix('!').and_then(|word| word.parse::<Command>().ok()),
        }));
    }
}

/// A command acts on the session of its token; every other one is a vote. An author is a session or an address.
#[tokio::test]
async fn a_stranger_neither_commands_a_session_nor_speaks_as_many() {
    let directory = directory("tokens-voices");
    let file = directory.join("keys");
    std::fs::write(&file, KEYS).unwrap();
    let keys: Keys = KEYS.parse().unwrap();
    for guarded in [false, true] {
        let change = |config: &mut Config| {
            if guarded {
                config.tokens.keys_file.clone_from(&file);
            }
        };
        let server = start_with(change, Some(Arc::new(Commands))).await;
        let public = server.public_address();
        // As a web server on this machine passes it on, or, without an address, as a program there sends it.
        let by = async |client: &str, session: &str, path: &str, body: String| {
            let claims =
                Claims { session: session.into(), stream: "show".into(), expires_s: now_s() + 600, publisher: false };
            let token = if guarded { keys.mint(&claims).unwrap() } else { String::new() };
            let mut request = Request::post(path).header("authorization", format!("Bearer {token}"));
            if !client.is_empty() {
                request = request.header("x-real-ip", client);
            }
            send(public, request.body(Full::new(body.into())).unwrap()).await
        };
        let say = |author: &str, session: &str, text: &str| {
            json!({ "stream": "show", "author": author, "session": session, "text": text }).to_string() + "\n"
        };
        let cap = async || get(server.control_address(), "/v1/sessions/ann").await.json()["max_bitrate_kbps"].as_f64();
        let watching = "sid=\"ann\",cid=\"show\",sf=h,bl=9000,br=8000,mtp=90000,d=2000,ot=v";
        for _ in 0..3 {
            by("198.51.100.1", "ann", "/v1/cmcd", watching.into()).await;
        }
        let before = eventually(5, async || cap().await).await;
        let lower = "!set_quality=240p";
        for (client, named) in [("198.51.100.66", "ann"), ("198.51.100.66", ""), ("", "ann")] {
            let answer = by(client, "eve", "/v1/feedback", say("ann", named, lower)).await;
            let foreign = guarded && named == "ann";
            assert_eq!(answer.status == StatusCode::ACCEPTED, !foreign, "{client} {named} {guarded}");
        }
        assert!(cap().await > Some(1_000.0), "{before}, with tokens: {guarded}");
        let many: String = (0..50).map(|number| say(&format!("author {number}"), "", "lag")).collect();
        by("198.51.100.66", "eve", "/v1/feedback", many).await;
        let heard = get(server.control_address(), "/v1/streams/show/audience").await.json();
        let latest = heard["latest"].as_array().unwrap();
        let authors: BTreeSet<_> = latest.iter().map(|message| message["author"].to_string()).collect();
        assert_eq!((latest.len(), authors.len()), (50, 1), "{heard}");
        if guarded {
            by("198.51.100.1", "ann", "/v1/feedback", say("x", "", lower)).await;
            assert!(cap().await < Some(1_000.0), "a viewer's own wish is followed");
        }
        server.stop().await;
    }
    std::fs::remove_dir_all(directory).unwrap();
}
