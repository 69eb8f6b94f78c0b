//! Two nginx with TLS and HTTP/2 under the edge, of which one is killed and the other stands still for a while.

use crate::stack::{Headroom, Nginx, Tool, artifacts, get, have, unused_port, wait_until};
use rustix::process::Signal;
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// A segment may take this much longer while one server takes over from another.
const TAKES_OVER: Duration = Duration::from_secs(1);
/// What a request may take on a busy machine when nothing is wrong.
const BUSY: Duration = Duration::from_millis(500);

#[test]
fn an_encrypted_http2_origin_fails_over_without_a_failed_segment() {
    if !have(&[Tool::Nginx]) {
        return;
    }
    let directory = artifacts("origins");
    certificate(&directory);
    let media: Vec<u8> = (0..400_000_u32).map(|at| (at * 31 % 251) as u8).collect();
    fs::create_dir_all(directory.join("media")).expect("the artefact directory is writable");
    fs::write(directory.join("media/segment.m4s"), &media).expect("the artefact directory is writable");
    let [first, second] = ["first", "second"].map(|name| Origin::start(&directory, name));
    let first_port = first.port;

    let mut edge = toml::Table::new();
    let origins = format!("https://localhost:{}, https://localhost:{}", first.port, second.port);
    edge.insert("origin".into(), origins.into());
    edge.insert("origin_ca_file".into(), directory.join("ca.pem").display().to_string().into());
    let configuration = toml::Table::from_iter([("edge".to_owned(), edge.into())]);
    let headroom = Headroom::start(&configuration, &directory);
    let fetch = |when: &str| {
        let began = Instant::now();
        let answer = get(headroom.public(), "/segment.m4s").unwrap_or_else(|error| panic!("{when}: {error}"));
        assert_eq!(answer.status, 200, "{when}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.body == media, "{when}: {} bytes", answer.body.len());
        began.elapsed()
    };
    let mut slowest = Duration::ZERO;
    for round in 0..30 {
        if round == 10 {
            first.nginx.process().halt(Signal::KILL);
        }
        slowest = slowest.max(fetch(&format!("round {round}, the first killed at 10")));
    }
    println!("killed: slowest segment {slowest:.0?}");
    assert!(slowest < TAKES_OVER + BUSY, "{slowest:?}");
    assert!(["first", "second"].iter().all(|name| served(&directory, name)), "both were asked in HTTP/2");

    // The other way: the first is back, serves again, and stands still with connections open.
    drop(first);
    let first = Origin::start_on(&directory, "first", first_port);
    wait_until("the first serves again", Duration::from_secs(20), || {
        fetch("the first is back");
        served(&directory, "first")
    });
    first.nginx.process().halt(Signal::STOP);
    let slowest = (0..10).map(|round| fetch(&format!("round {round}, the first stopped"))).max().unwrap_or_default();
    println!("stopped: slowest segment {slowest:.0?}");
    assert!(slowest < TAKES_OVER + BUSY, "{slowest:?}");
}

/// Whether a server has sent a segment, in HTTP/2.
fn served(directory: &Path, name: &str) -> bool {
    let log = fs::read_to_string(directory.join(name).join("access.log")).unwrap_or_default();
    log.contains("HTTP/2.0 GET /segment.m4s")
}

/// One server of the origin.
struct Origin {
    nginx: Nginx,
    port: u16,
}

impl Origin {
    fn start(directory: &Path, name: &str) -> Self {
        Self::start_on(directory, name, unused_port())
    }

    fn start_on(directory: &Path, name: &str, port: u16) -> Self {
        let (own, plain) = (directory.join(name), unused_port());
        // A log of before says nothing of this one.
        let _ = fs::remove_dir_all(&own);
        fs::create_dir_all(&own).expect("the artefact directory is writable");
        let (own_name, parent) = (own.display(), directory.display());
        let configuration = format!(
            "pid {own_name}/nginx.pid; events {{}} http {{
                log_format short '$server_protocol $request_method $uri';
                access_log {own_name}/access.log short;
                client_body_temp_path {own_name}; proxy_temp_path {own_name}; fastcgi_temp_path {own_name};
                uwsgi_temp_path {own_name}; scgi_temp_path {own_name};
                root {parent}/media;
                server {{
                    listen 127.0.0.1:{port} ssl http2;
                    ssl_certificate {parent}/server.pem; ssl_certificate_key {parent}/server.key;
                }}
                server {{ listen 127.0.0.1:{plain}; }}
            }}"
        );
        Self { nginx: Nginx::start(&configuration, plain, &own), port }
    }
}

/// An authority, and a certificate of it for `localhost`.
fn certificate(directory: &Path) {
    fs::write(directory.join("server.ext"), "subjectAltName=DNS:localhost").expect("the directory is writable");
    for command in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=server",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile server.ext",
    ] {
        let made = Command::new("openssl").args(command.split(' ')).current_dir(directory).output();
        let made = made.expect("openssl is there: `make setup` installs it");
        assert!(made.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&made.stderr));
    }
}
