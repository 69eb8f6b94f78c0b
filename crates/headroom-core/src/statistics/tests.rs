//! Every figure against what `confseq`, `statsmodels` and `scipy` say (scripts/statistics-oracle.py printed it).

use super::*;
use serde_json::Value;

fn oracle() -> Value {
    serde_json::from_str(include_str!("oracle.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[track_caller]
fn assert_close(ours: f64, theirs: &Value, what: &str) {
    let theirs = number(theirs);
    assert!((ours - theirs).abs() <= 1e-6 * theirs.abs().max(1e-9), "{what}: {ours} here, {theirs} there");
}

fn cases(name: &str) -> Vec<Value> {
    oracle()[name].as_array().unwrap().clone()
}

#[test]
fn normal_and_gamma_are_those_of_scipy() {
    for case in cases("normal") {
        assert_close(normal::probability_below(number(&case["z"])), &case["below"], "probability");
        assert_close(normal::quantile(number(&case["quantile_of"])), &case["quantile"], "quantile");
    }
    for case in cases("log_gamma") {
        let (ours, theirs) = (normal::log_gamma(number(&case["x"])), number(&case["value"]));
        assert!((ours - theirs).abs() < 1e-9 * theirs.abs().max(1.0), "{case}: {ours}");
    }
    assert_eq!((normal::quantile(0.0), normal::quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert!(normal::quantile(-0.1).is_nan());
}

#[test]
fn boundaries_are_those_of_confseq() {
    for case in cases("mixture") {
        let [variance, alpha, tuned, at] =
            ["variance", "alpha", "tuned_variance", "evidence_at"].map(|name| number(&case[name]));
        let (one, two) = (Mixture::one_sided(tuned, alpha), Mixture::two_sided(tuned, alpha));
        assert_close(two.two_sided_bound(variance, alpha), &case["two_sided"], "two-sided");
        assert_close(one.one_sided_bound(variance, alpha), &case["one_sided"], "one-sided");
        assert_close(one.log_evidence(at, variance), &case["one_sided_evidence"], "one-sided evidence");
        assert_close(two.two_sided_log_evidence(at, variance), &case["two_sided_evidence"], "two-sided evidence");
    }
}

#[test]
fn ratios_and_their_errors_are_those_of_statsmodels() {
    for case in cases("ratio") {
        let mut moments = Moments::default();
        let rows: Vec<Vec<f64>> = case["rows"].as_array().unwrap().iter().map(numbers).collect();
        for unit in rows.chunk_by(|one, other| one[0] == other[0]) {
            let sum = |column: usize| unit.iter().map(|row| row[column]).sum();
            moments.add(sum(1), sum(2), 0.0);
        }
        assert_close(moments.ratio(), &case["ratio"], "ratio");
        assert_close(moments.ratio_variance().sqrt(), &case["standard_error"], "standard error");
    }
}

#[test]
fn the_covariate_takes_off_what_a_regression_would() {
    let case = &oracle()["covariate"];
    let mut arms = [Moments::default(); 2];
    for row in case["rows"].as_array().unwrap().iter().map(numbers) {
        arms[row[0] as usize].add(row[1], 1.0, row[2]);
    }
    let [control, treated] = arms;
    let adjusted = Comparison::adjusted(&control, &treated);
    assert_close(adjusted.difference, &case["difference"], "difference");
    let plain = Comparison::of(&control, &treated);
    assert!(adjusted.standard_error < 0.6 * plain.standard_error, "{adjusted:?} {plain:?}");
    // Without a covariate both are the same.
    let mut bare = [Moments::default(); 2];
    for (index, value) in [1.0, 2.0, 5.0, 3.0, 8.0, 1.0].into_iter().enumerate() {
        bare[index % 2].add(value, 2.0, 0.0);
    }
    assert_eq!(Comparison::adjusted(&bare[0], &bare[1]), Comparison::of(&bare[0], &bare[1]));
}

#[test]
fn units_needed_and_corrections_are_those_of_statsmodels() {
    for case in cases("power") {
        let [effect, alpha, power] = ["effect", "alpha", "power"].map(|name| number(&case[name]));
        assert_close(power::units_for_one_look(effect, 1.0, alpha, power), &case["units"], "units");
    }
    let case = &oracle()["holm"];
    for (ours, theirs) in holm(&numbers(&case["p_values"])).into_iter().zip(case["adjusted"].as_array().unwrap()) {
        assert_close(ours, theirs, "Holm");
    }
    assert!(holm(&[]).is_empty());
}

#[test]
fn sample_ratios_are_judged_as_by_scipy() {
    for case in cases("sample_ratio") {
        let ours = sample_ratio_e_value(&numbers(&case["counts"]), &numbers(&case["shares"]));
        assert!((ours - number(&case["log_evidence"])).abs() < 1e-6, "{case}: {ours}");
    }
    assert_eq!(sample_ratio_e_value(&[0.0, 0.0], &[0.5, 0.5]), 0.0);
}

#[test]
fn moments_merge_to_the_same_and_broken_values_count_as_nothing() {
    let values: Vec<[f64; 3]> =
        (0..500).map(|n| [f64::from(n % 17), 300.0 + f64::from(n % 7), f64::from(n % 5)]).collect();
    let of = |values: &[[f64; 3]]| {
        let mut moments = Moments::default();
        values.iter().for_each(|&[numerator, denominator, covariate]| moments.add(numerator, denominator, covariate));
        moments
    };
    let mut merged = of(&values[..123]);
    merged.merge(&of(&values[123..]));
    merged.merge(&Moments::default());
    merged.add(f64::NAN, 1.0, 0.0);
    merged.add(1.0, f64::INFINITY, 0.0);
    let whole = of(&values);
    assert_eq!(merged.units(), 500.0);
    assert!((merged.ratio() - whole.ratio()).abs() < 1e-12);
    assert!((merged.ratio_variance() - whole.ratio_variance()).abs() < 1e-12 * whole.ratio_variance());
    assert!(Moments::default().ratio().is_nan() && Moments::default().ratio_variance().is_infinite());
}

#[test]
fn a_sequence_is_wider_than_one_look_and_says_nothing_of_nothing() {
    let sequence = Sequence::new(0.1, 0.05);
    let once = normal::quantile(0.975);
    for error in [1.0, 0.3, 0.1, 0.03, 0.01] {
        let half = sequence.half_width(error);
        assert!(half > once * error, "{error}");
        let on_the_edge = Comparison {
            control: 1.0,
            treated: 1.0 + half,
            difference: half,
            standard_error: error,
            units: LEAST_UNITS,
        };
        assert!((sequence.p_value(&on_the_edge) - 0.05).abs() < 1e-9, "{error}");
        let few = Comparison { units: 999.0, ..on_the_edge };
        assert_eq!((sequence.p_value(&few), sequence.interval(&few)[0]), (1.0, f64::NEG_INFINITY));
    }
    assert!(sequence.half_width(0.1) < 1.6 * once * 0.1);
    let nothing = Comparison::of(&Moments::default(), &Moments::default());
    assert_eq!(sequence.interval(&nothing), [f64::NEG_INFINITY, f64::INFINITY]);
    assert_eq!(sequence.p_value(&nothing), 1.0);
}

#[test]
fn looking_all_the_time_costs_less_than_three_times_the_units() {
    for (effect, alpha, wanted) in [(0.01, 0.05, 0.8), (0.3, 0.01, 0.9)] {
        let (once, always) =
            (power::units_for_one_look(effect, 1.0, alpha, wanted), power::units(effect, 1.0, alpha, wanted));
        assert!(always > once && always < 3.0 * once, "{once} {always}");
        let error = (2.0 / always).sqrt();
        let detectable = power::minimum_detectable(&Sequence::new(error, alpha), error, wanted);
        assert!((detectable / effect - 1.0).abs() < 1e-6, "{detectable}");
    }
}
