//! Origins as the world has them: redirects, cookies, licences, compression, caches, several servers, HTTP/2.

use crate::support::{Answer, directory, eventually, get, metric, send, start, with_cmcd};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http2,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{convert::Infallible, io::Write, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

const MASTER: &str = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=180000,CODECS=\"avc1.42c00b\"\nlow.m3u8\n\
                      #EXT-X-STREAM-INF:BANDWIDTH=1200000,CODECS=\"avc1.42c01e\"\nhigh.m3u8\n";
const MPD: &str = "<MPD><Period><AdaptationSet contentType=\"video\"><Representation id=\"0\" mimeType=\"video/mp4\" \
                   codecs=\"avc1.42c00b\" bandwidth=\"180000\"/></AdaptationSet></Period></MPD>";

/// An origin that answers as `answer` says, until its task is aborted; then its connections are gone as well.
async fn origin(
    answer: impl Fn(&Request<Incoming>) -> Response + Send + Sync + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            connections.spawn(async move {
                let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request))));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, task)
}

fn answer(headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

async fn ask(server: SocketAddr, request: http::request::Builder) -> Answer {
    send(server, request.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn players_stay_on_the_edge() {
    let (origin, _task) = origin(|request| {
        let host = request.headers()[header::HOST].to_str().unwrap();
        let location = format!("http://{host}/target/index.m3u8?a=1");
        let mut response = answer(&[("location", location.as_str())], "");
        *response.status_mut() = StatusCode::FOUND;
        response
    })
    .await;
    let server = start(|config| config.edge.origin = format!("http://{origin}")).await;
    for path in ["/old.m3u8", "/old.m4s"] {
        let redirect = get(server.public_address(), path).await;
        assert_eq!((redirect.status, redirect.header("location")), (StatusCode::FOUND, "/target/index.m3u8?a=1"));
    }
    server.stop().await;
}

/// Cookies, licences and whatever else is between player and origin: their own business, on the same host.
#[tokio::test]
async fn what_is_not_media_passes() {
    let (origin, _task) = origin(|request| {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
        match request.method().as_str() {
            "OPTIONS" if request.uri().path() == "/silent" => answer(&[], ""),
            "OPTIONS" => answer(
                &[
                    ("access-control-allow-origin", text("origin")),
                    ("access-control-allow-credentials", "true"),
                    ("access-control-allow-headers", text("access-control-request-headers")),
                ],
                "",
            ),
            "POST" => answer(&[("x-kept", text("x-asked")), ("x-length", text("content-length"))], "licence"),
            _ => answer(&[("x-proto", text("x-forwarded-proto")), ("x-host", text("x-forwarded-host"))], "media"),
        }
    })
    .await;
    let server = start(|config| config.edge.origin = format!("http://{origin}")).await;
    let public = server.public_address();
    let preflight = |path: &str| {
        let request = Request::options(path).header("origin", "https://player.example");
        request.header("access-control-request-method", "GET").header("access-control-request-headers", "cmcd-object")
    };
    let own = ask(public, preflight("/cred/a.m4s")).await;
    assert_eq!(own.header("access-control-allow-origin"), "https://player.example");
    assert_eq!(own.header("access-control-allow-credentials"), "true");
    let silent = ask(public, preflight("/silent")).await;
    assert_eq!((silent.status, silent.header("access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"));

    let licence = Request::post("/licence").header("x-asked", "1").body(Full::new("challenge".into())).unwrap();
    let licence = send(public, licence).await;
    assert_eq!((licence.text(), licence.header("x-kept"), licence.header("x-length")), ("licence", "1", "9"));
    let media = ask(public, Request::get("/a.m4s").header("host", "edge.example")).await;
    assert_eq!((media.header("x-proto"), media.header("x-host")), ("http", "edge.example"));
    assert_eq!(ask(public, Request::builder().method("TRACE").uri("/a")).await.code(), "method_not_allowed");
    server.stop().await;
}

/// Some players write quotes into the target as they are.
#[tokio::test]
async fn raw_quotes_in_a_target_are_read() {
    let (origin, _task) = origin(|_| answer(&[], "media")).await;
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.steering.pathways = vec!["alpha".into()];
    })
    .await;
    for (target, expected) in [
        ("/seg/1.m4s?CMCD=bl=9000,ot=v,sid=\"p1\"", "media"),
        ("/v1/steering?_DASH_pathway=\"alpha\"&_DASH_throughput=5140000", "PATHWAY-PRIORITY"),
    ] {
        let mut stream = TcpStream::connect(server.public_address()).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: edge.example\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.contains(expected), "{target}: {text}");
    }
    server.stop().await;
}

#[tokio::test]
async fn websockets_pass_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = listener.local_addr().unwrap();
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.edge.health_path = String::new();
    })
    .await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        use futures_util::{SinkExt, StreamExt};
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() {
                socket.send(message).await.unwrap();
            }
        }
    });
    let address = format!("ws://{}/chat", server.public_address());
    let (mut socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
    use futures_util::{SinkExt, StreamExt};
    for word in ["one", "two"] {
        socket.send(tokio_tungstenite::tungstenite::Message::text(word)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), word);
    }
    socket.close(None).await.unwrap();
    server.stop().await;
}

