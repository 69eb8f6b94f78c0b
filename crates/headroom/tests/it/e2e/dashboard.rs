//! The dashboard in a real browser, on a live server with virtual players.

use crate::stack::{
    Headroom, Process, Tool, artifacts, browser_directory, have, program, repository, request, wait_until,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// The most that script, style and page may weigh, compressed. Six views had 60 000; the mode switch, the audit page and the comparison
/// of arms take the rest.
const MAX_GZIP_BYTES: u64 = 70_000;
/// Longest time a scenario takes on a busy machine.
const SCENARIO: Duration = Duration::from_secs(240);

/// One finding of the driver.
#[derive(Debug, Deserialize)]
struct Finding {
    check: String,
    ok: bool,
    detail: Value,
}

/// Runs a scenario; every one of its checks must hold, and at least `least` of them must have been made.
#[track_caller]
fn look(scenario: &str, url: &str, directory: &Path, more: Value, least: usize) {
    let mut options = json!({ "scenario": scenario, "url": url, "directory": directory });
    for (key, value) in more.as_object().into_iter().flatten() {
        options[key] = value.clone();
    }
    let mut command = Command::new("node");
    command.arg("dashboard.mjs").arg(options.to_string()).current_dir(browser_directory());
    if let (None, Some(chromium)) = (std::env::var_os("CHROMIUM"), program("chromium")) {
        command.env("CHROMIUM", chromium);
    }
    let (mut process, lines) = Process::spawn_with_lines(&mut command, "driver", directory);
    let deadline = Instant::now() + SCENARIO;
    let mut findings: Vec<Finding> = Vec::new();
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        findings.push(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in driver line: {line}")));
    }
    process.finish(Duration::from_secs(30));
    let mut told = String::new();
    for finding in findings.iter().filter(|finding| !finding.ok) {
        let _ = writeln!(told, "{}: {}", finding.check, finding.detail);
    }
    for finding in findings.iter().filter(|finding| finding.check.contains("smooth")) {
        println!("{}: {}", finding.check, finding.detail);
    }
    assert!(told.is_empty(), "{told}\nscreenshots in {}", directory.display());
    assert!(findings.len() >= least, "only {} checks were made: {findings:?}\n{}", findings.len(), process.tail());
    println!("{scenario}: {} checks", findings.len());
}

#[test]
fn the_demo_is_alive_in_every_view_by_mouse_and_keyboard_in_light_and_dark() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-demo");
    let mut command = Command::new(env!("CARGO_BIN_EXE_headroom"));
    command.args(["demo", "--minutes", "10", "--pairs", "8", "--seed", "7"]);
    let mut demo = Process::spawn(&mut command, "demo", &directory);
    let mut url = None;
    wait_until("the demo names its dashboard", Duration::from_secs(20), || {
        demo.assert_running();
        let log = fs::read_to_string(directory.join("demo.log")).unwrap_or_default();
        url = log
            .lines()
            .find_map(|line| line.strip_prefix("Dashboard "))
            .map(|url| url.trim_end_matches('/').to_owned());
        url.is_some()
    });
    look("demo", &url.expect("it was found"), &directory, json!({ "sessions": 16 }), 32);
    demo.assert_running();
    renew_images(&directory, &["fleet-light.png", "session-dark.png"]);
}

#[test]
fn ten_thousand_sessions_stay_smooth() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-crowd");
    let headroom = Headroom::start(&patient(), &directory);
    const SESSIONS: usize = 10_000;
    for batch in 0..SESSIONS / 1_000 {
        let mut lines = String::new();
        for number in batch * 1_000..(batch + 1) * 1_000 {
            let player = json!({
                "buffer_length_ms": 1_000 + number % 9_000, "encoded_bitrate_kbps": 400 + number % 6_000,
                "measured_throughput_kbps": 500 + number % 20_000, "live_latency_ms": 3_000 + number % 5_000,
            });
            let stream = format!("stream-{}", number % 40);
            let _ = writeln!(
                lines,
                "{}",
                json!({ "session": format!("viewer-{number}"), "stream": stream, "player": player })
            );
        }
        post(headroom.public(), "/v1/samples", "application/x-ndjson", &lines);
    }
    look("crowd", &control_url(&headroom), &directory, json!({ "sessions": SESSIONS }), 11);
}

