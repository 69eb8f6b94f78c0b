//! Live chats with peers that speak the protocols: an IRC server from Debian over TLS, lines as Twitch records them, the
//! JSON YouTube documents.

use super::{audience, server};
use crate::support::{directory, eventually};
use axum::{Json, Router, extract::Query, http::StatusCode, routing::get};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::Instant,
};

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &str, directory: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(arguments.split(' ')).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_irc_server_over_tls_is_read() {
    let directory = directory("ngircd");
    let program = ["/usr/sbin/ngircd", "/usr/bin/ngircd"].into_iter().find(|path| Path::new(path).exists());
    let Some(program) = program else {
        println!("skipped: ngircd is not installed (scripts/setup.sh)");
        return;
    };
    // An authority, and a certificate of it for localhost.
    fs::write(directory.join("ext"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    for arguments in [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority",
        "req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=localhost",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile ext",
    ] {
        assert!(run("openssl", arguments, &directory), "openssl {arguments}");
    }
    let (plain, tls) = (free_port(), free_port());
    let owner = fs::metadata(&directory).unwrap();
    let path = directory.display();
    let configuration = format!(
        "[Global]\nName = irc.test\nInfo = test\nListen = 127.0.0.1\nPorts = {plain}\nMotdPhrase = hello\nServerUID = {}\nServerGID = {}\n\
         [Limits]\nMaxNickLength = 30\nMaxConnectionsIP = 0\nPingTimeout = 2\n[Options]\nDNS = no\nIdent = no\nPAM = no\n\
         [SSL]\nPorts = {tls}\nCertFile = {path}/cert.pem\nKeyFile = {path}/key.pem\n",
        owner.uid(),
        owner.gid(),
    );
    fs::write(directory.join("ngircd.conf"), configuration).unwrap();
    let log = fs::File::create(directory.join("log")).unwrap();
    let mut command = Command::new(program);
    command.arg("-n").arg("-f").arg(directory.join("ngircd.conf")).stdout(log.try_clone().unwrap()).stderr(log);
    let _irc = Process(command.spawn().unwrap());
    let mut speaker = eventually(10, async || TcpStream::connect(("127.0.0.1", plain)).await.ok()).await;

    let server = server(|config| {
        config.chat.twitch_server = format!("localhost:{tls}");
        config.chat.twitch_channels = vec!["Arena=show".into(), "other=show".into()];
        config.chat.ca_file = directory.join("ca.pem");
    })
    .await;
    speaker.write_all(b"NICK ann\r\nUSER ann 0 * ann\r\nJOIN #arena\r\nJOIN #other\r\n").await.unwrap();
    let (reading, mut writing) = speaker.into_split();
    // Stays in the conversation: answers PING, and knows when the reader has come.
    let joined = Arc::new(Mutex::new(String::new()));
    let (answer, mut pings) = tokio::sync::mpsc::channel(8);
    tokio::spawn({
        let joined = Arc::clone(&joined);
        async move {
            let mut lines = BufReader::new(reading).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(token) = line.strip_prefix("PING") {
                    let _ = answer.send(format!("PONG{token}\r\n")).await;
                }
                joined.lock().unwrap().push_str(&format!("{line}\n"));
            }
        }
    });
    let mut said = 0;
    let deadline = Instant::now() + Duration::from_secs(20);
    let heard = loop {
        while let Ok(pong) = pings.try_recv() {
            writing.write_all(pong.as_bytes()).await.unwrap();
        }
        let here = joined.lock().unwrap().matches("!~justinfan").count();
        if here >= 2 {
            said += 1;
            let line = format!("PRIVMSG #arena :no sound {said}\r\nPRIVMSG #other :fine here\r\n");
            writing.write_all(line.as_bytes()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Past several PING intervals of the server, so ours were answered.
        let Some(heard) = audience(&server).await else {
            assert!(Instant::now() < deadline, "{}", joined.lock().unwrap());
            continue;
        };
        if Instant::now() + Duration::from_secs(10) > deadline {
            break heard;
        }
    };
    assert!(heard["messages"].as_u64().unwrap() + 4 >= said * 2, "{heard} {said}");
    assert!(
        heard["aspects"].as_array().unwrap().iter().any(|a| a["aspect"] == "audio" && a["complaints"] == 1),
        "{heard}"
    );
    let quits =
        joined.lock().unwrap().lines().filter(|line| line.contains("justinfan") && line.contains("QUIT")).count();
    assert_eq!(quits, 0, "the server never lost us");
    server.stop().await;
    fs::remove_dir_all(directory).unwrap();
}

/// Lines as Twitch sends them, with other names and texts.
const RECORDED: &str = "@badge-info=;badges=;color=#0D4200;display-name=Ronni;emotes=25:0-4;id=b34ccfc7;mod=0;room-id=1337;\
    subscriber=0;tmi-sent-ts=1507246572675;turbo=1;user-id=1337;user-type= :ronni!ronni@ronni.tmi.twitch.tv PRIVMSG #arena :Kappa it lags\r\n\
    @id=z1;room-id=1337;source-room-id=2222;user-id=601 :away!a@a PRIVMSG #arena :the other room lags\r\n\
    :tmi.twitch.tv CLEARCHAT #arena :troll\r\n\
    @msg-id=slow_on :tmi.twitch.tv NOTICE #arena :This room is now in slow mode.\r\n\
    PING :tmi.twitch.tv\r\n\
    @id=c1;user-id=7 :bea!bea@bea.tmi.twitch.tv PRIVMSG #elsewhere :not ours\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_lines_a_ping_and_a_reconnect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let said = Arc::new(Mutex::new(Vec::<String>::new()));
    tokio::spawn({
        let said = Arc::clone(&said);
        async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (reading, mut writing) = stream.into_split();
                let mut lines = BufReader::new(reading).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    said.lock().unwrap().push(line.clone());
                    let command = line.split(' ').next().unwrap_or_default();
                    let answer = match command {
                        "NICK" => {
                            ":tmi.twitch.tv CAP * ACK :twitch.tv/tags\r\n:tmi.twitch.tv 001 x :Welcome, GLHF!\r\n"
                                .to_owned()
                        }
                        // A line that is far too long, garbage, then what is recorded.
                        "JOIN" => format!(":x PRIVMSG #arena :{}\r\n\u{fffd}\u{0}\r\n{RECORDED}", "y".repeat(40_000)),
                        "PONG" => ":tmi.twitch.tv RECONNECT\r\n".to_owned(),
                        _ => continue,
                    };
                    writing.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        }
    });
    let server = server(|config| {
        config.chat.twitch_server = address.to_string();
        config.chat.twitch_tls = false;
        config.chat.twitch_channels = vec!["arena".into()];
        config.chat.stream = "show".into();
    })
    .await;
    let heard =
        eventually(15, async || audience(&server).await.filter(|heard| heard["messages"].as_u64() >= Some(2))).await;
    assert_eq!(heard["latest"][0]["id"], "b34ccfc7");
    assert_eq!(heard["latest"][0]["text"], "Kappa it lags");
    let said = said.lock().unwrap().clone();
    assert!(said.iter().filter(|line| line.starts_with("NICK justinfan")).count() >= 2, "it came back: {said:?}");
    assert!(said.contains(&"PONG tmi.twitch.tv".to_owned()) && said.contains(&"JOIN #arena".to_owned()), "{said:?}");
    assert!(said[0].starts_with("CAP REQ :twitch.tv/tags"), "{said:?}");
    drop(said);
    server.stop().await;
}

/// Answers like `liveChatMessages.list`, page after page.
struct Peer {
    asked: Vec<(Instant, HashMap<String, String>)>,
}

fn message(id: &str, author: &str, text: &str) -> Value {
    json!({ "kind": "youtube#liveChatMessage", "id": id, "snippet": { "type": "textMessageEvent", "liveChatId": "chat-1",
        "publishedAt": "2026-11-22T10:00:00.000000+00:00", "hasDisplayContent": true, "displayMessage": text,
        "textMessageDetails": { "messageText": text } }, "authorDetails": { "channelId": author, "displayName": author } })
}

fn refusal(code: u16, reason: &str) -> (StatusCode, Json<Value>) {
    let error =
        json!({ "code": code, "message": reason, "errors": [{ "domain": "youtube.liveChat", "reason": reason }] });
    (StatusCode::from_u16(code).unwrap(), Json(json!({ "error": error })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn youtube_is_polled_as_it_asks() {
    let peer = Arc::new(Mutex::new(Peer { asked: Vec::new() }));
    let handler = {
        let peer = Arc::clone(&peer);
        async move |Query(query): Query<HashMap<String, String>>| {
            let mut peer = peer.lock().unwrap();
            peer.asked.push((Instant::now(), query));
            let page = |token: &str, items: Vec<Value>| {
                (
                    StatusCode::OK,
                    Json(json!({ "kind": "youtube#liveChatMessageListResponse", "pollingIntervalMillis": 600,
                    "nextPageToken": token, "items": items })),
                )
            };
            match peer.asked.len() {
                1 => page("t1", vec![message("old", "UC0", "said before we came")]),
                2 => page("t2", vec![message("m1", "UC1", "no sound"), message("m2", "UC2", "hello")]),
                3 => refusal(403, "rateLimitExceeded"),
                4 => page("t3", vec![message("m3", "UC1", "sound is still gone")]),
                _ => refusal(403, "liveChatEnded"),
            }
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a stand-in for another server has no document")]
    let router = Router::new().route("/youtube/v3/liveChat/messages", get(handler));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = server(|config| {
        config.chat.youtube_url = format!("http://{address}");
        config.chat.youtube_key = "key/1".into();
        config.chat.youtube_chats = vec!["chat-1=show".into()];
    })
    .await;
    let heard = eventually(15, async || {
        let heard = audience(&server).await?;
        (heard["messages"].as_u64() >= Some(3) && peer.lock().unwrap().asked.len() >= 5).then_some(heard)
    })
    .await;
    assert_eq!(heard["messages"], 3, "what was said before we came is history");
    assert_eq!(heard["latest"][0]["id"], "m3");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    server.stop().await;
    let peer = peer.lock().unwrap();
    assert_eq!(peer.asked.len(), 5, "a chat that ended is left");
    let tokens: Vec<_> = peer.asked.iter().map(|(_, query)| query.get("pageToken").map(String::as_str)).collect();
    assert_eq!(tokens, [None, Some("t1"), Some("t2"), Some("t2"), Some("t3")]);
    assert_eq!(peer.asked[0].1["key"], "key/1");
    assert_eq!(peer.asked[0].1["liveChatId"], "chat-1");
    for pair in peer.asked.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_millis(500), "the interval is obeyed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_chat_is_replayed_at_its_pace() {
    let directory = directory("recording");
    let path = directory.join("chat.jsonl");
    let recording = "{\"at_ms\":1000,\"author\":\"a\",\"text\":\"first\"}\nnonsense\n{\"at_ms\":3000,\"author\":\"b\",\"text\":\"second, it lags\"}\n";
    fs::write(&path, recording).unwrap();
    let server = server(|config| {
        config.chat.replay.clone_from(&path);
        config.chat.replay_speed = 2.0;
        config.chat.stream = "show".into();
    })
    .await;
    let first = eventually(5, async || audience(&server).await).await;
    assert_eq!(first["messages"], 1, "the second comes a second later");
    let both = eventually(5, async || audience(&server).await.filter(|heard| heard["messages"] == 2)).await;
    let at = |index: usize| both["latest"][index]["at_us"].as_u64().unwrap();
    assert!((900_000..1_800_000).contains(&(at(0) - at(1))), "{both}");
    server.stop().await;
    fs::remove_dir_all(directory).unwrap();
}