/// A playlist is learnt and cut whatever it was packed in, and however it was asked for.
#[tokio::test]
async fn no_way_of_asking_evades_a_cut() {
    let (origin, _task) = origin(|request| {
        assert!(request.headers().get(header::RANGE).is_none() && request.headers().get("if-none-match").is_none());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(MASTER.as_bytes()).unwrap();
        answer(&[("content-encoding", "gzip"), ("etag", "\"1\"")], gzip.finish().unwrap())
    })
    .await;
    let directory = directory("evade");
    std::fs::write(directory.join("live.m3u8"), MASTER).unwrap();
    for origin in [format!("http://{origin}"), format!("dir:{}", directory.display())] {
        let server = start(|config| config.edge.origin.clone_from(&origin)).await;
        let public = server.public_address();
        get(public, "/live.m3u8").await;
        let order = serde_json::json!({ "scope": "all", "max_bitrate_kbps": 200 });
        crate::support::order(server.control_address(), "PUT", "/v1/overrides", order).await;
        let cut = MASTER.split_once("#EXT-X-STREAM-INF:BANDWIDTH=1200000").unwrap().0;
        for (name, value) in [("range", "bytes=0-"), ("if-none-match", "\"1\""), ("accept-encoding", "br"), ("x", "y")]
        {
            let answer = ask(public, Request::get("/live.m3u8").header(name, value)).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, cut), "{origin} {name}");
            assert_eq!((answer.header("etag"), answer.header("content-encoding")), ("", ""));
            assert_eq!(answer.header("cache-control"), "private, no-store");
        }
        server.stop().await;
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// What is one viewer's own never lies in a cache for all.
#[tokio::test]
async fn shared_caches_are_given_nothing_of_one_viewer() {
    let (origin, _task) = origin(|request| {
        let wanted = request.uri().query().unwrap_or_default().replace("%20", " ");
        answer(&[("cache-control", wanted.as_str())], "media")
    })
    .await;
    for told in [false, true] {
        let server = start(|config| {
            config.edge.origin = format!("http://{origin}");
            config.edge.cmsd_in_shared_caches = told;
        })
        .await;
        get(server.public_address(), &with_cmcd("/a.m4s", "sid=\"a\",mtp=5000,bl=3000")).await;
        for (directives, via, has_cmsd, expected) in [
            ("public,max-age=9", false, told, "public,max-age=9"),
            ("s-maxage=9", false, told, "s-maxage=9"),
            ("max-age=9", true, told, "max-age=9"),
            ("max-age=9", false, true, if told { "max-age=9" } else { "max-age=9, private" }),
            ("private", false, true, "private"),
            ("no-store", true, true, "no-store"),
        ] {
            let request = Request::get(format!("/a.m4s?{directives}")).header("cmcd-session", "sid=\"a\"");
            let request = if via { request.header("via", "1.1 cache") } else { request };
            let answer = ask(server.public_address(), request).await;
            assert_eq!(!answer.header("cmsd-dynamic").is_empty(), has_cmsd, "{directives} {via} {told}");
            assert_eq!(answer.header("cache-control"), expected);
        }
        server.stop().await;
    }
}