#[test]
fn a_history_becomes_a_page_of_capacity_and_an_alert_shows_where_it_is_heading() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-capacity");
    let rules = directory.join("rules.toml");
    // True at the first round: time between rounds is never a tenth of what it should be.
    let rule = "[[rule]]\nname = \"always\"\nsignal = \"lag_ratio\"\nabove = 0.1\nclear = 0.05\nfor_s = 0\nhold_s = 0\n\
        predict_s = 300\nmin_sessions = 0\nseverity = \"page\"\nsummary = \"a test\"\n";
    fs::write(&rules, rule).expect("the directory is writable");
    let data = directory.join("data");
    let configuration = format!(
        "tick_ms = 1000\n[history]\ndirectory = {data:?}\n[alerts]\nrules = {rules:?}\n\
         [plan]\ncapacity_mbps = 3000\npathways = [{{ name = \"cdn-a\", share = 0.7, price_per_gb = 0.006 }}, {{ name = \"cdn-b\", share = 0.3, price_per_gb = 0.009 }}]\n"
    );
    let configuration: toml::Table = configuration.parse().expect("it is TOML");
    // The first start makes the tables; two weeks of minutes are put into them, in place of two weeks of waiting.
    let history = data.join("history.sqlite");
    let first = Headroom::start(&configuration, &directory);
    wait_until("the history has its tables", Duration::from_secs(20), || {
        let tables = "SELECT count(*) FROM stream";
        let database = rusqlite::Connection::open_with_flags(&history, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        database.is_ok_and(|database| database.query_row(tables, [], |_| Ok(())).is_ok())
    });
    drop(first);
    two_weeks(&history);
    let headroom = Headroom::start(&configuration, &directory);
    look("capacity", &control_url(&headroom), &directory, json!({}), 20);
    renew_images(&directory, &["capacity-light.png"]);
}

/// Three streams with the rhythm of days and weekends, a row every ten minutes.
fn two_weeks(history: &Path) {
    let mut database = rusqlite::Connection::open(history).expect("the history is there");
    let transaction = database.transaction().expect("nobody writes");
    transaction
        .execute(
            "INSERT INTO stream (id, name, format) VALUES (1, 'games', 'h'), (2, 'talk', 'h'), (3, 'events', 'd')",
            [],
        )
        .expect("the tables are there");
    const MONDAY_S: u64 = 1_788_134_400;
    for at_s in (MONDAY_S..MONDAY_S + 15 * 86_400).step_by(600) {
        let hour = (at_s % 86_400) as f64 / 3_600.0;
        let weekend = if (at_s - MONDAY_S) / 86_400 % 7 >= 5 { 1.3 } else { 1.0 };
        for (stream, rung_kbps, viewers) in [(1, 3_000, 300.0), (1, 6_000, 100.0), (2, 1_500, 200.0), (3, 6_000, 40.0)]
        {
            // Repeatable noise, so that there is something for the interval to hold.
            let noise = ((at_s / 600 * (stream as u64 + 7)).wrapping_mul(2_654_435_761) % 1_000) as f64 / 5_000.0;
            let rhythm = 0.2 + (-((hour - 20.0) / 4.0).powi(2)).exp() + 0.4 * (-((hour - 13.0) / 4.0).powi(2)).exp();
            let sessions = viewers * weekend * rhythm * (0.9 + noise);
            let (watched, played) = ((sessions * 60_000.0) as u64, sessions * 60.0 * f64::from(rung_kbps));
            let statement = "INSERT INTO minute (at_s, stream, edge, network, rung_kbps, sessions, silent, watched_ms, \
                stalled_ms, starvations, played_kbit, mos, throughput, latency, sinr_sum, sinr_count, reasons) \
                VALUES (?, ?, 'eu-1', 'other', ?, ?, 0, ?, 0, 0, ?, x'', x'', x'', 0, 0, '{}')";
            transaction
                .execute(statement, rusqlite::params![at_s, stream, rung_kbps, sessions, watched, played])
                .expect("the row fits");
        }
    }
    transaction.commit().expect("the disk takes it");
}

