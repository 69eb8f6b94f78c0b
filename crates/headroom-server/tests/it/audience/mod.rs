//! What viewers say, from every source to the decisions, with a reader that knows a few words.

mod chats;
mod load;
mod voice;

use crate::support::{Answer, directory, eventually, get, metric, post, send, start_with, with_cmcd};
use futures_util::{SinkExt, StreamExt};
use headroom_core::{
    audience::{Aspect, Aspects, Classification, Command, Sentiment},
    units::Ratio,
};
use headroom_server::{Config, Reader, Reply, Server};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use std::{fs, io::BufReader, net::SocketAddr, sync::Arc};
use tokio_tungstenite::tungstenite::Message;

/// Reads at once, by words.
struct Words;

impl Reader for Words {
    fn submit(&self, text: String, _: u64, reply: Reply) {
        let has = |word| text.contains(word);
        let aspects: Aspects = [("lag", Aspect::Buffering), ("blur", Aspect::Picture), ("sound", Aspect::Audio)]
            .into_iter()
            .filter(|&(word, _)| has(word))
            .map(|(_, aspect)| aspect)
            .collect();
        let command = text.strip_prefix('!').and_then(|word| word.parse::<Command>().ok());
        reply(Ok(Classification {
            sentiment: if aspects.is_empty() { Sentiment::Neutral } else { Sentiment::Negative },
            confidence: Ratio::clamped(0.95),
            aspects,
            command,
        }));
    }
}

async fn server(change: impl FnOnce(&mut Config)) -> Server {
    start_with(change, Some(Arc::new(Words))).await
}

fn lines(messages: impl IntoIterator<Item = (String, String)>) -> String {
    let line = |(author, text)| json!({ "stream": "show", "author": author, "text": text }).to_string() + "\n";
    messages.into_iter().map(line).collect()
}

async fn say(public: SocketAddr, body: impl Into<hyper::body::Bytes>) -> Answer {
    post(public, "/v1/feedback", "application/x-ndjson", body).await
}

async fn audience(server: &Server) -> Option<Value> {
    let answer = get(server.control_address(), "/v1/streams/show/audience").await;
    (answer.status == StatusCode::OK).then(|| answer.json())
}

