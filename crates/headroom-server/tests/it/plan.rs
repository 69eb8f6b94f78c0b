//! Plans from a history on disk.

use crate::support::{directory, get, order, start};
use headroom_server::{Config, Server, plan::Pathway};
use http::StatusCode;
use serde_json::json;
use std::path::Path;

/// Start of the history, a midnight.
const FROM_S: u64 = 1_788_134_400;
const DAYS: u64 = 4;

async fn planning(directory: &Path) -> Server {
    start(|config: &mut Config| {
        config.history.directory = directory.to_owned();
        let pathway = |name: &str, share| Pathway { name: name.into(), share, price_per_gb: 0.01, capacity_mbps: 0.0 };
        config.plan.pathways = vec![pathway("a", 3.0), pathway("b", 1.0)];
    })
    .await
}

/// Two streams with a daily rhythm, a row every ten minutes.
fn fill(file: &Path) {
    let mut database = rusqlite::Connection::open(file).unwrap();
    let transaction = database.transaction().unwrap();
    let names = "INSERT INTO stream (id, name, format) VALUES (1, 'games', 'h'), (2, 'talk', 'h')";
    transaction.execute(names, []).unwrap();
    for at_s in (FROM_S..FROM_S + DAYS * 86_400).step_by(600) {
        let hour = (at_s / 3_600 % 24) as f64;
        for (stream, rung_kbps, viewers) in [(1, 3_000, 300.0), (1, 6_000, 100.0), (2, 3_000, 50.0)] {
            let sessions = viewers * (1.0 + 0.8 * ((hour - 14.0) / 24.0 * std::f64::consts::TAU).cos());
            let statement = "INSERT INTO minute (at_s, stream, edge, network, rung_kbps, sessions, silent, watched_ms, \
                stalled_ms, starvations, played_kbit, mos, throughput, latency, sinr_sum, sinr_count, reasons) \
                VALUES (?, ?, 'headroom', 'other', ?, ?, 0, ?, 0, 0, ?, x'', x'', x'', 0, 0, '{}')";
            let (watched, played) = (sessions * 60_000.0, sessions * 60.0 * f64::from(rung_kbps));
            transaction
                .execute(statement, rusqlite::params![at_s, stream, rung_kbps, sessions, watched as u64, played])
                .unwrap();
        }
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_history_becomes_a_plan_and_questions_are_answered() {
    let directory = directory("plan");
    let server = planning(&directory).await;
    let short = get(server.control_address(), "/v1/plan").await;
    assert!(["too_short", "not_ready"].contains(&short.code().as_str()), "{}", short.text());
    server.stop().await;
    fill(&directory.join("history.sqlite"));

    let server = planning(&directory).await;
    let control = server.control_address();
    let order_of = json!({ "capacity_kbps": 1_000_000 });
    assert_eq!(order(control, "PUT", "/v1/bottlenecks", order_of).await.status, StatusCode::OK);
    let plan = get(control, "/v1/plan?hours=24").await.json();
    let peak = &plan["total"]["peak"];
    // 1.8 times (300 × 3 + 100 × 6 + 50 × 3) Mbit/s at two in the afternoon.
    let likely = peak["p50_kbps"].as_f64().unwrap();
    assert!((likely / 2_970_000.0 - 1.0).abs() < 0.05, "{peak}");
    assert_eq!(peak["at_s"].as_u64().unwrap() / 3_600 % 24, 14, "{peak}");
    assert_eq!(plan["total"]["saturation"]["capacity_kbps"], 1_000_000.0, "{plan}");
    assert!(plan["total"]["saturation"]["likely_s"].is_u64());
    assert_eq!(plan["groups"][0]["name"], "games");
    assert_eq!(plan["total"]["egress_kbps"]["p50"].as_array().unwrap().len(), 24);

    let ask = async |query: &str| get(control, &format!("/v1/plan?hours=24&{query}")).await.json();
    let peak_of = |plan: &serde_json::Value| plan["total"]["peak"]["p50_kbps"].as_f64().unwrap() / likely;
    assert!((peak_of(&ask("viewers=2").await) - 2.0).abs() < 0.01);
    // Without 6 Mbit/s, 100 of 450 sessions play 3 instead.
    assert!((peak_of(&ask("ladder=3000").await) - 1_350.0 / 1_650.0).abs() < 0.01);
    let lost = ask("lost=a&segment_s=4").await;
    assert_eq!((&lost["pathways"][0]["lost"], &lost["pathways"][1]["share"]), (&json!(true), &json!(1.0)));
    assert_eq!(lost["segments"]["latency_floor_s"], 12.0);
    let edges = ask("by=edge").await;
    assert_eq!(edges["groups"][0]["name"], "headroom");
    for (query, code) in [
        ("lost=nobody", "out_of_range"),
        ("viewers=0", "out_of_range"),
        ("ladder=x", "malformed"),
        ("by=hour", "malformed"),
        ("unknown=1", "malformed"),
    ] {
        assert_eq!(get(control, &format!("/v1/plan?{query}")).await.code(), code, "{query}");
    }
    server.stop().await;
    let server = start(|_| {}).await;
    assert_eq!(get(server.control_address(), "/v1/plan").await.code(), "not_found");
    server.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}
