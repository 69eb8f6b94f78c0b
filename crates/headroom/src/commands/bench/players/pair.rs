//! One pair: a player on a drive, once alone and once with the agent.

use super::{arguments::PlayerName, judge::Figures};
use serde::{Deserialize, Serialize};

/// How a player plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Arm {
    /// As released.
    Alone,
    /// With the player agent.
    Agent,
}

impl Arm {
    /// Both, in the order of the `number`th pair of a player.
    pub(super) fn order(number: usize) -> [Self; 2] {
        if number.is_multiple_of(2) { [Self::Alone, Self::Agent] } else { [Self::Agent, Self::Alone] }
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Agent => "agent",
        }
    }
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PairState {
    /// It counts.
    Kept,
    /// The machine was busier than the limit in one of its runs.
    MachineBusy,
    /// A browser did not start or died.
    BrowserFailed,
}

/// A pair that was played.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PairRecord {
    pub(super) player: PlayerName,
    /// Counted from 0 for each player.
    pub(super) number: usize,
    pub(super) set: String,
    pub(super) drive: String,
    pub(super) first: Arm,
    pub(super) state: PairState,
    pub(super) alone: Option<Figures>,
    pub(super) agent: Option<Figures>,
    /// Why a browser failed, with the arm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) failures: Vec<String>,
    /// Share of the processors' time that was busy in the first and the second run, and the load at their ends.
    pub(super) busy: [f64; 2],
    pub(super) load: [f64; 2],
    /// When it ended, seconds since 1970.
    pub(super) ended_s: u64,
}

impl PairRecord {
    /// Both runs, where both count.
    pub(super) fn figures(&self) -> Option<(&Figures, &Figures)> {
        if self.state == PairState::Kept { self.alone.as_ref().zip(self.agent.as_ref()) } else { None }
    }
}
