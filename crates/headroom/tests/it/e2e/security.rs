//! The binary as it is run: what its log holds, what it bears, how its unit confines it.

use crate::stack::{Headroom, Tool, artifacts, get, have, repository, request, wait_until};
use headroom_server::token::{Claims, Keys};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    fs,
    io::Write,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Secrets, tokens, addresses of viewers, their names and their words: none of it is ever logged, at any level.
#[test]
fn the_log_holds_no_secret_and_nobody_s_address_or_words() {
    const KEY: &str = "k1 5ec7e75ec7e75ec7e75ec7e75ec7e7aa";
    const ADMIN: &str = "adm1n-t0ken-adm1n-t0ken";
    const CHAT: &str = "ch4t-t0ken-ch4t-t0ken";
    let directory = artifacts("log-secrets");
    fs::write(directory.join("keys"), KEY).expect("the directory is writable");
    fs::write(directory.join("tokens"), format!("ann admin {ADMIN}\n")).expect("the directory is writable");
    fs::write(directory.join("secret"), "w3bhook-s3cret").expect("the directory is writable");
    let path = |name: &str| directory.join(name).display().to_string();
    let configuration: toml::Table = format!(
        "[tokens]\nkeys_file = {:?}\n[control]\ntokens_file = {:?}\n[chat]\ntoken = {CHAT:?}\n[history]\ndirectory = {:?}\n\
         [alerts]\nwebhooks = [{{ url = \"http://127.0.0.1:9/p4th-s3cret\", secret_file = {:?} }}]\n",
        path("keys"),
        path("tokens"),
        path("data"),
        path("secret"),
    )
    .parse()
    .expect("it is TOML");
    let mut headroom = Headroom::start_with(&configuration, &directory, &[("RUST_LOG", "trace")]);
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let keys: Keys = KEY.parse().expect("it is a key");
    let token = |session: &str, expires_s| {
        let claims = Claims { session: session.into(), stream: String::new(), expires_s, publisher: false };
        keys.mint(&claims).unwrap()
    };
    let (good, expired, foreign) = (token("ann", now_s + 600), token("ann", now_s - 1), token("eve", now_s + 600));
    let forged = format!("{}AA", &good[..good.len() - 2]);
    for token in [&good, &expired, &foreign, &forged] {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("X-Forwarded-For", "203.0.113.77")];
        let record = b"sid=\"ann\",bl=4000,mtp=9000";
        for (method, target, body) in [
            ("POST", "/v1/cmcd", &record[..]),
            ("POST", &format!("/v1/cmcd?headroom_token={token}"), record),
            ("GET", "/v1/decisions/ann", b""),
            ("GET", &format!("/decide?CMCD=sid%3D%22ann%22&headroom_token={token}"), b""),
        ] {
            let answer = request(headroom.public(), method, target, &headers, body).expect("it answers");
            assert!(answer.status < 500, "{target}: {}", answer.status);
        }
    }
    let message = br#"{"stream":"s","author":"Wilhelmina Viewer","text":"my postcode is XY12 3ZZ and it lags"}"#;
    let bearer = format!("Bearer {CHAT}");
    let headers =
        [("Authorization", bearer.as_str()), ("X-Forwarded-For", "203.0.113.77"), ("Content-Type", "application/json")];
    let answer = request(headroom.public(), "POST", "/v1/feedback", &headers, message).expect("it answers");
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    for sent in [ADMIN, "adm1n-t0ken-wr0ng"] {
        let bearer = format!("Bearer {sent}");
        request(headroom.control(), "GET", "/v1/sessions", &[("Authorization", &bearer)], b"").expect("it answers");
    }
    headroom.process().signal(rustix::process::Signal::TERM);
    let log = directory.join("headroom.log");
    wait_until("it stops", Duration::from_secs(30), || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("stopping"))
    });
    let text = fs::read_to_string(&log).expect("there is a log");
    assert!(text.contains("TRACE") && text.contains("listening"), "the log holds everything: {text:.200}");
    let code = |token: &str| token.rsplit('.').next().expect("a token has parts").to_owned();
    let secrets = [
        "5ec7e75ec7e7",
        ADMIN,
        CHAT,
        "w3bhook-s3cret",
        "p4th-s3cret",
        "adm1n-t0ken-wr0ng",
        &code(&good),
        &code(&expired),
        &code(&foreign),
        &code(&forged),
        "203.0.113.77",
        "Wilhelmina",
        "XY12 3ZZ",
    ];
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
}

