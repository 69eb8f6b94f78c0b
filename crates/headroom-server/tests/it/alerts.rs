//! Alerts reach those who should hear of them, and nobody else.

use crate::support::{directory, eventually, get, metric, order, skipped, start};
use headroom_server::{Server, alerts::Webhook};
use http::StatusCode;
use serde_json::{Value, json};
use std::{path::Path, process::Command};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};

/// Fires at the first round: time between rounds is never a tenth of what it should be.
const RULE: &str = "[[rule]]
name = \"always\"
signal = \"lag_ratio\"
above = 0.1
clear = 0.05
for_s = 0
hold_s = 0
predict_s = 0
min_sessions = 0
severity = \"page\"
summary = \"a test\"
";

async fn alarmed(directory: &Path, change: impl FnOnce(&mut headroom_server::alerts::Settings)) -> Server {
    let rules = directory.join("rules.toml");
    std::fs::write(&rules, RULE).unwrap();
    start(|config| {
        config.alerts.rules = rules;
        config.alerts.dead_letters = directory.join("dead-letters");
        change(&mut config.alerts);
    })
    .await
}

/// Answers one request after the other with these statuses, and hands the requests out.
async fn receiver(statuses: &'static [&'static str]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, requests) = mpsc::unbounded_channel();
    let location = url.replace("/hook", "/elsewhere");
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4_096];
            while !text.contains("\"version\":1") {
                let length = stream.read(&mut bytes).await.unwrap();
                text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
                if length == 0 {
                    break;
                }
            }
            let answer =
                format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            sender.send(text).unwrap();
        }
    });
    (url, requests)
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again() {
    let directory = directory("webhook");
    let (url, mut requests) = receiver(&["500 no", "204 yes"]).await;
    let secret = directory.join("secret");
    std::fs::write(&secret, "a secret").unwrap();
    let server = alarmed(&directory, |alerts| {
        alerts.webhooks = vec![Webhook { url, secret_file: secret }];
        alerts.allow_private = true;
    })
    .await;
    let (first, second) = (requests.recv().await.unwrap(), requests.recv().await.unwrap());
    assert!(first.starts_with("POST /hook HTTP/1.1"), "{first}");
    let signature = first.lines().find_map(|line| line.strip_prefix("x-headroom-signature: sha256="));
    assert_eq!(signature.map(str::len), Some(64), "{first}");
    let body = |text: &str| text.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&first), body(&second), "the same again");
    let message: Value = serde_json::from_str(&body(&first)).unwrap();
    assert_eq!((&message["group"], &message["alerts"][0]["stage"]), (&json!("always"), &json!("breached")));
    eventually(10, async || (metric(&server, "headroom_notifications_sent_total").await >= 1.0).then_some(())).await;

    let control = server.control_address();
    let listed = get(control, "/v1/alerts").await.json();
    assert_eq!((&listed["items"][0]["rule"], &listed["items"][0]["silenced"]), (&json!("always"), &json!(false)));
    let track = &listed["items"][0]["track"];
    assert!(!track["values"].as_array().unwrap().is_empty() && track["step_s"] == 5.0, "{track}");
    let silence = order(control, "PUT", "/v1/silences", json!({ "rule": "always", "for_s": 60 })).await;
    assert_eq!(silence.status, StatusCode::OK);
    assert_eq!(get(control, "/v1/alerts").await.json()["items"][0]["silenced"], true);
    assert_eq!(get(control, "/v1/silences").await.json()["total"], 1);
    let ended = order(control, "PUT", "/v1/silences", json!({ "rule": "always", "for_s": 0 })).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(get(control, "/v1/silences").await.json()["total"], 0);
    let long = order(control, "PUT", "/v1/silences", json!({ "for_s": 1e9 as u64 })).await;
    assert_eq!(long.code(), "out_of_range");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// Neither the configuration nor a receiver that redirects leads to an address inside.
#[tokio::test]
async fn a_webhook_is_no_way_inside() {
    let directory = directory("inside");
    let (redirecting, mut requests) = receiver(&["302 over there", "204 yes"]).await;
    let server = alarmed(&directory, |alerts| {
        alerts.webhooks = vec![Webhook { url: redirecting, ..Webhook::default() }];
        alerts.allow_private = true;
    })
    .await;
    requests.recv().await.unwrap();
    eventually(10, async || (metric(&server, "headroom_notifications_failed_total").await >= 1.0).then_some(())).await;
    assert!(requests.try_recv().is_err(), "a redirect was followed");
    server.stop().await;

    let (url, mut requests) = receiver(&["204 yes"]).await;
    let by_name = url.replace("127.0.0.1", "localhost");
    let server = alarmed(&directory, |alerts| {
        alerts.webhooks = [url, by_name, "http://169.254.169.254/latest/meta-data".into()]
            .map(|url| Webhook { url, ..Webhook::default() })
            .into();
    })
    .await;
    eventually(20, async || (metric(&server, "headroom_notifications_failed_total").await >= 3.0).then_some(())).await;
    assert!(requests.try_recv().is_err());
    let letters = std::fs::read_to_string(directory.join("dead-letters")).unwrap();
    assert_eq!(letters.lines().filter(|line| line.contains("address is private")).count(), 3, "{letters}");
    assert!(!letters.contains("meta-data"), "paths may hold secrets: {letters}");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

/// A real Alertmanager takes what we send.
#[tokio::test]
async fn alertmanager_takes_our_alerts() {
    let Some(program) = ["prometheus-alertmanager", "alertmanager"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").output().is_ok())
    else {
        skipped("no Alertmanager (Debian package prometheus-alertmanager; run make setup)");
        return;
    };
    let directory = directory("alertmanager");
    let config = directory.join("alertmanager.yml");
    std::fs::write(&config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n").unwrap();
    // The port was free a moment ago; Alertmanager cannot be asked for any free one.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut alertmanager = tokio::process::Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", directory.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .kill_on_drop(true)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let address = ([127, 0, 0, 1], port).into();
    eventually(30, async || tokio::net::TcpStream::connect(address).await.ok()).await;
    let server = alarmed(&directory, |alerts| alerts.alertmanagers = vec![format!("http://127.0.0.1:{port}/")]).await;
    let alert = eventually(40, async || {
        let alerts = get(address, "/api/v2/alerts").await.json();
        alerts.as_array()?.first().cloned()
    })
    .await;
    assert_eq!(alert["labels"], json!({ "alertname": "headroom_always", "severity": "page", "scope": "fleet" }));
    assert_eq!((&alert["annotations"]["stage"], &alert["status"]["state"]), (&json!("breached"), &json!("active")));
    server.stop().await;
    alertmanager.kill().await.unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}
