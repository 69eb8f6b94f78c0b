//! The edge before a directory and before another server.

use crate::support::{directory, eventually, get, order, post, send, start, with_cmcd};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const MASTER: &str = "#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=180000,RESOLUTION=256x144,CODECS=\"avc1.42c00b,mp4a.40.2\"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=426x240,CODECS=\"avc1.42c015,mp4a.40.2\"
mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1200000,RESOLUTION=640x360,CODECS=\"avc1.42c01e,mp4a.40.2\"
high.m3u8
";
const MPD: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" maxSegmentDuration="PT2.0S"><Period id="0">
<AdaptationSet contentType="video"><Representation id="0" mimeType="video/mp4" codecs="avc1.42c00b" bandwidth="180000" width="256" height="144"/>
<Representation id="1" mimeType="video/mp4" codecs="avc1.42c01e" bandwidth="1200000" width="640" height="360"/></AdaptationSet>
<AdaptationSet contentType="audio"><Representation id="2" mimeType="audio/mp4" codecs="mp4a.40.2" bandwidth="64000"/></AdaptationSet>
</Period></MPD>"#;

#[tokio::test]
async fn streams_whose_manifests_pass_elsewhere_are_told() {
    let server = start(|config| {
        let told = "[edge]\nstreams = [{ name = \"game\", ladder_kbps = [180, 500, 1200], segment_s = 4 }, { name = \"talk\", format = \"d\" }]";
        config.edge.streams = toml::from_str::<headroom_server::Config>(told).unwrap().edge.streams;
    })
    .await;
    let (public, control) = (server.public_address(), server.control_address());
    let listed = get(control, "/v1/streams").await.json();
    let game = &listed["items"][0];
    assert_eq!((listed["total"].as_u64(), &game["name"], &game["format"]), (Some(2), &json!("game"), &json!("h")));
    assert_eq!(game["segment_duration_ms"], 4_000, "{listed}");
    assert_eq!(game["ladder"].as_array().unwrap().len(), 3, "{listed}");
    // A publisher is no viewer: it is watched, and has no session.
    let report = json!({ "session": "publisher", "stream": "game", "format": "h", "encoder": { "frame_rate": 60 } });
    assert_eq!(post(public, "/v1/samples", "", report.to_string()).await.status, StatusCode::OK);
    assert_eq!(get(control, "/v1/sessions").await.json()["total"], 0);
    // As nginx asks: no manifest has passed, and the cap is a rung of the ladder that was told.
    let body = json!({ "scope": { "stream": "game" }, "max_bitrate_kbps": 600 });
    assert_eq!(order(control, "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
    let target = with_cmcd("/decide", "cid=\"game\",sf=h,sid=\"a\",ot=v,bl=4000,mtp=9000,br=180");
    assert_eq!(eventually(5, async || get(public, &target).await.suggested_kbps()).await, 500);
    // Frames are counted now and then.
    let line =
        eventually(30, async || get(control, "/v1/fleet/streams").await.json()["items"].as_array()?.first().cloned());
    let line = line.await;
    assert_eq!((&line["name"], &line["sessions"]), (&json!("game"), &json!(1)), "{line}");
    server.stop().await;
}

#[tokio::test]
async fn ladders_are_learned_from_the_manifests_that_pass() {
    let directory = directory("ladders");
    std::fs::write(directory.join("live.m3u8"), MASTER).unwrap();
    std::fs::write(directory.join("live.mpd"), MPD).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let (public, control) = (server.public_address(), server.control_address());

    let answer = get(public, &with_cmcd("/live.m3u8", "cid=\"game\",sf=h,sid=\"hls\",ot=m")).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, MASTER));
    assert_eq!(answer.header("content-type"), "application/vnd.apple.mpegurl");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-expose-headers").contains("CMSD-Dynamic"));
    get(public, &with_cmcd("/live.mpd", "cid=\"game\",sf=d,sid=\"dash\",ot=m")).await;
    let listed = get(control, "/v1/streams").await.json();
    let rungs = |item: usize| -> Vec<_> {
        let ladder = listed["items"][item]["ladder"].as_array().unwrap();
        ladder.iter().map(|rung| rung["bitrate_kbps"].as_u64().unwrap()).collect()
    };
    assert_eq!(listed["total"], 2, "{listed}");
    assert_eq!((rungs(0), rungs(1)), (vec![180, 1_200], vec![180, 500, 1_200]), "{listed}");
    assert_eq!((&listed["items"][0]["format"], &listed["items"][0]["audio_kbps"]), (&json!("d"), &json!(64)));
    assert_eq!(listed["items"][0]["segment_duration_ms"], 2_000);

    // The cap of one stream name holds for both packagings; DASH players are given room for the audio.
    let body = json!({ "scope": { "stream": "game" }, "max_bitrate_kbps": 200 });
    assert_eq!(order(control, "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
    for (format, expected) in [("h", 180), ("d", 244)] {
        let record = format!("cid=\"game\",sf={format},sid=\"{format}\",ot=v,bl=4000,mtp=9000,br=180");
        let target = with_cmcd("/live.m3u8", &record);
        let suggested = eventually(5, async || get(public, &target).await.suggested_kbps()).await;
        assert_eq!(suggested, expected, "{format}");
    }
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn the_directory_origin_serves_ranges_heads_and_nothing_else() {
    let directory = directory("ranges");
    std::fs::write(directory.join("seg.m4s"), (0..=255).collect::<Vec<u8>>()).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let public = server.public_address();
    let request = Request::get("/seg.m4s").header("range", "bytes=10-19").body(Full::default()).unwrap();
    let part = send(public, request).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &(10..20).collect::<Vec<u8>>()[..]));
    let head = send(public, Request::head("/seg.m4s").body(Full::default()).unwrap()).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (StatusCode::OK, "256", 0));
    std::fs::write(directory.join(".hidden.m4s"), "x").unwrap();
    std::os::unix::fs::symlink("/etc/hostname", directory.join("out.m4s")).unwrap();
    // Both would never answer.
    std::os::unix::fs::symlink("/dev/zero", directory.join("zero.m4s")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(directory.join("pipe.m4s")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    for target in [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/nothing.m4s",
        "/.hidden.m4s",
        "/out.m4s",
        "/zero.m4s",
        "/pipe.m4s",
        "/",
    ] {
        assert_eq!(get(public, target).await.code(), "not_found", "{target}");
    }
    assert_eq!(post(public, "/seg.m4s", "", "x").await.code(), "method_not_allowed");
    let preflight = Request::options("/seg.m4s").header("access-control-request-headers", "cmcd-object,range");
    let preflight = send(public, preflight.body(Full::default()).unwrap()).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-headers"), "cmcd-object,range");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// Another HTTP server: its members of CMSD stay, ours comes last, and it never sees CMCD.
#[tokio::test]
async fn another_server_is_passed_through() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 1\r\n\
                  CMSD-Dynamic: \"origin\";mb=9000\r\n\r\nhello";
    let (origin, seen) = canned_origin(answer).await;
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.edge.health_path = String::new();
    })
    .await;
    let target = format!("{}&headroom_token=hr1.x&x=1", with_cmcd("/a/seg.m4s", "sid=\"a\",mtp=5000,bl=3000"));
    let request = Request::get(target).header("cmcd-session", "sid=\"a\"").header("connection", "x-mine");
    let request = request.header("authorization", "Bearer hr1.x").header("cookie", "a=1; headroom_token=hr1.x");
    let request = request.header("x-mine", "1").header("x-yours", "1").body(Full::default()).unwrap();
    let answer = send(server.public_address(), request).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "hello"));
    let cmsd = answer.header("cmsd-dynamic");
    let expected: u32 = cmsd.strip_prefix("\"origin\";mb=9000, \"headroom\";etp=").unwrap_or(cmsd).parse().unwrap();
    assert!((4_000..=6_000).contains(&expected), "forecast after one transfer at 5000 kbit/s: {expected}");
    assert_eq!((answer.header("x-hop"), answer.header("x-kept")), ("", "1"));
    let seen = seen.await.unwrap().to_ascii_lowercase();
    assert!(seen.starts_with("get /a/seg.m4s?x=1 http/1.1\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && seen.contains("x-yours: 1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: {origin}\r\n")), "{seen}");
    assert!(!seen.contains("cmcd") && !seen.contains("x-mine"), "{seen}");
    assert!(!seen.contains("hr1.x") && seen.contains("cookie: a=1\r\n"), "{seen}");
    server.stop().await;
}

#[tokio::test]
async fn an_origin_that_fails_is_named() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (switching, _) =
        canned_origin("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nwhatever")
            .await;
    let (garbage, _) = canned_origin("\0\0\0\0\r\n\r\n").await;
    let cases = [
        (closed, StatusCode::BAD_GATEWAY, "origin_unreachable"),
        (silent.local_addr().unwrap(), StatusCode::GATEWAY_TIMEOUT, "origin_timeout"),
        (garbage, StatusCode::BAD_GATEWAY, "origin_unreachable"),
        (switching, StatusCode::BAD_GATEWAY, "origin_unreachable"),
    ];
    for (origin, status, code) in cases {
        let server = start(|config| {
            config.edge.origin = format!("http://{origin}");
            config.edge.response_timeout_ms = 300;
            config.edge.health_path = String::new();
        })
        .await;
        let answer = get(server.public_address(), "/seg.m4s").await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("access-control-allow-origin"), "*", "players must be able to read the reason");
        server.stop().await;
    }
}

/// The first byte reaches the player before the origin has sent the last: bodies are not buffered.
#[tokio::test]
async fn bodies_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = listener.local_addr().unwrap();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await.unwrap();
        released.await.unwrap();
        stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    });
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.edge.health_path = String::new();
    })
    .await;
    let request = Request::get("/seg.m4s").body(Full::default()).unwrap();
    let mut response = crate::support::open(server.public_address(), request).await;
    let mut frame = async || http_body_util::BodyExt::frame(response.body_mut()).await.unwrap().unwrap().into_data();
    assert_eq!(frame().await.unwrap(), "first");
    release.send(()).unwrap();
    assert_eq!(frame().await.unwrap(), "last");
    server.stop().await;
}

/// Answers one connection with the same text to every request; gives the first request's head.
async fn canned_origin(answer: &'static str) -> (SocketAddr, tokio::sync::oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_head(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = tell.send(head);
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    (address, told)
}

async fn read_head(stream: &mut tokio::net::TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