/// On request of the configuration manifests ask for CMCD and name the steering server, on every refresh.
#[tokio::test]
async fn manifests_tell_stock_players_to_take_part() {
    let (origin, _task) = origin(|request| {
        let text = if request.uri().path().ends_with("mpd") { MPD } else { MASTER };
        answer(&[("etag", "\"1\"")], text)
    })
    .await;
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.edge.manifests.cmcd_version = 2;
        config.edge.manifests.steering_uri = "/v1/steering".into();
        config.steering.pathways = vec!["alpha".into()];
    })
    .await;
    let public = server.public_address();
    let named = |text: &str| text.split_once("sessionID=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let first = get(public, "/show/live.mpd").await;
    let drawn = named(first.text());
    assert!(first.text().contains("version=\"2\"") && first.text().contains("contentID=\"show"), "{}", first.text());
    assert_eq!((first.header("cache-control"), first.header("etag")), ("private, no-store", ""));
    assert_ne!(named(get(public, "/show/live.mpd").await.text()), drawn, "another player, another session");
    for _ in 0..2 {
        let again = get(public, &with_cmcd("/show/live.mpd", &format!("sid=\"{drawn}\",ot=m,v=2"))).await;
        assert_eq!(named(again.text()), drawn, "a session keeps its name");
        assert!(again.text().contains(&format!(">/v1/steering?session={drawn}</ContentSteering>")), "{}", again.text());
    }
    let playlist = get(public, &with_cmcd("/show/live.m3u8", "sid=\"s\",ot=m")).await;
    let tag = "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/v1/steering?session=s\"\n";
    assert_eq!(playlist.text().replacen(tag, "", 1), MASTER, "every other byte stays");
    assert_eq!(get(public, "/v1/steering?session=s").await.status, StatusCode::OK);
    server.stop().await;
}

/// A collector that wants no more says so, and a sample is the same sessions each time.
#[tokio::test]
async fn sessions_outside_the_sample_are_told_to_stop() {
    let server = start(|config| config.public.cmcd_share = 0.5).await;
    let mut taken = 0;
    for session in 0..64 {
        let record = format!("sid=\"{session}\",e=ps,sta=p,ts=1,v=2\n");
        let mut statuses = Vec::new();
        for _ in 0..2 {
            let answer =
                crate::support::post(server.public_address(), "/v1/cmcd", "application/cmcd", record.clone()).await;
            if answer.status != StatusCode::NO_CONTENT {
                assert_eq!((answer.status, answer.code().as_str()), (StatusCode::GONE, "gone"));
            }
            statuses.push(answer.status);
        }
        assert_eq!(statuses[0], statuses[1]);
        taken += i32::from(statuses[0] == StatusCode::NO_CONTENT);
    }
    assert!((12..=52).contains(&taken), "{taken} of 64");
    server.stop().await;
}

