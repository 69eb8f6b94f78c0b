//! The web servers of `deploy/`, as their examples stand, before a Headroom that is there, gone or wrong in every way.

use crate::stack::{
    Headroom, Nginx, Process, Tool, artifacts, get, have, program, repository, unused_port, wait_until,
};
use std::{
    ffi::OsStr,
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const SEGMENT: &str = "/segment.m4s?CMCD=bl%3D4000%2Cbr%3D1200%2Ccid%3D%22live%22%2Cd%3D2000%2Cmtp%3D8000%2Cot%3Dv%2Csf%3Dd%2C\
                       sid%3D%22open%22";

/// Longest that Headroom may hold up a request: the question's timeout and its repetitions, and a busy machine.
const LONGEST: Duration = Duration::from_secs(3);

/// What stands in Headroom's place: a name, and what it says to every request; `None` says nothing and holds the connection.
const WRONG: [(&str, Option<&str>); 8] = [
    ("redirects", Some("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")),
    ("says garbage", Some("\u{0}\u{1}garbage\r\n\r\n")),
    ("fails", Some("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno")),
    ("refuses", Some("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")),
    ("asks who it is", Some("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")),
    ("is another server", Some("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>")),
    ("hangs up", Some("")),
    ("hangs", None),
];

#[test]
fn nginx_serves_whatever_headroom_answers() {
    if have(&[Tool::Nginx]) {
        check("nginx", |place| {
            let configuration = place.configuration(
                "nginx/nginx.conf",
                &[
                    ("/run/nginx.pid", place.directory.join("nginx.pid").display().to_string()),
                    ("listen 80;", format!("listen 127.0.0.1:{};", place.front)),
                    ("/etc/nginx/conf.d", place.directory.join("none").display().to_string()),
                ],
            );
            Running::Nginx(Nginx::start(&configuration, place.front, &place.directory))
        });
    }
}

#[test]
fn haproxy_serves_whatever_headroom_answers() {
    if have(&[Tool::Haproxy]) {
        check("haproxy", |place| {
            let lua = place.directory.join("headroom.lua");
            fs::write(&lua, place.configuration("haproxy/headroom.lua", &[])).expect("it is writable");
            let configuration = place.configuration(
                "haproxy/haproxy.cfg",
                &[
                    ("/etc/haproxy/headroom.lua", lua.display().to_string()),
                    ("bind :80", format!("bind 127.0.0.1:{}", place.front)),
                    ("127.0.0.1:8081", format!("127.0.0.1:{}", origin(&place.media))),
                ],
            );
            let file = place.directory.join("haproxy.cfg");
            fs::write(&file, configuration).expect("it is writable");
            place.spawn("haproxy", &["-db".as_ref(), "-f".as_ref(), file.as_os_str()])
        });
    }
}

#[test]
fn caddy_serves_whatever_headroom_answers() {
    if have(&[Tool::Caddy]) {
        check("caddy", |place| {
            let configuration =
                place.configuration("caddy/Caddyfile", &[("http://:80 ", format!("http://:{} ", place.front))]);
            let file = place.directory.join("Caddyfile");
            fs::write(&file, configuration).expect("it is writable");
            let arguments = ["run", "--adapter", "caddyfile", "--config"].map(OsStr::new);
            place.spawn("caddy", &[&arguments[..], &[file.as_os_str()]].concat())
        });
    }
}

/// Where one web server runs in one test.
struct Place {
    directory: PathBuf,
    media: Vec<u8>,
    headroom: u16,
    front: u16,
}

enum Running {
    Nginx(Nginx),
    Other(Process),
}

impl Place {
    fn new(server: &str, round: usize) -> Self {
        let directory = artifacts(&format!("fail-open-{server}-{round}"));
        let media: Vec<u8> = (0..200_000_u32).map(|at| (at * 31 % 251) as u8).collect();
        fs::create_dir_all(directory.join("media")).expect("it is writable");
        fs::write(directory.join("media/segment.m4s"), &media).expect("it is writable");
        Self { directory, media, headroom: unused_port(), front: unused_port() }
    }

    /// The example with what it names in the places of this test.
    fn configuration(&self, example: &str, places: &[(&str, String)]) -> String {
        let mut text = fs::read_to_string(repository().join("deploy").join(example)).expect("the example is there");
        for (place, here) in places {
            assert!(text.contains(place), "{place} in {example}");
            text = text.replace(place, here);
        }
        // A socket's path may have 108 bytes, fewer than this directory's may.
        let socket = std::env::temp_dir().join(format!("headroom-absent-{}.sock", self.front));
        let media = self.directory.join("media");
        text.replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.headroom))
            .replace("/run/headroom-absent.sock", &socket.display().to_string())
            .replace("/var/www/live", &media.display().to_string())
    }

    fn spawn(&self, name: &str, arguments: &[&OsStr]) -> Running {
        let mut command = Command::new(program(name).expect("it is there"));
        // Caddy keeps what it knows in its home.
        command.args(arguments).env("HOME", &self.directory).env("XDG_DATA_HOME", &self.directory);
        let mut process = Process::spawn(&mut command, name, &self.directory);
        wait_until(&format!("{name} answers"), Duration::from_secs(20), || {
            process.assert_running();
            get(self.address(), "/").is_ok()
        });
        Running::Other(process)
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.front))
    }

    fn assert_serves(&self, how: &str, requests: usize) {
        for _ in 0..requests {
            let answer = get(self.address(), SEGMENT).unwrap_or_else(|error| panic!("{how}: {error}"));
            assert_eq!(answer.status, 200, "Headroom {how}");
            assert!(answer.body == self.media, "Headroom {how}: other bytes");
            assert_eq!(answer.header("cmsd-dynamic"), None, "Headroom {how}");
            assert!(answer.took < LONGEST, "Headroom {how}: {:?}", answer.took);
        }
    }
}

/// With Headroom its word reaches the player; without it, or with anything else in its place, the media does.
fn check(server: &str, start: impl Fn(&Place) -> Running) {
    let place = Place::new(server, 0);
    let mut running = start(&place);
    place.assert_serves("is not there", 3);
    let headroom = Headroom::start_on(place.headroom, &toml::Table::new(), &place.directory);
    wait_until(&format!("CMSD-Dynamic through {server}"), Duration::from_secs(20), || {
        get(place.address(), SEGMENT)
            .is_ok_and(|answer| answer.status == 200 && answer.header("cmsd-dynamic").is_some())
    });
    match &mut running {
        Running::Nginx(nginx) => nginx.assert_running(),
        Running::Other(process) => process.assert_running(),
    }
    drop((headroom, running));
    for (round, (how, answer)) in WRONG.into_iter().enumerate() {
        let place = Place::new(server, round + 1);
        let asked = impostor(place.headroom, answer);
        let running = start(&place);
        place.assert_serves(how, 4);
        assert!(asked.load(Ordering::Relaxed) > 0, "{server} never asked the one that {how}");
        drop(running);
        fs::remove_dir_all(&place.directory).expect("it is writable");
    }
}

/// Somebody else on Headroom's port; counts who came.
fn impostor(port: u16, answer: Option<&'static str>) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || {
                let mut head = [0; 8_192];
                let _ = stream.read(&mut head);
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes())),
                    None => thread::sleep(Duration::from_secs(30)),
                }
            });
        }
    });
    asked
}

/// The media's own server, for a proxy that has no files.
fn origin(media: &[u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let port = listener.local_addr().expect("it is bound").port();
    let media = media.to_vec();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 8_192];
            let _ = stream.read(&mut head);
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", media.len());
            let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&media));
        }
    });
    port
}