#[test]
fn hostile_names_stay_text() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-hostile");
    fs::write(
        directory.join("master.m3u8"),
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nhigh.m3u8\n",
    )
    .expect("the directory is writable");
    let mut configuration = patient();
    let origin = format!("dir:{}", directory.display());
    configuration.insert("edge".into(), toml::Table::from_iter([("origin".to_owned(), origin.into())]).into());
    let headroom = Headroom::start(&configuration, &directory);
    // CMCD strings hold at most 64 characters.
    let name = "<img src=x onerror=window.hacked=1>\u{202e}{{7*7}}</script>";
    let record = format!("bl=4000,br=900,cid=\"{name}\",d=2000,mtp=5000,ot=v,sf=h,sid=\"{name}\"");
    let encoded: String = record.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for path in ["/master.m3u8", "/decide"] {
        let response =
            request(headroom.public(), "GET", &format!("{path}?CMCD={encoded}"), &[], b"").expect("it answers");
        assert!((200..300).contains(&response.status), "{path}: {}", response.status);
    }
    look("hostile", &control_url(&headroom), &directory, json!({ "name": name }), 10);
}

#[test]
fn a_frozen_server_is_announced_and_found_again() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-frozen");
    let mut headroom = Headroom::start(&patient(), &directory);
    let url = control_url(&headroom);
    let pid = headroom.process().id();
    look("frozen", &url, &directory, json!({ "pid": pid }), 6);
}

#[test]
fn a_token_opens_the_dashboard() {
    if !have(&[Tool::Chromium]) {
        return;
    }
    let directory = artifacts("dashboard-locked");
    let token = directory.join("token");
    fs::write(&token, "correct-horse-battery\n").expect("the directory is writable");
    let file = toml::Table::from_iter([("token_file".to_owned(), token.display().to_string().into())]);
    let headroom = Headroom::start(&toml::Table::from_iter([("control".to_owned(), file.into())]), &directory);
    look("locked", &control_url(&headroom), &directory, json!({ "token": "correct-horse-battery" }), 6);
}

/// The bundle in the repository is what `web/` builds, byte for byte, and light enough.
#[test]
fn the_committed_bundle_is_what_its_source_builds() {
    if !have(&[Tool::Web]) {
        return;
    }
    let directory = artifacts("dashboard-bundle");
    let built = directory.join("bundle");
    let build = Command::new("node")
        .args(["node_modules/vite/bin/vite.js", "build", "--outDir"])
        .arg(&built)
        .current_dir(repository().join("web"))
        .output()
        .expect("node runs");
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let committed = repository().join("crates/headroom-server/src/dashboard/bundle");
    let mut sum = 0;
    for file in ["index.html", "assets/app.js", "assets/app.css"] {
        let (here, there) = (fs::read(committed.join(file)), fs::read(built.join(file)));
        let same = here.as_ref().ok().zip(there.as_ref().ok()).is_some_and(|(here, there)| here == there);
        assert!(same, "{file} is not what web/ builds: run `npm run build` in web/ and commit the result");
        let size = Command::new("node")
            .args(["-p", "zlib.gzipSync(fs.readFileSync(process.argv[1]), { level: 9 }).length"])
            .arg(built.join(file))
            .output()
            .expect("node runs");
        sum += String::from_utf8_lossy(&size.stdout).trim().parse::<u64>().expect("a number");
    }
    println!("dashboard: {sum} bytes compressed, at most {MAX_GZIP_BYTES}");
    assert!(sum <= MAX_GZIP_BYTES, "{sum} bytes compressed, at most {MAX_GZIP_BYTES}");
    // Its types come from the OpenAPI document: a page that reads what no answer has fails here.
    let check = Command::new("npm")
        .args(["run", "--silent", "check"])
        .current_dir(repository().join("web"))
        .output()
        .expect("npm runs");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
}

/// Copies screenshots into the documents when asked to.
fn renew_images(directory: &Path, names: &[&str]) {
    if std::env::var_os("HEADROOM_UPDATE_IMAGES").is_none() {
        return;
    }
    let images = repository().join("docs/images");
    fs::create_dir_all(&images).expect("docs is writable");
    for name in names {
        fs::copy(directory.join(name), images.join(format!("dashboard-{name}"))).expect("the screenshot was taken");
    }
}

/// Sessions that stay while a test looks at them.
fn patient() -> toml::Table {
    let engine = toml::Table::from_iter([("session_expiry_ms".to_owned(), 600_000.into())]);
    toml::Table::from_iter([("engine".to_owned(), engine.into())])
}

fn control_url(headroom: &Headroom) -> String {
    format!("http://{}", headroom.control())
}

#[track_caller]
fn post(server: SocketAddr, path: &str, media_type: &str, body: &str) {
    let response = request(server, "POST", path, &[("Content-Type", media_type)], body.as_bytes()).expect("it answers");
    assert!((200..300).contains(&response.status), "{}: {}", response.status, String::from_utf8_lossy(&response.body));
}
