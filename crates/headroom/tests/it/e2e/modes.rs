//! The mode of a real server under load: `off` reaches every answer within 2 s, outlives `kill -9`, and no request is lost.

use crate::stack::{Headroom, Response, artifacts, get};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Viewers, spread over all shards.
const VIEWERS: usize = 400;
/// Threads that ask for them.
const THREADS: usize = 4;
/// By when an order has reached every answer.
const REACHES_WITHIN: Duration = Duration::from_secs(2);
/// Changes of the mode under load.
const CHANGES: [&str; 6] = ["off", "steer", "observe", "steer", "off", "steer"];

/// An answer to a viewer: when it was asked for and came, and whether it told the player anything.
#[derive(Clone, Copy)]
struct Answered {
    asked: Instant,
    came: Instant,
    told: bool,
}

#[test]
fn off_reaches_every_answer_survives_kill_9_and_loses_no_request() {
    let directory = artifacts("modes");
    let mut headroom = start(&directory);
    let public = headroom.public();
    let warm = Instant::now() + Duration::from_secs(30);
    while (0..VIEWERS).any(|viewer| !told(&ask(public, viewer))) {
        assert!(Instant::now() < warm, "every viewer is told something within 30 s");
    }
    let answers = Mutex::new(Vec::new());
    let over = AtomicBool::new(false);
    let mut orders = Vec::new();
    thread::scope(|scope| {
        for first in 0..THREADS {
            let (answers, over) = (&answers, &over);
            scope.spawn(move || {
                for viewer in (0..VIEWERS).cycle().skip(first * VIEWERS / THREADS) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let asked = Instant::now();
                    // A request that is lost fails the test here.
                    let told = told(&ask(public, viewer));
                    answers.lock().expect("nobody panics").push(Answered { asked, came: Instant::now(), told });
                }
            });
        }
        for mode in CHANGES {
            let ordered = Instant::now();
            order(&headroom, mode);
            thread::sleep(Duration::from_millis(2_500));
            orders.push((mode, ordered, Instant::now()));
        }
        over.store(true, Ordering::Relaxed);
    });
    let answers = answers.into_inner().expect("nobody panics");
    let mut slowest = Duration::ZERO;
    for &(mode, ordered, until) in &orders {
        let steers = mode == "steer";
        let after = answers.iter().filter(|answer| answer.asked >= ordered && answer.came < until);
        let wrong = after.clone().filter(|answer| answer.told != steers);
        let latest = wrong.map(|answer| answer.asked.duration_since(ordered)).max().unwrap_or_default();
        assert!(latest < REACHES_WITHIN, "{mode}: an answer of {latest:?} after the order is of before");
        let reached = after.filter(|answer| answer.asked >= ordered + REACHES_WITHIN).count();
        assert!(reached > 0, "{mode}: somebody asked after {REACHES_WITHIN:?}");
        slowest = slowest.max(latest);
    }
    println!(
        "{} answers over {} changes, none lost; the last of before {slowest:?} after its order",
        answers.len(),
        orders.len()
    );

    order(&headroom, "off");
    headroom.process().signal(rustix::process::Signal::KILL);
    drop(headroom);
    let headroom = start(&directory);
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        for viewer in 0..VIEWERS / 10 {
            assert!(!told(&ask(headroom.public(), viewer)), "off after kill -9 as before it");
        }
    }
    let modes = headroom.control_request("GET", "/v1/mode", &Value::Null).json();
    assert_eq!((&modes["mode"], &modes["order"]["reason"]), (&json!("off"), &json!("a test")));
}

fn start(directory: &Path) -> Headroom {
    let configuration = format!("tick_ms = 1000\n[history]\ndirectory = '{}'\n", directory.join("data").display());
    Headroom::start(&configuration.parse().expect("valid TOML"), directory)
}

fn order(headroom: &Headroom, mode: &str) {
    headroom.control_request("PUT", "/v1/mode", &json!({ "mode": mode, "reason": "a test" }));
}

/// A viewer's request, as a web server passes it on.
fn ask(public: SocketAddr, viewer: usize) -> Response {
    let record = format!(
        "bl%3D6000%2Cbr%3D3000%2Ccid%3D%22show%22%2Cd%3D2000%2Cmtp%3D4000%2Cot%3Dv%2Csf%3Dh%2Csid%3D%22v{viewer}%22"
    );
    let response = get(public, &format!("/decide?CMCD={record}")).expect("no request is lost");
    assert_eq!(response.status, 204);
    response
}

fn told(response: &Response) -> bool {
    response.header("cmsd-dynamic").is_some()
}