/// One server of two is gone or stands still, also in the middle of a segment: no request fails.
#[tokio::test]
async fn another_server_takes_over() {
    let media: Bytes = (0..300_000_u32).map(|at| (at * 31 % 251) as u8).collect::<Vec<_>>().into();
    let whole = media.clone();
    let (second, _task) = origin(move |request| {
        let range = request.headers().get(header::RANGE).map(|range| range.to_str().unwrap());
        let at = range.map(|range| range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap());
        let mut response = answer(&[("etag", "\"1\"")], whole.slice(at.unwrap_or(0)..));
        if let Some(at) = at {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {at}-{}/{}", whole.len() - 1, whole.len());
            response.headers_mut().insert(header::CONTENT_RANGE, range.parse().unwrap());
        }
        response
    })
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (busy, _busy) = origin(|_| {
        let mut response = answer(&[], "later");
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    })
    .await;
    let [breaking, stalling] = [cut_off(&media, true).await, cut_off(&media, false).await];
    for first in [closed, hanging.local_addr().unwrap(), busy, breaking, stalling] {
        let server = start(|config| config.edge.origin = format!("http://{first}, http://{second}")).await;
        for _ in 0..3 {
            let began = std::time::Instant::now();
            let answer = get(server.public_address(), "/seg.m4s").await;
            assert_eq!(answer.status, StatusCode::OK, "{first}");
            assert!(answer.body == media, "{first}: {} bytes", answer.body.len());
            assert!(began.elapsed() < Duration::from_secs(5), "{first}: {:?}", began.elapsed());
        }
        assert!(metric(&server, "headroom_origin_failovers_total").await >= 1.0);
        server.stop().await;
    }
}

/// An origin that announces `media`, sends half of it, and breaks off or stands still.
async fn cut_off(media: &Bytes, breaks: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n\r\n", media.len());
    let half = media.slice(..media.len() / 2);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (head, half) = (head.clone(), half.clone());
            tokio::spawn(async move {
                let mut asked = [0; 4_096];
                if stream.read(&mut asked).await.unwrap_or(0) == 0 || asked.starts_with(b"HEAD") {
                    return;
                }
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(&half).await.unwrap();
                if !breaks {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_server_without_its_origin_is_not_ready() {
    let (origin, task) = origin(|_| answer(&[], "media")).await;
    let server = start(|config| config.edge.origin = format!("http://{origin}")).await;
    let ready = async |wanted: StatusCode| {
        eventually(10, async || {
            let answers =
                [get(server.public_address(), "/readyz").await, get(server.control_address(), "/readyz").await];
            answers.iter().all(|answer| answer.status == wanted).then_some(())
        })
        .await;
    };
    ready(StatusCode::OK).await;
    task.abort();
    ready(StatusCode::SERVICE_UNAVAILABLE).await;
    let answer = get(server.control_address(), "/readyz").await;
    assert_eq!(answer.code(), "not_ready");
    assert!(answer.text().contains(&origin.to_string()), "{}", answer.text());
    server.stop().await;

    let server = start(|config| config.edge.origin = "dir:/nonexistent".into()).await;
    assert_eq!(get(server.control_address(), "/readyz").await.code(), "not_ready");
    server.stop().await;
}

/// Web servers that speak HTTP/2 without encryption to what is behind them, many requests on one connection.
#[tokio::test]
async fn proxies_may_speak_http2() {
    let (origin, _task) = origin(|request| {
        let host = request.headers().get("x-forwarded-host").map_or("", |host| host.to_str().unwrap());
        answer(&[("x-host", host)], request.uri().path().to_owned())
    })
    .await;
    let server = start(|config| {
        config.edge.origin = format!("http://{origin}");
        config.public.header_timeout_ms = 1_000;
    })
    .await;
    let stream = TcpStream::connect(server.public_address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut connection = tokio::spawn(connection);
    let requests = (0..20).map(|index| {
        let mut sender = sender.clone();
        async move {
            let target = format!("http://edge.example/{index}.m4s");
            let request = Request::get(&target).body(Full::<Bytes>::default()).unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.headers()["x-host"], "edge.example");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, format!("/{index}.m4s"));
        }
    });
    futures_util::future::join_all(requests).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), &mut connection).await;
    assert!(ended.is_ok(), "a connection that nothing happens on is closed");
    drop(sender);

    // Half of the beginning, and then nothing: no connection is held for it.
    let mut stream = TcpStream::connect(server.public_address()).await.unwrap();
    stream.write_all(b"PRI * HTT").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 9])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    server.stop().await;
}
