//! Players that report nothing: seen by what they fetch and how fast they take it.

use crate::support::{directory, eventually, get, metric, order, send, start};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const MASTER: &str = "#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=426x240
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720
high.m3u8
";

/// 750 kB: one 2 s segment at 3 Mbit/s.
const SEGMENT: usize = 750_000;

/// What a silent player fetches tells its throughput and its rung.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throughput_is_measured_where_the_network_is_the_brake() {
    let directory = directory("silent");
    std::fs::write(directory.join("live.m3u8"), MASTER).unwrap();
    std::fs::write(directory.join("seg.ts"), vec![7; SEGMENT]).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let (public, control) = (server.public_address(), server.control_address());
    // Beside other tests the player may be what is slow, and such transfers say nothing: it goes on until one does.
    let watched = Arc::new(AtomicBool::new(true));
    let watching = Arc::clone(&watched);
    let player = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(public).unwrap();
        fetch(&mut connection, "/live.m3u8", None);
        for _ in 0..1_000 {
            if !watching.load(Ordering::Relaxed) {
                break;
            }
            fetch(&mut connection, "/seg.ts", None);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    // Loopback is faster than any link, so what is measured is the lower bound for so short a transfer. The transport speaks
    // before the transfer is over, and only the transfer tells the rung.
    let session = eventually(20, async || {
        let page = get(control, "/v1/sessions").await.json();
        let known = |item: &&serde_json::Value| item["forecast_kbps"].is_array() && item["playing_kbps"].is_number();
        page["items"].as_array()?.iter().find(known).cloned()
    })
    .await;
    assert_eq!(session["playing_kbps"], 3_000, "{session}");
    assert!(session["rtt_ms"].is_number(), "{session}");
    assert!(session["forecast_kbps"][1].as_f64().is_some_and(|rate| rate > 20_000.0), "{session}");
    let measured = "headroom_reports_total{source=\"transfer\"}";
    assert!(metric(&server, measured).await >= 1.0);
    watched.store(false, Ordering::Relaxed);
    player.await.unwrap();
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// A client that reads at its own pace says nothing about the network: its transfers are dropped and counted.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_not_taken_for_a_slow_network() {
    let directory = directory("slow-reader");
    std::fs::write(directory.join("seg.ts"), vec![7; 8 * SEGMENT]).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let public = server.public_address();
    let player = tokio::task::spawn_blocking(move || {
        let mut connection = connect_with_small_window(public);
        fetch(&mut connection, "/seg.ts", Some(Duration::from_millis(3)));
        connection
    });
    let _open = player.await.unwrap();
    eventually(20, async || {
        let dropped = metric(&server, "headroom_reports_dropped_total{reason=\"receiver_limited\"}").await;
        (dropped == 1.0).then_some(())
    })
    .await;
    assert_eq!(metric(&server, "headroom_reports_total{source=\"transfer\"}").await, 0.0);
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// What a proxy's connection does says nothing of the way to its client.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connection_of_a_proxy_is_not_its_client_s() {
    let directory = directory("proxied");
    std::fs::write(directory.join("seg.ts"), vec![7; SEGMENT]).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let ask = async |client: Option<&str>| {
        let request =
            client.into_iter().fold(Request::get("/seg.ts"), |request, client| request.header("x-real-ip", client));
        assert_eq!(send(server.public_address(), request.body(Full::default()).unwrap()).await.status, StatusCode::OK);
    };
    let transport = async || metric(&server, "headroom_reports_total{source=\"transport\"}").await;
    for client in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        ask(Some(client)).await;
    }
    ask(None).await;
    eventually(20, async || (transport().await > 0.0).then_some(())).await;
    assert_eq!(transport().await, 1.0, "the one that came by itself");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// The only word a silent player obeys: a playlist without the variants above its cap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playlists_of_silent_players_are_cut_to_the_cap() {
    let directory = directory("cut");
    std::fs::write(directory.join("live.m3u8"), MASTER).unwrap();
    let server = start(|config| config.edge.origin = format!("dir:{}", directory.display())).await;
    let (public, control) = (server.public_address(), server.control_address());
    assert_eq!(get(public, "/live.m3u8").await.text(), MASTER);
    let cap = json!({ "scope": "all", "max_bitrate_kbps": 900 });
    assert_eq!(order(control, "PUT", "/v1/overrides", cap).await.status, StatusCode::OK);
    let cut = get(public, "/live.m3u8").await;
    assert!(cut.text().contains("low.m3u8") && !cut.text().contains("high.m3u8"), "{}", cut.text());
    assert_eq!(cut.header("cache-control"), "private, no-store");
    assert_eq!((cut.header("etag"), cut.header("last-modified")), ("", ""));
    assert_eq!(cut.header("content-length").parse(), Ok(cut.body.len()));
    // Players that report hear the cap otherwise and keep their choice.
    let reported = get(public, &crate::support::with_cmcd("/live.m3u8", "sid=\"a\",ot=m,sf=h")).await;
    assert_eq!(reported.text(), MASTER);
    order(control, "DELETE", "/v1/overrides", json!({ "scope": "all" })).await;
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// Fetches over a kept connection, pausing after every 16 kB where asked.
fn fetch(connection: &mut TcpStream, target: &str, pause: Option<Duration>) {
    let began = Instant::now();
    write!(connection, "GET {target} HTTP/1.1\r\nHost: test\r\nUser-Agent: silent/1.0\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut left: usize = length.unwrap().parse().unwrap();
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let chunk = left.min(buffer.len());
        connection.read_exact(&mut buffer[..chunk]).unwrap();
        left -= chunk;
        pause.inspect(|&pause| std::thread::sleep(pause));
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

/// A receive buffer so small that the window, not the network, sets the pace.
#[cfg(target_os = "linux")]
fn connect_with_small_window(address: SocketAddr) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt::set_socket_recv_buffer_size};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    set_socket_recv_buffer_size(&socket, 16 * 1024).unwrap();
    connect(&socket, &address).unwrap();
    TcpStream::from(socket)
}
