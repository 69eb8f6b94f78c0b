//! The shipped SQL puts every session into the arm that the server puts it into.

use crate::support::{directory, skipped};
use headroom_core::{
    experiment::{Experiment, Subject, bucket},
    telemetry::{NetworkId, SessionId, StreamId},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Stdio},
};

const SESSIONS: &str = "COPY (SELECT hash(range) AS session FROM range(2000)) TO 'ARCHIVE/samples/hour=0/a.parquet'";

#[test]
fn sql_draws_the_same_arms() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = |environment: &str, module: &str| {
        let python = repository.join(".setup").join(environment).join("bin/python");
        let outcome = Command::new(&python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
        outcome.is_ok_and(|status| status.success()).then_some(python)
    };
    let Some(duckdb) = python("venv", "duckdb") else { return skipped("no DuckDB (run make setup)") };
    let directory = directory("arms");
    std::fs::create_dir_all(directory.join("samples/hour=0")).unwrap();
    let archive = directory.display().to_string();
    let make = format!("import duckdb; duckdb.execute(\"{}\")", SESSIONS.replace("ARCHIVE", &archive));
    assert!(Command::new(&duckdb).args(["-c", &make]).status().unwrap().success());
    let engines = [("duckdb", Some(duckdb)), ("clickhouse", python("clickhouse-peer", "chdb"))];
    // Salt, shares, exposure.
    let cases = [("smooth-2026", [0.5, 0.5], 1.0), ("again", [0.333, 0.25], 1.0), ("Grüße", [0.5, 0.1], 0.2)];
    for (engine, python) in engines {
        let Some(python) = python else {
            println!("skipped: no {engine}");
            continue;
        };
        let shipped = std::fs::read_to_string(repository.join(format!("deploy/sql/{engine}/arms.sql"))).unwrap();
        for (salt, shares, exposure) in cases {
            let (one, other) = (shares[0], shares[1]);
            let sql = shipped
                .replace("'smooth-2026'", &format!("'{salt}'"))
                .replace("1.0", &format!("{exposure:?}"))
                .replace("'control', 0.5", &format!("'control', {one}"))
                .replace("'steered', 0.5", &format!("'steered', {other}"))
                .replace("[0.5, 0.5]", &format!("[{one}, {other}]"));
            let file = directory.join("arms.sql");
            std::fs::write(&file, sql).unwrap();
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/query.py");
            let output = Command::new(&python).arg(script).arg(engine).arg(&file).arg(&archive).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(rows.len(), 2_000);
            let experiment = json!({ "name": "sql", "salt": salt, "arms": [
                { "name": "control", "share": one }, { "name": "steered", "share": other },
            ] });
            let experiment: Experiment = serde_json::from_value(experiment).unwrap();
            for row in rows {
                let session: u64 = match &row["session"] {
                    Value::String(text) => text.parse().unwrap(),
                    number => number.as_u64().unwrap(),
                };
                let subject = Subject {
                    session: SessionId(session),
                    viewer: None,
                    network: NetworkId::UNKNOWN,
                    stream: StreamId::UNKNOWN,
                    stream_name: "",
                };
                assert_eq!(row["bucket"], bucket(salt, &session.to_string()), "{engine} {row}");
                let assigned = experiment.assign(&subject, Timestamp::from_millis(1), exposure);
                let arm = assigned.map(|assignment| experiment.arms[assignment.arm].name.as_str());
                assert_eq!(row["arm"].as_str(), arm, "{engine} {salt} {row}");
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}
