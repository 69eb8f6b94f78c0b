//! What deploy/ offers to Prometheus and Grafana: valid, and of metrics that exist.

use crate::support::{get, skipped, start};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Fails the test when a metric named in `text` is not exported.
async fn assert_exported(text: &str) {
    let server = start(|_| {}).await;
    let exported = get(server.control_address(), "/metrics").await.text().to_owned();
    server.stop().await;
    let names = text.split(|symbol: char| !symbol.is_ascii_alphanumeric() && symbol != '_');
    for name in names.filter(|name| name.starts_with("headroom_")) {
        let family = ["_total", "_bucket"].iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(exported.contains(&format!("# TYPE {family} ")), "{name} is not exported");
    }
}

/// Whether promtool is there.
fn have_promtool() -> bool {
    let there = Command::new("promtool").arg("--version").output().is_ok();
    if !there {
        skipped("no promtool (Debian package prometheus; run make setup)");
    }
    there
}

#[track_caller]
fn promtool(arguments: &[&str], directory: &Path) {
    let outcome = Command::new("promtool").args(arguments).current_dir(directory).output().unwrap();
    assert!(outcome.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&outcome.stderr));
}

/// The Prometheus rules are valid, say what their tests expect, and use only metrics that exist.
#[tokio::test]
async fn the_prometheus_rules_hold() {
    let rules = repository().join("deploy/prometheus");
    assert_exported(&std::fs::read_to_string(rules.join("headroom.rules.yml")).unwrap()).await;
    if have_promtool() {
        promtool(&["check", "rules", "headroom.rules.yml"], &rules);
        promtool(&["test", "rules", "headroom.rules.test.yml"], &rules);
    }
}

fn dashboards() -> Vec<(PathBuf, Value)> {
    let entries = std::fs::read_dir(repository().join("deploy/grafana")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("dashboard.schema.json"));
    let dashboard = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, serde_json::from_str(&text).unwrap())
    };
    paths.map(dashboard).collect()
}

/// Queries of a dashboard, with Grafana's variables filled in.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let filled = |target: &Value| {
        let expression = target["expr"].as_str().unwrap();
        expression.replace("$__rate_interval", "1m").replace("$instance", ".*")
    };
    targets.map(filled).collect()
}

/// The dashboards ask for metrics that exist, in PromQL that Prometheus reads.
#[tokio::test]
async fn the_dashboards_ask_what_can_be_answered() {
    let all: Vec<String> = dashboards().iter().flat_map(|(_, dashboard)| expressions(dashboard)).collect();
    assert!(all.len() > 30);
    assert_exported(&all.join(" ")).await;
    let left: Vec<_> = all.iter().filter(|expression| expression.contains('$')).collect();
    assert!(left.is_empty(), "variables nobody fills in: {left:?}");
    if have_promtool() {
        let directory = crate::support::directory("dashboards");
        let number =
            |(index, expression): (usize, &String)| json!({ "record": format!("panel:{index}"), "expr": expression });
        let rules: Vec<_> = all.iter().enumerate().map(number).collect();
        // JSON is YAML.
        let file = json!({ "groups": [{ "name": "dashboards", "rules": rules }] });
        std::fs::write(directory.join("rules.yml"), file.to_string()).unwrap();
        promtool(&["check", "rules", "--lint=none", "rules.yml"], &directory);
        std::fs::remove_dir_all(directory).unwrap();
    }
}

/// The dashboards have what Grafana needs, and each panel a unit, a title and words on what it shows, in a place of its own.
#[test]
fn the_dashboards_are_whole() {
    for (path, dashboard) in dashboards() {
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}: {panel}", path.display());
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            for (x, y) in (0..side("w")).flat_map(|x| (0..side("h")).map(move |y| (x, y))) {
                let cell = (side("x") + x, side("y") + y);
                assert!(cell.0 < 24 && cells.insert(cell), "{}: {} overlaps", path.display(), panel["title"]);
            }
        }
    }
    let python = repository().join(".setup/venv/bin/python");
    let check = "import json, sys, jsonschema\nschema, *files = [json.load(open(path)) for path in sys.argv[1:]]\n\
                 jsonschema.Draft202012Validator.check_schema(schema)\n\
                 [jsonschema.Draft202012Validator(schema).validate(file) for file in files]";
    let there = Command::new(&python).args(["-c", "import jsonschema"]).output();
    if !there.is_ok_and(|outcome| outcome.status.success()) {
        return skipped("no jsonschema (run make setup)");
    }
    let schema = repository().join("deploy/grafana/dashboard.schema.json");
    let files = dashboards().into_iter().map(|(path, _)| path);
    let outcome = Command::new(python).args(["-c", check]).arg(schema).args(files).output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
}