/// Names from outside stand quoted in one line of the log: they cannot end it, begin another or speak to a terminal.
#[test]
fn names_cannot_write_lines_of_the_log() {
    let directory = artifacts("log-injection");
    fs::write(
        directory.join("master.m3u8"),
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\nlow.m3u8\n",
    )
    .expect("the directory is writable");
    let origin = format!("dir:{}", directory.display());
    let edge = toml::Table::from_iter([("origin".to_owned(), origin.into())]);
    let configuration = toml::Table::from_iter([("edge".to_owned(), edge.into())]);
    let headroom = Headroom::start_with(&configuration, &directory, &[("RUST_LOG", "info")]);
    let name = "x\n2026-01-01T00:00:00Z  INFO forged: all is well\u{1b}[2J\r\u{7}";
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let record = encode(&format!("cid=\"{name}\",sid=\"{name}\",sf=h,bl=4000"));
    for target in
        [format!("/master.m3u8?CMCD={record}"), format!("/decide?CMCD={record}"), format!("/{}.m3u8", encode(name))]
    {
        request(headroom.public(), "GET", &target, &[], b"").expect("it answers");
    }
    let body = serde_json::json!({ "stream": name, "capacity_kbps": 5_000 });
    headroom.control_request("PUT", "/v1/bottlenecks", &body);
    let body = serde_json::json!({ "scope": { "stream": name }, "max_bitrate_kbps": 5_000 });
    headroom.control_request("PUT", "/v1/overrides", &body);
    let text = fs::read_to_string(directory.join("headroom.log")).expect("there is a log");
    assert!(text.contains("forged: all is well"), "the names are logged: {text:.2000}");
    assert!(!text.lines().any(|line| line.starts_with("2026-01-01")), "a line was forged");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\r'), "a terminal was spoken to");
}

/// Ten thousand connections that never finish their request: others are answered meanwhile, and the slow are cut off.
#[test]
fn ten_thousand_slow_connections_hold_nobody_up() {
    const SLOW: usize = 10_000;
    // Each side needs a file for each connection.
    let wanted = SLOW as u64 + 500;
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        assert!(std::env::var_os("HEADROOM_STRICT").is_none(), "{limit:?} files are too few for {SLOW} connections");
        println!("skipped: {limit:?} files are too few for {SLOW} connections");
        return;
    }
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("up to the maximum is allowed");
    }
    let directory = artifacts("slow-connections");
    let configuration: toml::Table = "[public]\nheader_timeout_ms = 20000\n".parse().expect("it is TOML");
    let mut headroom = Headroom::start(&configuration, &directory);
    let connections = |headroom: &Headroom| {
        let metrics = get(headroom.control(), "/metrics").expect("it answers");
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("headroom_connections "));
        line.and_then(|value| value.parse::<usize>().ok()).expect("the metric is there")
    };
    let began = Instant::now();
    let slow: Vec<TcpStream> = (0..SLOW)
        .map(|number| {
            let mut stream = TcpStream::connect(headroom.public()).unwrap_or_else(|error| panic!("{number}: {error}"));
            stream.write_all(b"GET /decide HTTP/1.1\r\nx-slow: ").expect("a new connection takes a few bytes");
            stream
        })
        .collect();
    let opened = began.elapsed();
    let mut worst = Duration::ZERO;
    for _ in 0..100 {
        let answer = get(headroom.public(), "/decide").expect("it answers");
        assert_eq!(answer.status, 204);
        worst = worst.max(answer.took);
    }
    println!("{SLOW} opened in {opened:?}; worst of 100 answers beside them {worst:?}");
    assert!(worst < Duration::from_secs(2), "{worst:?}");
    headroom.process().assert_running();
    wait_until("the slow are cut off", Duration::from_secs(90), || connections(&headroom) < 100);
    drop(slow);
    assert_eq!(get(headroom.public(), "/healthz").expect("it answers").status, 200);
}

/// The unit leaves a process that was taken over little to do: systemd's own judgement, 0 best, 10 worst.
#[test]
fn the_unit_confines_the_service() {
    if !have(&[Tool::SystemdAnalyze]) {
        return;
    }
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(repository().join("deploy/systemd/headroom.service"))
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "above 2.0: {told}");
    assert!(told.contains("Overall exposure level"), "{told}");
}
