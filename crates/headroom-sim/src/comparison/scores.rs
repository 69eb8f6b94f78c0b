//! What is compared: the scores of every contender over the same windows.

use crate::{calibration::Reliability, score::Score};

/// The scores of one contender: one for each window, in the same order for every contender.
#[derive(Clone, Debug, PartialEq)]
pub struct ContenderScores {
    /// Name of the contender.
    pub policy: String,
    /// The policy of the client, where `policy` runs on the server.
    pub client: Option<String>,
    /// What the engine optimises, where it has a choice.
    pub objective: Option<String>,
    /// Its sessions.
    pub scores: Vec<Score>,
    /// The stall risk of its choices against what then happened, where it was sampled.
    pub risk: Option<Reliability>,
}

/// The scores of all contenders over the same windows.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Name of the profile.
    pub profile: String,
    /// Name of the set of traces.
    pub set: String,
    /// Where the policies run: `in-player`, `server-guided` or `advised`.
    pub mode: &'static str,
    /// Index of the trace each window was cut from, ascending.
    pub trace_of_window: Vec<usize>,
    /// One for each contender.
    pub contenders: Vec<ContenderScores>,
    /// Position of the reference of `qoe_gain` and `gap_closed`.
    pub reference: usize,
    /// Position of the client alone, the reference of `delta`.
    pub alone: usize,
    /// Position of the oracle, where it takes part.
    pub oracle: Option<usize>,
}

impl Comparison {
    /// This comparison and another of the same contenders on other traces. Risk samples are not joined.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        let traces = self.trace_of_window.last().map_or(0, |last| last + 1);
        self.trace_of_window.extend(other.trace_of_window.iter().map(|trace| traces + trace));
        for (contender, more) in self.contenders.iter_mut().zip(other.contenders) {
            contender.scores.extend(more.scores);
            contender.risk = None;
        }
        self
    }
}
