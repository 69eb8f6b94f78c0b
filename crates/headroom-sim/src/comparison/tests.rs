use super::*;
use crate::score::Score;

fn contender(policy: &str, scores: Vec<Score>) -> ContenderScores {
    ContenderScores { policy: policy.to_owned(), client: None, objective: None, risk: None, scores }
}

fn comparison(trace_of_window: Vec<usize>, contenders: Vec<ContenderScores>) -> Comparison {
    let oracle = contenders.iter().position(|contender| contender.policy == "oracle");
    Comparison {
        profile: "test".into(),
        set: "links".into(),
        mode: "advised",
        trace_of_window,
        contenders,
        reference: 0,
        alone: 0,
        oracle,
    }
}

#[test]
fn half_way_to_the_oracle_closes_half_the_gap() {
    let scores = |qoe: &[f64]| qoe.iter().map(|&qoe| Score { qoe, ..Score::default() }).collect();
    let comparison = comparison(
        vec![0, 0, 3, 3],
        vec![
            contender("throughput", scores(&[1.0, 2.0, 3.0, 4.0])),
            contender("ours", scores(&[2.0, 3.0, 4.0, 5.0])),
            contender("oracle", scores(&[3.0, 4.0, 5.0, 6.0])),
        ],
    );
    let rows = comparison.rows();
    assert_eq!((rows[1].traces, rows[1].windows), (2, 4));
    assert_eq!(rows[1].gap_closed, Some(0.5));
    // The gain is 1 in every window, so whatever traces are drawn it stays 1, while the means move.
    assert_eq!(rows[1].qoe_gain_ci95, [1.0, 1.0]);
    assert_eq!(rows[1].qoe_ci95, [2.5, 4.5]);
    assert_eq!(rows[0].gap_closed, Some(0.0));
    assert_eq!(rows[2].gap_closed, Some(1.0));
    assert_eq!(rows, comparison.rows());
    let twice = comparison.clone().joined(comparison.clone()).rows();
    assert_eq!((twice[1].traces, twice[1].windows, twice[1].gap_closed), (4, 8, Some(0.5)));
}

#[test]
fn differences_are_taken_in_the_same_windows_and_counted_by_trace() {
    // Three traces of two windows. Ours stalls half as long on the first two and longer on the third.
    let score = |stall_ratio, log_quality, switches| Score { stall_ratio, log_quality, switches, ..Score::default() };
    let alone = [0.02, 0.04, 0.10, 0.30, 0.01, 0.01].map(|stall| score(stall, 50.0, 4.0));
    let ours = [0.01, 0.02, 0.05, 0.15, 0.02, 0.02].map(|stall| score(stall, 53.0, 2.0));
    let comparison =
        comparison(vec![0, 0, 1, 1, 2, 2], vec![contender("dynamic", alone.into()), contender("ours", ours.into())]);
    let rows = comparison.rows();
    assert_eq!((rows[0].delta.as_ref(), rows[0].traces_better, rows[0].gap_closed), (None, None, None));
    let delta = rows[1].delta.as_ref().unwrap();
    let near =
        |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} for {expected}: {delta:?}");
    near(delta.stall_points, 100.0 * (0.27 - 0.48) / 6.0);
    near(delta.stall_times.unwrap(), 0.27 / 0.48);
    near(delta.log_quality, 3.0);
    near(delta.switches, -2.0);
    near(delta.switches_times.unwrap(), 0.5);
    assert_eq!((rows[1].traces_better, rows[1].traces_worse), (Some(2), Some(1)));
    // The log quality differs by the same in every window: no interval. The stalls do not.
    assert_eq!(delta.log_quality_ci95, [3.0, 3.0]);
    let [low, high] = delta.stall_points_ci95;
    assert!(low < delta.stall_points && delta.stall_points < high, "{delta:?}");
    near(low, 100.0 * (0.20 - 0.40) / 2.0);
    near(high, 1.0);
}

#[test]
fn a_client_that_never_stalls_has_no_ratio() {
    let scores = |stall_ratio| vec![Score { stall_ratio, ..Score::default() }; 2];
    let rows = comparison(vec![0, 1], vec![contender("dynamic", scores(0.0)), contender("ours", scores(0.01))]).rows();
    let delta = rows[1].delta.as_ref().unwrap();
    assert_eq!((delta.stall_times, delta.stall_times_ci95, delta.switches_times), (None, None, None));
    assert!((delta.stall_points - 1.0).abs() < 1e-12);
}
