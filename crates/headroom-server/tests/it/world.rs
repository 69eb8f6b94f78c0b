//! Players, playlists and proxies as they are found in the field: small inputs written anew, each for a kind of trouble.

use crate::support::{Answer, directory, eventually, get, metric, order, send, skipped, start, with_cmcd};
use headroom_server::Server;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const PLAIN: &str = "#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2400000,RESOLUTION=1280x720,CODECS=\"avc1.4d401f,mp4a.40.2\"
mid.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=6000000,RESOLUTION=1920x1080,CODECS=\"avc1.640028,mp4a.40.2\"
high.m3u8
";

/// A server over a directory with these files.
async fn over(name: &str, files: &[(&str, &str)]) -> (Server, PathBuf) {
    let directory = directory(name);
    for (path, content) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    (server, directory)
}

async fn end(server: Server, directory: PathBuf) {
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// One request with headers of its own.
async fn ask(address: SocketAddr, target: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(Request::get(target), |request, &(name, value)| request.header(name, value));
    send(address, request.body(Full::default()).unwrap()).await
}

/// The bytes of a request as they are, and the whole answer.
async fn ask_raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Ladders by stream, kbit/s.
async fn ladders(server: &Server) -> Vec<(String, Vec<u64>)> {
    let listed = get(server.control_address(), "/v1/streams").await.json();
    let rungs = |item: &Value| {
        let ladder = item["ladder"].as_array().unwrap();
        ladder.iter().map(|rung| rung["bitrate_kbps"].as_f64().unwrap().round() as u64).collect()
    };
    let items = listed["items"].as_array().unwrap();
    items.iter().map(|item| (item["name"].as_str().unwrap().to_owned(), rungs(item))).collect()
}

async fn cap_everyone(server: &Server, kbps: u64) {
    let body = json!({ "scope": "all", "max_bitrate_kbps": kbps });
    assert_eq!(order(server.control_address(), "PUT", "/v1/overrides", body).await.status, StatusCode::OK);
}

async fn session(server: &Server, name: &str) -> Value {
    get(server.control_address(), &format!("/v1/sessions/{name}")).await.json()
}

#[tokio::test]
async fn channels_in_one_directory_are_streams_of_their_own() {
    let channel = |low: u32, high: u32| {
        format!(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH={low}000,RESOLUTION=320x180\na.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH={high}000,RESOLUTION=1280x720\nb.m3u8\n"
        )
    };
    let (one, two) = (channel(160, 640), channel(3_000, 9_000));
    let files = [("tv/one.m3u8", one.as_str()), ("tv/two.m3u8", &two), ("game/index.m3u8", PLAIN)];
    let (server, directory) = over("channels", &files).await;
    for (path, _) in files {
        get(server.public_address(), &format!("/{path}")).await;
    }
    let expected = [("game", vec![800, 2_400, 6_000]), ("tv/one", vec![160, 640]), ("tv/two", vec![3_000, 9_000])];
    assert_eq!(ladders(&server).await, expected.map(|(name, rungs)| (name.to_owned(), rungs)));
    end(server, directory).await;
}

#[tokio::test]
async fn manifests_without_an_extension_are_learned_and_cut() {
    let files = [("x.ism/manifest(format=m3u8-aapl)", PLAIN), ("play/7", PLAIN)];
    let (server, directory) = over("no-extension", &files).await;
    cap_everyone(&server, 900).await;
    for path in ["/x.ism/manifest(format=m3u8-aapl)", "/play/7"] {
        for headers in [&[("range", "bytes=0-")][..], &[], &[("if-modified-since", "Sat, 01 Jan 2039 00:00:00 GMT")]] {
            let answer = ask(server.public_address(), path, headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {headers:?}");
            assert!(answer.text().contains("low.m3u8") && !answer.text().contains("mid.m3u8"), "{path} {headers:?}");
        }
    }
    let rungs = vec![800, 2_400, 6_000];
    assert_eq!(ladders(&server).await, [("play/7".to_owned(), rungs.clone()), ("x.ism".to_owned(), rungs)]);
    end(server, directory).await;
}

/// `cid` is optional: what such a player plays is what it fetched, with CMCD on the manifest or without.
#[tokio::test]
async fn cmcd_without_a_content_id_is_of_the_manifest_just_fetched() {
    let (server, directory) = over("no-cid", &[("live/plain.m3u8", PLAIN), ("live/1.ts", "media")]).await;
    let public = server.public_address();
    let record = |sid: &str| format!("bl=2500,br=800,d=2000,mtp=700,ot=av,sf=h,sid=\"{sid}\"");
    get(public, &with_cmcd("/live/plain.m3u8", "ot=m,sf=h,sid=\"query\"")).await;
    let agent = ("user-agent", "AppleCoreMedia/1.0");
    ask(public, "/live/plain.m3u8", &[agent]).await;
    let headers = ["cmcd-object", "cmcd-request", "cmcd-session"];
    let values = ["br=800,d=2000,ot=av", "bl=2500,mtp=700", "sf=h,sid=\"headers\",v=1"];
    let by_header: Vec<_> = headers.into_iter().zip(values).chain([agent]).collect();
    let told = eventually(10, async || {
        let by_query = get(public, &with_cmcd("/live/1.ts", &record("query"))).await.suggested_kbps()?;
        let by_header = ask(public, "/live/1.ts", &by_header).await.suggested_kbps()?;
        Some((by_query, by_header))
    })
    .await;
    assert!(told.0 >= 800 && told.1 >= 800, "the lowest rung of the ladder is 800: {told:?}");
    let stream = &get(server.control_address(), "/v1/streams").await.json()["items"][0]["stream"];
    for name in ["query", "headers"] {
        assert_eq!(&session(&server, name).await["stream"], stream, "{name}");
    }
    end(server, directory).await;
}

/// Stock dash.js, switched on by the MPD: it names the content, never the format.
#[tokio::test]
async fn content_without_a_format_is_that_of_the_manifest_just_fetched() {
    let (server, directory) = over("no-format", &[("live/plain.m3u8", PLAIN), ("live/1.ts", "media")]).await;
    let public = server.public_address();
    let agent = ("user-agent", "Player/1.0");
    ask(public, "/live/plain.m3u8", &[agent]).await;
    let record = |sid: &str| format!("bl=2500,br=800,cid=\"live/plain\",d=2000,mtp=700,ot=av,sid=\"{sid}\"");
    ask(public, &with_cmcd("/live/1.ts", &record("segment")), &[agent]).await;
    get(public, &with_cmcd("/live/plain.m3u8", "cid=\"live/plain\",ot=m,sid=\"manifest\"")).await;
    let stream = &get(server.control_address(), "/v1/streams").await.json()["items"][0]["stream"];
    for name in ["segment", "manifest"] {
        assert_eq!(&session(&server, name).await["stream"], stream, "{name}");
    }
    end(server, directory).await;
}

/// Behind nginx the manifest does not pass; what is fetched is known by the path that nginx names.
#[tokio::test]
async fn a_declared_stream_is_found_by_the_path_of_its_manifest() {
    let server = start(|config| {
        let told = "[edge]\nstreams = [{ name = \"live/game\", ladder_kbps = [800, 2400] }]";
        config.edge.streams = toml::from_str::<headroom_server::Config>(told).unwrap().edge.streams;
    })
    .await;
    let public = server.public_address();
    for (name, path) in [("one", "/live/game/index.m3u8"), ("two", "https://cdn.example/live/game/any.m3u8")] {
        let target = with_cmcd(path, &format!("ot=m,sf=h,sid=\"{name}\""));
        ask(public, "/decide", &[("x-original-uri", &target)]).await;
        let stream = &get(server.control_address(), "/v1/streams").await.json()["items"][0]["stream"];
        assert_eq!(&session(&server, name).await["stream"], stream, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn forwarded_addresses_tell_viewers_apart() {
    let (server, directory) = over("forwarded", &[("live/plain.m3u8", PLAIN)]).await;
    let viewers = [
        ("x-forwarded-for", "203.0.113.5:41234"),
        ("x-forwarded-for", "203.0.113.6:5555"),
        ("x-forwarded-for", "203.0.113.7:6666"),
        ("x-forwarded-for", "[2001:db8::1]:4711"),
        ("x-forwarded-for", "[2001:db8::2]:4711"),
        ("x-real-ip", "203.0.113.8:99"),
        ("forwarded", "for=\"[2001:db8::3]:4711\";proto=https"),
    ];
    for viewer in viewers {
        ask(server.public_address(), "/live/plain.m3u8", &[viewer, ("user-agent", "same/1.0")]).await;
    }
    // The same viewer from another port is no other.
    let again = [("x-forwarded-for", "203.0.113.5:50000"), ("user-agent", "same/1.0")];
    ask(server.public_address(), "/live/plain.m3u8", &again).await;
    assert_eq!(get(server.control_address(), "/v1/sessions").await.json()["total"], viewers.len());
    end(server, directory).await;
}

#[tokio::test]
async fn what_cannot_be_read_of_a_manifest_is_counted_and_named() {
    let off = PLAIN.replace("RESOLUTION=1280x720", "RESOLUTION=wide").replace("=800000", "=\"801250.5\"");
    let nothing = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=lots\na.m3u8\n";
    let files = [("a/index.m3u8", off.as_str()), ("b/index.m3u8", nothing), ("c/index.m3u8", PLAIN)];
    let (server, directory) = over("unread", &files).await;
    for (path, _) in files {
        assert_eq!(get(server.public_address(), &format!("/{path}")).await.status, StatusCode::OK);
    }
    let listed = get(server.control_address(), "/v1/streams").await.json();
    let unread = |item: usize| (&listed["items"][item]["unread_count"], &listed["items"][item]["unread"]);
    let named = json!([{ "rendition": "mid.m3u8", "name": "RESOLUTION", "value": "wide" }]);
    assert_eq!(unread(0), (&json!(1), &named));
    assert_eq!(ladders(&server).await[0].1, [801, 2_400, 6_000]);
    assert_eq!(unread(1), (&json!(1), &json!([{ "rendition": "a.m3u8", "name": "BANDWIDTH", "value": "lots" }])));
    assert_eq!(unread(2), (&json!(0), &json!([])));
    end(server, directory).await;
}

/// As players and proxies send it that do not follow the letter: encoded twice, split, with raw quotes.
#[tokio::test]
async fn cmcd_in_every_state_is_read() {
    let (server, directory) = over("cmcd-states", &[("seg/1.m4s", "media"), ("seg/my\"file.m4s", "quoted")]).await;
    let public = server.public_address();
    let double =
        "bl%253D20000%252Cbr%253D6000%252Cmtp%253D57500%252Cot%253Dv%252Csf%253Dd%252Csid%253D%2522double%2522";
    for (head, name) in [
        (format!("GET /seg/1.m4s?CMCD={double} HTTP/1.1\r\n"), "double"),
        ("GET /seg/1.m4s?CMCD=sid%3D%22two%22&CMCD=bl%3D20000%2Cmtp%3D57500%2Cot%3Dv HTTP/1.1\r\n".into(), "two"),
        ("GET /seg/1.m4s?CMCD=bl=20000,ot=v,mtp=57500,sid=\"raw\" HTTP/1.1\r\n".into(), "raw"),
        (
            "GET /seg/1.m4s HTTP/1.1\r\nCMCD-Session: sid=\"lines\"\r\nCMCD-Request: bl=20000\r\nCMCD-Request: mtp=57500\r\n"
                .into(),
            "lines",
        ),
        ("GET /seg/1.m4s HTTP/1.1\r\nCMCD-Request: bl%3D20000%2Cmtp%3D57500%2Csid%3D%22coded%22\r\n".into(), "coded"),
    ] {
        let answer = ask_raw(public, &format!("{head}Host: edge.example\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("media"), "{name}: {answer}");
        let session = session(&server, name).await;
        assert_eq!(session["buffer_length_ms"].as_f64(), Some(20_000.0), "{name}: {session}");
        assert!(session["forecast_kbps"].is_array(), "{name}: {session}");
    }
    let quoted = ask_raw(public, "GET /seg/my\"file.m4s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(quoted.contains("quoted"), "{quoted}");
    assert_eq!(metric(&server, "headroom_reports_dropped_total{reason=\"malformed\"}").await, 0.0);
    end(server, directory).await;
}

#[tokio::test]
async fn steering_requests_with_raw_quotes_are_answered() {
    let server = start(|config| config.steering.pathways = vec!["alpha".into(), "beta".into()]).await;
    let head = "GET /v1/steering?_DASH_pathway=\"alpha\"&_DASH_throughput=5140000 HTTP/1.1\r\nHost: edge.example\r\n";
    let answer = ask_raw(server.public_address(), &format!("{head}Connection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("PATHWAY-PRIORITY"), "{answer}");
    assert_eq!(metric(&server, "headroom_reports_total{source=\"steering\"}").await, 1.0);
    server.stop().await;
}

/// nginx, ingress-nginx, Traefik and Caddy name what the player asked for; Envoy asks for it behind `/decide`.
#[tokio::test]
async fn every_proxy_s_question_is_understood() {
    let server = start(|_| {}).await;
    let public = server.public_address();
    for (name, path) in [
        ("x-original-uri", "/live/seg.ts"),
        ("x-original-url", "https://cdn.example/live/seg.ts"),
        ("x-forwarded-uri", "/live/seg.ts"),
        ("x-envoy-original-path", "/live/seg.ts"),
        ("", "/decide/live/seg.ts"),
    ] {
        let sid = if name.is_empty() { "envoy" } else { name };
        let target = with_cmcd(path, &format!("bl=1500,br=3000,bs,d=2000,mtp=900,ot=v,sf=h,sid=\"{sid}\""));
        let answer = match name {
            "" => ask(public, &target, &[("x-forwarded-for", "198.51.100.7")]).await,
            name => ask(public, "/decide?cap=1", &[(name, &target), ("x-real-ip", "198.51.100.7")]).await,
        };
        // Envoy takes 200 alone for a yes.
        let expected = if name.is_empty() { StatusCode::OK } else { StatusCode::NO_CONTENT };
        assert_eq!(answer.status, expected, "{name}");
        assert!(answer.suggested_kbps().is_some(), "{name}: a dry buffer is decided at once");
        assert_eq!(answer.header("x-headroom-max-bitrate-kbps").parse().ok(), answer.suggested_kbps(), "{name}");
        assert!(session(&server, sid).await["buffer_length_ms"].is_number(), "{name}");
    }
    server.stop().await;
}

/// Who comes after an order, or to a bottleneck that is full, is held to it by the very first answer.
#[tokio::test]
async fn orders_and_bottlenecks_hold_for_newcomers() {
    let (server, directory) = over("newcomers", &[("live/index.m3u8", PLAIN)]).await;
    let (public, control) = (server.public_address(), server.control_address());
    let tops = async |round: &str| {
        let mut tops = Vec::new();
        for viewer in 0..4 {
            let agent = format!("silent-{round}-{viewer}");
            let text = ask(public, "/live/index.m3u8", &[("user-agent", &agent)]).await.text().to_owned();
            let top = [("high.m3u8", 6_000), ("mid.m3u8", 2_400), ("low.m3u8", 800)];
            tops.push(top.into_iter().find(|(uri, _)| text.contains(uri)).unwrap().1);
        }
        tops
    };
    assert_eq!(tops("free").await, [6_000; 4]);
    cap_everyone(&server, 900).await;
    assert_eq!(tops("ordered").await, [800; 4]);
    let reported = get(public, &with_cmcd("/live/index.m3u8", "ot=m,sf=h,sid=\"new\"")).await;
    assert_eq!((reported.text(), reported.suggested_kbps()), (PLAIN, Some(800)), "it hears of it and keeps its choice");
    let silent = ask(public, "/decide?cap=1", &[("x-original-uri", "/live/1.ts")]).await;
    assert!(!silent.header("x-headroom-max-bitrate-kbps").is_empty(), "a web server can hold the silent to it");
    order(control, "DELETE", "/v1/overrides", json!({ "scope": "all" })).await;
    for (capacity, most) in [(12_000, 12_000), (1_000, 4 * 800)] {
        let body = json!({ "capacity_kbps": capacity });
        assert!(order(control, "PUT", "/v1/bottlenecks", body).await.status.is_success());
        let tops = tops(&format!("behind-{capacity}")).await;
        assert!(tops.iter().sum::<u32>() <= most, "{capacity}: {tops:?}");
    }
    end(server, directory).await;
}

/// A part of a segment is a part: 375 kB in half a second are 6 000 kbit/s, not 750.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_low_latency_hls_are_parts() {
    let media = "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-TARGETDURATION:4\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
        #EXT-X-MEDIA-SEQUENCE:10\n#EXTINF:4.0,\ns10.mp4\n#EXT-X-PART:DURATION=0.5,URI=\"s11.0.mp4\",INDEPENDENT=YES\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s11.1.mp4\"\n";
    let part = "x".repeat(375_000);
    let files =
        [("live/index.m3u8", PLAIN), ("live/high.m3u8", media), ("live/s11.0.mp4", &part), ("live/s11.1.mp4", &part)];
    let (server, directory) = over("parts", &files).await;
    let public = server.public_address();
    for path in ["/live/index.m3u8", "/live/high.m3u8"] {
        get(public, path).await;
    }
    let playing = eventually(30, async || {
        for path in ["/live/s11.0.mp4", "/live/s11.1.mp4"] {
            assert_eq!(get(public, path).await.body.len(), part.len());
        }
        let page = get(server.control_address(), "/v1/sessions").await.json();
        page["items"][0]["playing_kbps"].as_f64()
    })
    .await;
    assert_eq!(playing.round(), 6_000.0);
    end(server, directory).await;
}

/// What low-latency players ask of the origin reaches it, and its answer reaches them as it comes.
#[tokio::test]
async fn blocking_reloads_and_parts_pass_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = listener.local_addr().unwrap();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=9\n\
        #EXT-X-PART:DURATION=0.5,URI=\"p.mp4\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q.mp4\"\n\
        #EXT-X-RENDITION-REPORT:URI=\"../b/live.m3u8\",LAST-MSN=11,LAST-PART=0\n";
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        released.await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{playlist}", playlist.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.edge.health_path = String::new();
    })
    .await;
    let public = server.public_address();
    let target = "/a/live.m3u8?_HLS_msn=11&_HLS_part=0&_HLS_skip=YES&CMCD=ot%3Dm%2Csid%3D%22ll%22&_HLS_push=0";
    let waiting = tokio::spawn(async move { get(public, target).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "the origin holds the request");
    let began = std::time::Instant::now();
    release.send(()).unwrap();
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, playlist));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let head = asked.await.unwrap();
    assert!(head.starts_with("GET /a/live.m3u8?_HLS_msn=11&_HLS_part=0&_HLS_skip=YES&_HLS_push=0 HTTP/1.1"), "{head}");
    server.stop().await;
}

/// A file that its packager still writes reaches the player whole, and its beginning before its end is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_grows_is_followed() {
    let (server, directory) = over("grows", &[("live/chunk-1.m4s", "first ")]).await;
    let request = Request::get("/live/chunk-1.m4s").body(Full::default()).unwrap();
    let mut response = crate::support::open(server.public_address(), request).await;
    assert_eq!((response.status(), response.headers().get("content-length")), (StatusCode::OK, None));
    assert_eq!(response.headers()["content-type"], "video/mp4");
    let mut frame = async || http_body_util::BodyExt::frame(response.body_mut()).await.map(|frame| frame.unwrap());
    assert_eq!(frame().await.unwrap().into_data().unwrap(), "first ");
    let path = directory.join("live/chunk-1.m4s");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, b"and last").unwrap();
    assert_eq!(frame().await.unwrap().into_data().unwrap(), "and last");
    assert!(frame().await.is_none(), "it ends when nobody writes any more");
    end(server, directory).await;
}

/// The files of the shared cases as they are, where they are.
#[tokio::test]
async fn the_shared_cases_are_right() {
    let root = std::env::var_os("HEADROOM_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let cases = root.join("cases");
    if !cases.join("hls-plain.m3u8").exists() {
        return skipped("no shared cases");
    }
    let server = start(|config| config.edge.origin = format!("dir:{}", cases.display())).await;
    let public = server.public_address();
    for (file, expected) in [
        ("camera1.m3u8", &[160, 640][..]),
        ("camera2.m3u8", &[3_000, 9_000]),
        ("dash-duration-template-only.mpd", &[600, 2_500, 5_500]),
        ("dash-plain.mpd", &[600, 2_500, 5_500]),
        ("dash-plain6.mpd", &[600, 2_500, 5_500]),
        ("dash-prefixed.mpd", &[1_000, 4_000]),
        ("dash-thumbnails.mpd", &[600, 2_500, 5_500]),
        ("hls-audio-only-codecs.m3u8", &[800, 2_400]),
        ("hls-audio-only-no-codecs.m3u8", &[800, 2_400]),
        ("hls-empty-attribute.m3u8", &[800, 2_400, 6_000]),
        ("hls-float-bandwidth.m3u8", &[801, 2_400, 6_000]),
        ("hls-plain.m3u8", &[800, 2_400, 6_000]),
        ("hls-quoted-resolution.m3u8", &[800, 2_400, 6_000]),
        ("hls-rich.m3u8", &[800, 6_000]),
        ("hls-space-after-comma.m3u8", &[800, 2_400, 6_000]),
    ] {
        // Nothing is asked of it, so nothing is changed.
        let served = get(public, &format!("/{file}")).await;
        assert_eq!(served.body, std::fs::read(cases.join(file)).unwrap(), "{file}");
        let (name, _) = file.rsplit_once('.').unwrap();
        let found = ladders(&server).await.into_iter().find(|(known, _)| known == name).map(|(_, rungs)| rungs);
        assert_eq!(found.as_deref(), Some(expected), "{file}");
    }
    for file in [
        "cmcd-double-encoded",
        "cmcd-header-lines-twice",
        "cmcd-two-arguments",
        "target-raw-quotes",
        "decide-x-original-url",
    ] {
        let request = std::fs::read_to_string(cases.join(format!("{file}.http"))).unwrap();
        let answer =
            ask_raw(public, &format!("{}\r\n\r\n", request.trim_end().replace('\r', "").replace('\n', "\r\n"))).await;
        let expected = if file.starts_with("decide") { "HTTP/1.1 204" } else { "HTTP/1.1 404" };
        assert!(answer.starts_with(expected), "{file}: {answer}");
    }
    for (name, buffer_ms) in
        [("double", 20_000.0), ("two", 9_000.0), ("duphdr", 9_000.0), ("p1", 9_000.0), ("d2", 1_500.0)]
    {
        assert_eq!(session(&server, name).await["buffer_length_ms"].as_f64(), Some(buffer_ms), "{name}");
    }
    // An honest player on a fast link is offered the top of 24 rungs, and both families keep a variant below a cap.
    let fast = "bl=14000,br=8000,d=4000,mtp=90000,ot=v,sf=h,sid=\"fast\"";
    get(public, &with_cmcd("/hls-24-variants.m3u8", "ot=m,sf=h,sid=\"fast\"")).await;
    let top = eventually(40, async || {
        get(public, &with_cmcd("/any.ts", fast)).await.suggested_kbps().filter(|&kbps| kbps >= 8_770)
    });
    top.await;
    cap_everyone(&server, 500).await;
    let cut = get(public, "/hls-hevc-and-avc.m3u8").await;
    for (uri, stays) in [("hevc360", true), ("avc360", true), ("hevc1080", false), ("avc1080", false)] {
        assert_eq!(cut.text().contains(uri), stays, "{uri}");
    }
    let pictures = get(public, "/hls-audio-only-no-codecs.m3u8").await;
    assert!(pictures.text().contains("360.m3u8") && !pictures.text().contains("720.m3u8"), "{}", pictures.text());
    server.stop().await;
}
