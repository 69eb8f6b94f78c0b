//! Inputs recorded before there were objectives give the decisions of then, byte for byte, under `sharp`.

use headroom_core::{
    engine::{Config, Engine, Input},
    objective::Objective,
};

/// The engine's settings, its inputs and its decisions, as version 0.1 wrote them: three viewers on links of 1.5, 6 and
/// 25 Mbit/s, one of which goes dead, an order and a shared bottleneck.
const SETTINGS: &str = include_str!("../data/before-objectives/engine.json");
const INPUTS: &str = include_str!("../data/before-objectives/inputs.jsonl");
const DECISIONS: &str = include_str!("../data/before-objectives/decisions.jsonl");

fn replay(config: Config) -> String {
    let mut engine = Engine::new(config);
    let mut decisions = String::new();
    for line in INPUTS.lines() {
        engine.handle_input(serde_json::from_str::<Input>(line).expect("a recorded input reads"));
        while let Some(output) = engine.poll_output() {
            decisions += &serde_json::to_string(&output).expect("an output can be written");
            decisions.push('\n');
        }
    }
    decisions
}

#[test]
fn sharp_decides_as_before() {
    let mut config: Config = serde_json::from_str(SETTINGS).unwrap();
    config.cohorts_must_agree = false;
    (config.guard.release_at_once, config.guard.starving_pessimism) = (false, true);
    let sharp = replay(Config { objective: Objective::Sharp, ..config.clone() });
    for (number, (now, before)) in sharp.lines().zip(DECISIONS.lines()).enumerate() {
        assert_eq!(now, before, "decision {number}");
    }
    assert_eq!(sharp, DECISIONS);
    assert_ne!(replay(Config { objective: Objective::Smooth, ..config }), DECISIONS, "an objective changes something");
}
