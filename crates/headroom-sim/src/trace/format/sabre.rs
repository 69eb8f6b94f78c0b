//! Sabre's network traces: a JSON array of `{"duration_ms", "bandwidth_kbps", "latency_ms"}` steps
//! (Spiteri et al., MMSys 2018). The latency becomes the round-trip time; it is a constant of most files, not measured.

use serde::Deserialize;

use super::import::ParseError;
use super::table::{RTT, THROUGHPUT};
use crate::trace::{Sample, Trace};

/// One step as written.
#[derive(Deserialize)]
struct Step {
    duration_ms: f64,
    bandwidth_kbps: f64,
    #[serde(default)]
    latency_ms: Option<f64>,
}

/// Whether a first line has the form of this format.
pub(super) fn recognises(first: &str) -> bool {
    first.trim_start().starts_with('[')
}

/// Reads a trace.
///
/// # Errors
/// See [`ParseError`]. A value out of range names its step, because JSON values have no line of their own.
pub fn parse(text: &str) -> Result<Trace, ParseError> {
    let steps: Vec<Step> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| ParseError::Malformed { line: error.line(), problem: error.to_string() })?;
    let mut samples = Vec::with_capacity(steps.len());
    let mut at_ms = 0.0;
    for (index, step) in steps.iter().enumerate() {
        let wrong = |what: &str, value: f64| ParseError::Malformed {
            line: line_of_step(text, index),
            problem: format!("step {index}: {what} {value} is out of range"),
        };
        if !(step.duration_ms > 0.0 && step.duration_ms.is_finite()) {
            return Err(wrong("duration_ms", step.duration_ms));
        }
        if !(THROUGHPUT.min..=THROUGHPUT.max).contains(&step.bandwidth_kbps) {
            return Err(wrong("bandwidth_kbps", step.bandwidth_kbps));
        }
        if let Some(latency_ms) = step.latency_ms.filter(|ms| !(RTT.min..=RTT.max).contains(ms)) {
            return Err(wrong("latency_ms", latency_ms));
        }
        samples.push(Sample {
            t_s: at_ms / 1000.0,
            throughput_kbps: step.bandwidth_kbps,
            rtt_ms: step.latency_ms,
            ..Sample::default()
        });
        at_ms += step.duration_ms;
    }
    Ok(Trace::new(samples, at_ms / 1000.0)?)
}

/// Line on which step `index` opens: no string in the format holds a brace.
fn line_of_step(text: &str, index: usize) -> usize {
    let at = text.match_indices('{').nth(index).map_or(0, |(at, _)| at);
    text[..at].matches('\n').count() + 1
}
