//! Lines of results and the figures on them.

use serde_json::Value;

#[expect(clippy::print_stdout, reason = "the benchmark's output")]
pub(super) fn put(as_json: bool, object: &Value, line: &str) {
    if as_json {
        println!("{object}");
    } else {
        println!("{line}");
    }
}

/// The value below which a share of `values` lies; 0 of none.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
