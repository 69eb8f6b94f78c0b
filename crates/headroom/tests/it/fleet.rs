//! The load benchmark in short: a fleet over real HTTP, with history, archive and dashboard on, loses nothing.

use std::process::Command;

#[test]
fn a_fleet_is_served_without_loss() {
    let output = Command::new(env!("CARGO_BIN_EXE_headroom"))
        .args(["bench", "fleet", "--sessions", "2000", "--seconds", "10", "--connections", "16", "--json"])
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let number = |name: &str| figures[name].as_f64().unwrap_or_else(|| panic!("{name} in {figures}"));
    assert_eq!(number("requests"), 10_000.0);
    for name in ["unanswered", "reports_lost", "counted_lost"] {
        assert_eq!(number(name), 0.0, "{name} in {figures}");
    }
    assert!(number("dashboard_frames") >= 5.0, "{figures}");
    assert!(number("archive_rows") > 0.0 && number("decisions") > 5_000.0, "{figures}");
    // Wide bounds: the build is unoptimised and the machine has other work.
    assert!(number("tick_interval_p99_s") < 5.0 && number("decision_age_p99_s") < 5.0, "{figures}");
}