async fn report(public: SocketAddr, session: &str, extra: &str) {
    let record = format!("sid=\"{session}\",cid=\"show\",sf=h,bl=4000,br=8000,mtp=90000,d=2000,ot=v{extra}");
    get(public, &with_cmcd("/decide", &record)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_reader_says_so_and_takes_readings() {
    let server = start_with(|_| {}, None).await;
    let public = server.public_address();
    let refused = say(public, lines([("a".into(), "so laggy".into())])).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "no_reader"));
    let reading = json!({ "sentiment": "negative", "confidence": 0.9, "aspects": ["audio"], "command": null });
    let body = json!({ "stream": "show", "author": "a", "reading": reading }).to_string();
    assert_eq!(post(public, "/v1/feedback", "application/json", body).await.status, StatusCode::ACCEPTED);
    assert_eq!(audience(&server).await.unwrap()["messages"], 1);
    assert_eq!(get(server.control_address(), "/v1/streams/nobody/audience").await.code(), "not_found");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_lines_are_named_and_the_others_kept() {
    let server = server(|_| {}).await;
    let public = server.public_address();
    let good = |author: &str, text: &str| json!({ "stream": "show", "author": author, "text": text }).to_string();
    let mut body = Vec::new();
    for line in [
        good("a", "hello").into_bytes(),
        b"{\"author\":\"b\",\"text\":".to_vec(),
        b"{\"author\":\"b\",\"text\":\"\xff\xfe\"}".to_vec(),
        Vec::new(),
        good("c", "\u{200b}\u{202e}zero width and bidi").into_bytes(),
        good("d", &"Kappa ".repeat(10_000)).into_bytes(),
        good("e", "bell \u{7} and \u{1b}[31m").into_bytes(),
        good("f", "  ").into_bytes(),
        good("", "nobody").into_bytes(),
        good(&"g".repeat(300), "long name").into_bytes(),
        b"{\"author\":\"h\",\"text\":\"no stream\"}".to_vec(),
        good("i", "bye").into_bytes(),
    ] {
        body.extend_from_slice(&line);
        body.push(b'\n');
    }
    let answer = say(public, body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let outcome = answer.json();
    assert_eq!((outcome["accepted"].as_u64(), outcome["rejected"].as_u64()), (Some(5), Some(6)), "{outcome}");
    let numbers: Vec<_> =
        outcome["errors"].as_array().unwrap().iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 3, 8, 9, 10, 11]);
    let heard = audience(&server).await.unwrap();
    assert_eq!(heard["messages"], 5);
    assert_eq!(heard["latest"][0]["text"], "bye");
    assert_eq!(heard["latest"][0]["author"].as_str().unwrap().len(), 16, "authors are hashes");
    let megabyte = good("m", &"x".repeat(1024 * 1024));
    assert_eq!(say(public, megabyte).await.code(), "too_large");
    assert_eq!(say(public, good("m", &"é".repeat(400_000))).await.status, StatusCode::ACCEPTED, "long texts are cut");
    assert_eq!(say(public, "\n\n").await.code(), "malformed");
    assert_eq!(post(public, "/v1/feedback", "application/json", "[1]").await.code(), "malformed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaints_meet_telemetry_of_all_shards_and_replay_agrees() {
    let directory = directory("audience");
    let (inputs, decisions) = (directory.join("inputs.jsonl"), directory.join("decisions.jsonl"));
    let server = server(|config| {
        config.log.inputs.clone_from(&inputs);
        config.log.decisions.clone_from(&decisions);
        config.chat.token = "program".into();
    })
    .await;
    let public = server.public_address();
    let say = async |body: String| {
        let request = Request::post("/v1/feedback").header("content-type", "application/x-ndjson");
        let request = request.header("authorization", "Bearer program").body(Full::new(body.into())).unwrap();
        send(public, request).await
    };
    for session in 0..16 {
        report(public, &format!("s{session}"), "").await;
    }
    // A third of the sessions stall; thirty viewers say so, thirty complain about something no player sees.
    for session in 0..6 {
        report(public, &format!("s{session}"), ",bs").await;
    }
    let complaints = (0..30).flat_map(|author| {
        [(format!("b{author}"), "it lags".to_owned()), (format!("a{author}"), "no sound".to_owned())]
    });
    assert_eq!(say(lines(complaints)).await.json()["accepted"], 60);
    let command = json!({ "stream": "show", "author": "c", "session": "s9", "text": "!set_quality=480p" }).to_string();
    assert_eq!(say(command).await.status, StatusCode::ACCEPTED);
    let heard = eventually(10, async || {
        let heard = audience(&server).await?;
        let raised = heard["blind_spots"].as_array().is_some_and(|spots| !spots.is_empty());
        (raised && heard["weights"]["stall"].as_f64() > Some(1.3)).then_some(heard)
    })
    .await;
    let spots = heard["blind_spots"].as_array().unwrap();
    assert!(spots.iter().any(|spot| spot["aspect"] == "audio" && spot["complaints"] == 30), "{spots:?}");
    assert!(spots.iter().all(|spot| spot["aspect"] != "buffering"), "telemetry explains the buffering: {spots:?}");
    assert_eq!(heard["telemetry"]["sessions"], 16, "sessions of all shards count");
    assert!(metric(&server, "headroom_blind_spots_total").await >= 1.0);
    let capped = eventually(5, async || {
        let told = get(public, "/v1/decisions/s9").await.json();
        told["max_bitrate_kbps"].as_f64().filter(|&rate| rate <= 1_600.0)
    })
    .await;
    assert!(capped <= 1_600.0);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    server.stop().await;

    let live = fs::read_to_string(&decisions).unwrap();
    assert!(live.contains("blind_spot") && live.contains("weights"), "outputs are recorded");
    let mut again = Vec::new();
    let replayed = headroom_server::replay(BufReader::new(fs::File::open(&inputs).unwrap()), &mut again).unwrap();
    assert_eq!(replayed.lost, 0);
    assert_eq!(live, String::from_utf8(again).unwrap());
    fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_takes_messages_and_names_what_it_cannot_take() {
    let server = server(|config| {
        config.chat.stream = "show".into();
        config.chat.max_sockets = 1;
        config.chat.socket_messages_per_s = 50;
        config.chat.token = "secret".into();
    })
    .await;
    let public = server.public_address();
    let url = format!("ws://{public}/v1/feedback");
    assert!(tokio_tungstenite::connect_async(&url).await.is_err(), "the token is asked for");
    assert_eq!(say(public, lines([("a".into(), "hi".into())])).await.code(), "unauthorized");
    let request = |url: &str| {
        let host = public.to_string();
        Request::get(url)
            .header("host", host)
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("authorization", "Bearer secret")
            .body(())
            .unwrap()
    };
    let (mut socket, _) = tokio_tungstenite::connect_async(request(&url)).await.unwrap();
    assert!(tokio_tungstenite::connect_async(request(&url)).await.is_err(), "one socket is the limit here");
    socket.send(Message::text("{\"author\":1}")).await.unwrap();
    let Message::Text(problem) = socket.next().await.unwrap().unwrap() else { panic!("a text frame") };
    assert_eq!(serde_json::from_str::<Value>(&problem).unwrap()["code"], "malformed");
    for number in 0..200 {
        let message = json!({ "author": format!("a{number}"), "text": "hi" }).to_string();
        socket.send(Message::text(message)).await.unwrap();
    }
    let heard = eventually(5, async || {
        let shed = metric(&server, "headroom_shed_total{kind=\"message\"}").await as u64;
        let heard = audience(&server).await?["messages"].as_u64()?;
        (shed + heard >= 200).then_some(heard)
    })
    .await;
    assert!((45..150).contains(&heard), "50 at once and 50 a second get through: {heard}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_no_socket_are_refused() {
    let server = server(|_| {}).await;
    let request = Request::get("/v1/feedback").body(Full::default()).unwrap();
    assert_eq!(send(server.public_address(), request).await.code(), "malformed");
    server.stop().await;
}

/// One address has its share of the sockets; another one has its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_of_one_address_are_bounded() {
    let server = server(|config| config.chat.max_sockets_per_client = 2).await;
    let public = server.public_address();
    let open = async |client: &str| {
        let request = Request::get(format!("ws://{public}/v1/feedback"))
            .header("host", public.to_string())
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("x-real-ip", client);
        tokio_tungstenite::connect_async(request.body(()).unwrap()).await
    };
    let (mut first, _) = open("2001:db8::1").await.unwrap();
    let _second = open("2001:db8::2").await.unwrap();
    assert!(open("2001:db8::3").await.is_err(), "three of one /64");
    assert!(open("192.0.2.7").await.is_ok());
    assert!(metric(&server, "headroom_shed_total{kind=\"client\"}").await >= 1.0);
    first.close(None).await.unwrap();
    eventually(5, async || open("2001:db8::3").await.ok()).await;
    server.stop().await;
}
