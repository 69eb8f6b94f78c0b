//! The archive as others read it: DuckDB and ClickHouse get from the files what the API says, from a directory and from a
//! bucket.

use crate::support::{Answer, directory, eventually, get, metric, send, skipped, start, with_cmcd};
use headroom_server::{Config, Server};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Python of the test suite, when it has `module`.
fn python(environment: &str, module: &str) -> Option<PathBuf> {
    let python = repository().join(".setup").join(environment).join("bin/python");
    let outcome = Command::new(&python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    outcome.is_ok_and(|status| status.success()).then_some(python)
}

/// The rows of a shipped query.
fn query(python: &Path, engine: &str, name: &str, archive: &str) -> Vec<Value> {
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/query.py"))
        .args([engine, &repository().join(format!("deploy/sql/{engine}/{name}.sql")).display().to_string(), archive])
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn keeping(directory: &Path, change: impl FnOnce(&mut Config)) -> Server {
    let keep = |config: &mut Config| {
        config.history.directory = directory.join("data");
        config.history.archive.location = directory.join("archive").display().to_string();
        config.history.archive.session_share = 1.0;
        config.identity.key.clear();
        config.log.decisions = directory.join("decisions.jsonl");
        change(config);
    };
    start(keep).await
}

/// Lets ten viewers on links of different speed play for some ticks.
async fn play(server: &Server) {
    let public = server.public_address();
    for round in 0..6 {
        for viewer in 0..10 {
            let (throughput, buffer) = (900 + viewer * 1_300, 1_000 + (round * viewer * 700) % 7_000);
            let starved = if round == 3 && viewer < 2 { ",bs" } else { "" };
            let record = format!(
                "bl={buffer},br=3000{starved},cid=\"s\",d=2000,mtp={throughput},ot=v,sf=h,sid=\"viewer-{viewer}\""
            );
            let answer = get(public, &with_cmcd("/decide", &record)).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
        }
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
}

/// Whether two numbers are the same but for the last digits.
#[track_caller]
fn assert_close(ours: &Value, theirs: &Value, what: &str) {
    let (ours, theirs) = (ours.as_f64().unwrap_or(f64::NAN), theirs.as_f64().unwrap_or(f64::NAN));
    assert!((ours - theirs).abs() <= 1e-9 * ours.abs().max(1.0), "{what}: {ours} and {theirs}");
}

/// What both engines are asked, held against the API and the decision log.
async fn compare(python: &Path, engine: &str, directory: &Path, samples: f64) {
    let archive = directory.join("archive").display().to_string();
    let server = keeping(directory, |config| config.log.decisions = PathBuf::new()).await;
    let hours = query(python, engine, "history", &archive);
    let quantiles = query(python, engine, "quantiles", &archive);
    assert!(!hours.is_empty());
    for hour in &hours {
        let from = hour["at_s"].as_u64().unwrap();
        let asked = format!("/v1/history?from={from}&to={}&step=3600", from + 3_600);
        let answer = get(server.control_address(), &asked).await.json();
        let point = &answer["items"][0];
        for name in ["sessions", "watched_s", "stall_ratio", "stalls", "egress_kbps"] {
            assert_close(&point[name], &hour[name], name);
        }
        for row in quantiles.iter().filter(|row| row["at_s"] == hour["at_s"]) {
            let measure = row["measure"].as_str().unwrap();
            for level in ["p10", "p50", "p90"] {
                assert_close(&point[measure][level], &row[level], &format!("{level} of {measure}"));
            }
        }
        assert!(quantiles.iter().any(|row| row["measure"] == "throughput_kbps"), "{quantiles:?}");
    }
    server.stop().await;
    let mut expected = BTreeMap::<String, u64>::new();
    for line in std::fs::read_to_string(directory.join("decisions.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if let Some(reason) = line["decision"]["reason"].as_str() {
            *expected.entry(reason.to_owned()).or_default() += 1;
        }
    }
    let rows = query(python, engine, "decisions", &archive);
    let found = rows.iter().filter(|row| row["kind"] == "decision");
    let found: BTreeMap<_, _> =
        found.map(|row| (row["name"].as_str().unwrap().to_owned(), row["rows"].as_u64().unwrap())).collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    let reports: f64 = rows.iter().filter(|row| row["kind"] == "report").map(|row| row["rows"].as_f64().unwrap()).sum();
    assert_eq!(reports, samples);
}

#[tokio::test]
async fn duckdb_and_clickhouse_read_what_the_api_says() {
    let engines = [("duckdb", "venv", "duckdb"), ("clickhouse", "clickhouse-peer", "chdb")];
    let engines = engines.map(|(engine, environment, module)| (engine, python(environment, module)));
    if engines[0].1.is_none() {
        return skipped("no DuckDB (run make setup)");
    }
    if engines[1].1.is_none() {
        println!("skipped: no ClickHouse (scripts/clickhouse-peer.sh installs it; it is large)");
    }
    let directory = directory("archive");
    let server = keeping(&directory, |_| {}).await;
    play(&server).await;
    let samples = metric(&server, "headroom_engine_samples_total").await;
    server.stop().await;
    for (engine, python) in engines {
        if let Some(python) = python {
            compare(&python, engine, &directory, samples).await;
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// Fires after the first rounds: time between rounds is never a tenth of what it should be.
const RULE: &str = "[[rule]]
name = \"always\"
signal = \"lag_ratio\"
above = 0.1
clear = 0.05
for_s = 10
hold_s = 0
predict_s = 0
min_sessions = 0
severity = \"ticket\"
summary = \"a test\"
";

/// Around an alert everybody's reports are kept, also of what was before it.
#[tokio::test]
async fn an_incident_keeps_what_led_to_it() {
    let directory = directory("incident");
    let rules = directory.join("rules.toml");
    std::fs::write(&rules, RULE).unwrap();
    let server = keeping(&directory, |config| {
        config.history.archive.session_share = 0.0;
        config.alerts.rules = rules;
    })
    .await;
    play(&server).await;
    eventually(60, async || {
        let alerts = get(server.control_address(), "/v1/alerts").await.json();
        (!alerts["items"].as_array()?.is_empty()).then_some(())
    })
    .await;
    // The shards hand over with their next ticks.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let samples = metric(&server, "headroom_engine_samples_total").await;
    server.stop().await;
    let Some(python) = python("venv", "duckdb") else { return skipped("no DuckDB (run make setup)") };
    let sql = directory.join("count.sql");
    std::fs::write(
        &sql,
        "SELECT count(*) AS rows, min(share) AS share FROM read_parquet('ARCHIVE/incidents/**/*.parquet')",
    )
    .unwrap();
    let archive = directory.join("archive").display().to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/query.py");
    let output = Command::new(&python).arg(script).arg("duckdb").arg(&sql).arg(&archive).output().unwrap();
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows, json!([{ "rows": samples as u64, "share": 1.0 }]));
    std::fs::remove_dir_all(directory).unwrap();
}

/// A child process that does not outlive its test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As somebody with a key whose signature moto does not check.
async fn bucket_request(address: SocketAddr, method: &str, target: &str) -> Answer {
    let signed = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request";
    let request = Request::builder().method(method).uri(target).header("authorization", signed);
    let answer = send(address, request.body(Default::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{method} {target}");
    answer
}

/// The same files in a bucket; while it is not there, they wait and it is said.
#[tokio::test]
async fn a_bucket_is_as_good_as_a_directory() {
    let Some(python) = python("venv", "moto.server, flask, flask_cors, duckdb") else {
        return skipped("no S3 (moto and Flask; run make setup)");
    };
    // What the environment of the tests says of credentials is not theirs to find, so a child gets its own.
    const CHILD: &str = "HEADROOM_TEST_BUCKET_CHILD";
    let Ok(endpoint) = std::env::var(CHILD) else {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let status = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "archive::a_bucket_is_as_good_as_a_directory", "--nocapture"])
            .env(CHILD, format!("127.0.0.1:{port}"))
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .kill_on_drop(true)
            .status()
            .await
            .unwrap();
        assert!(status.success());
        return;
    };
    let directory = directory("bucket");
    let address: SocketAddr = endpoint.parse().unwrap();
    let bucket = |config: &mut Config| {
        config.history.archive.location = "s3://bucket/live".into();
        config.history.archive.s3_endpoint = format!("http://{endpoint}");
        config.history.archive.segment_s = 1;
    };
    let server = keeping(&directory, bucket).await;
    play(&server).await;
    // Nobody listens yet.
    let trouble = eventually(60, async || {
        let ready = get(server.control_address(), "/readyz").await;
        assert_eq!(ready.status, StatusCode::OK);
        ready.text().contains("archive: ").then(|| ready.text().to_owned())
    })
    .await;
    assert!(!trouble.contains("secret"), "{trouble}");
    let moto = Command::new(&python)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &address.port().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _moto = Child(moto.unwrap());
    eventually(60, async || tokio::net::TcpStream::connect(address).await.ok()).await;
    bucket_request(address, "PUT", "/bucket").await;
    eventually(90, async || {
        let ready = get(server.control_address(), "/readyz").await;
        (ready.text() == "ready\n").then_some(())
    })
    .await;
    let samples = metric(&server, "headroom_engine_samples_total").await;
    assert_eq!(metric(&server, "headroom_archive_lost_total").await, 0.0);
    server.stop().await;
    // Fetched file by file, so that the query reads exactly what is in the bucket.
    let listed = bucket_request(address, "GET", "/bucket?list-type=2&prefix=live/").await;
    let keys = listed.text().split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
    for (key, _) in keys {
        let file = directory.join("archive").join(key.strip_prefix("live/").unwrap());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bucket_request(address, "GET", &format!("/bucket/{key}")).await.body).unwrap();
    }
    compare(&python, "duckdb", &directory, samples).await;
    std::fs::remove_dir_all(directory).unwrap();
}
