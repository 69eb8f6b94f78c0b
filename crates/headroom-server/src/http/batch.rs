//! Bodies with one JSON document a line, and what became of the lines.

use super::problem::Problem;
use serde::Serialize;

/// Broken lines reported back by number; further ones are only counted.
const MAX_REPORTED: usize = 20;

/// What became of the lines of a batch.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = BatchOutcome)]
pub(crate) struct BatchOutcome {
    /// Lines that were taken in.
    pub(crate) accepted: u64,
    /// Samples older than a session lives; of samples only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stale: Option<u64>,
    /// Lines that are not what they should be.
    pub(crate) rejected: u64,
    /// The first of those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<LineError>,
}

/// One line that is not what it should be.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct LineError {
    /// Number of the line, from 1.
    line: usize,
    /// What is wrong with it.
    error: String,
}

impl BatchOutcome {
    /// One document that was taken in.
    pub(crate) fn one() -> Self {
        Self { accepted: 1, ..Self::default() }
    }

    /// Takes note of a line that is not what it should be.
    pub(crate) fn reject(&mut self, line: usize, error: String) {
        self.rejected += 1;
        if self.errors.len() < MAX_REPORTED {
            self.errors.push(LineError { line, error });
        }
    }

    /// The outcome, or the refusal of a body in which no line is a `what`.
    pub(crate) fn or_refusal(self, what: &str) -> Result<Self, Problem> {
        if self.accepted + self.stale.unwrap_or(0) > 0 {
            return Ok(self);
        }
        if self.rejected == 0 {
            return Err(Problem::malformed(format!("the body holds no {what}")));
        }
        let first = serde_json::to_string(&self.errors).unwrap_or_default();
        Err(Problem::malformed(format!("no line is a {what}: {first}")))
    }
}

/// The lines of a body that hold something, with their numbers from 1.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = (1..).zip(body.split(|&byte| byte == b'\n'));
    lines.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace))
}
