//! Tokens of the public listener: who has none, a forged, an expired or somebody else's gets nothing in; media flows.

use crate::support::{Answer, directory, eventually, get, metric, open, post, send, start, with_cmcd};
use headroom_server::{
    Server,
    token::{Claims, Keys},
};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::{
    path::PathBuf,
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
