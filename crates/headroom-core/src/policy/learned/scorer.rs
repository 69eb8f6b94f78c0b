//! The network of the learned policy: one score for each rung, whatever the ladder.
//!
//! A ladder has any number of rungs, so the network does not answer "which": it scores one rung at a time, given what is
//! known of the session and what the rung would mean. The session's part of the first layer is computed once.

use super::super::View;
use crate::{
    forecast::Features,
    ladder::{Ladder, RungIndex},
    network::{Dense, Network, rectified},
};

/// Numbers that describe the session: its link, buffer, current rung, segments and aversion to stalls.
pub const STATE: usize = Features::COUNT + 7;
/// Numbers that describe a rung.
pub const RUNG: usize = 6;
/// Units in the first and second hidden layer.
pub const WIDTH: usize = 32;
/// See [`WIDTH`].
pub const SECOND_WIDTH: usize = 16;

/// The network: (session, rung) → score.
#[derive(Clone, Debug, PartialEq)]
pub struct Scorer {
    /// Session to first hidden layer.
    pub state: Dense<STATE, WIDTH>,
    /// Rung to first hidden layer, on top; its bias stays zero and is no parameter.
    pub rung: Dense<RUNG, WIDTH>,
    /// First to second hidden layer.
    pub second: Dense<WIDTH, SECOND_WIDTH>,
    /// Second hidden layer to the score.
    pub last: Dense<SECOND_WIDTH, 1>,
}

impl Network for Scorer {
    const MAGIC: [u8; 4] = *b"HRP1";

    fn zero() -> Self {
        Self { state: Dense::zero(), rung: Dense::zero(), second: Dense::zero(), last: Dense::zero() }
    }

    fn parameters(&self) -> Vec<&[f32]> {
        let [rung, _] = self.rung.parameters();
        let [[state, bias], second, last] = [self.state.parameters(), self.second.parameters(), self.last.parameters()];
        [&[state, bias, rung], second.as_slice(), last.as_slice()].concat()
    }

    fn parameters_mut(&mut self) -> Vec<&mut [f32]> {
        let [state, bias] = self.state.parameters_mut();
        let [rung, _] = self.rung.parameters_mut();
        let rest = [self.second.parameters_mut(), self.last.parameters_mut()];
        [state, bias, rung].into_iter().chain(rest.into_iter().flatten()).collect()
    }
}

/// What the network sees of one decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    /// The session.
    pub state: [f32; STATE],
    /// Each rung of the ladder; only the first `count` are in use.
    pub rungs: [[f32; RUNG]; Ladder::MAX_RUNGS],
    /// Rungs of the ladder.
    pub count: usize,
}

/// Logarithms of ratios beyond this (a factor of 55) count as this, as in [`Features`].
const FARTHEST: f32 = 4.0;
/// Added to the buffer before its logarithm, seconds: an empty buffer is bad, not infinitely so.
const BUFFER_FLOOR_S: f32 = 0.2;

impl Situation {
    /// Looks at a session; `None` before its first transfer or segment. `aversion` is how much a stall weighs against
    /// picture quality, 1 being as much as one second at the top rung.
    #[must_use]
    pub fn of(view: &View<'_>, aversion: f32) -> Option<Self> {
        let features = Features::of(view.history)?;
        let current = view.current?.min(view.ladder.top());
        let segment_s = view.segment_duration.as_secs_f64().max(0.05) as f32;
        let buffer_s = view.buffer_length.as_secs_f64() as f32;
        let capacity_s = (view.buffer_capacity.as_secs_f64() as f32).max(segment_s);
        let kbps = |rung: RungIndex| view.ladder.bitrate(rung).as_kbps() as f32;
        let relative = |kbps: f32| (kbps.max(1.0).ln() - features.ln_reference).clamp(-FARTHEST, FARTHEST);
        let (top, playing) = (kbps(view.ladder.top()), kbps(current));
        let ln_buffer = (buffer_s + BUFFER_FLOOR_S).ln();

        let mut state = [0.0; STATE];
        let (link, player) = state.split_at_mut(Features::COUNT);
        link.copy_from_slice(&features.values);
        player.copy_from_slice(&[
            (0.5 * buffer_s / segment_s).min(FARTHEST),
            (buffer_s / capacity_s).min(2.0),
            ln_buffer.min(FARTHEST),
            relative(playing),
            playing / top,
            segment_s.ln(),
            aversion.ln(),
        ]);
        let mut rungs = [[0.0; RUNG]; Ladder::MAX_RUNGS];
        let count = view.ladder.rungs().len();
        for (index, values) in rungs.iter_mut().enumerate().take(count) {
            let rung = index as RungIndex;
            let change = (kbps(rung) - playing) / top;
            // The rate at which the next segment would arrive just as the buffer runs dry.
            let needed_kbps = (view.segment_bits(0, rung) / 1_000.0) as f32 / (buffer_s + BUFFER_FLOOR_S);
            *values = [
                relative(kbps(rung)),
                relative(needed_kbps),
                kbps(rung) / top,
                change.max(0.0),
                (-change).max(0.0),
                if rung == current { 1.0 } else { 0.0 },
            ];
        }
        Some(Self { state, rungs, count })
    }
}

impl Scorer {
    /// Scores of the rungs, the smallest rung first; beyond the ladder they mean nothing.
    #[must_use]
    pub fn scores(&self, situation: &Situation) -> [f32; Ladder::MAX_RUNGS] {
        let session = self.state.apply(&situation.state);
        let mut scores = [0.0; Ladder::MAX_RUNGS];
        for (score, rung) in scores.iter_mut().zip(&situation.rungs).take(situation.count) {
            let first = rectified(self.rung.apply_onto(session, rung));
            let second = rectified(self.second.apply(&first));
            [*score] = self.last.apply(&second);
        }
        scores
    }

    /// The rung with the highest score, of equals the smallest.
    #[must_use]
    pub fn best(&self, situation: &Situation) -> RungIndex {
        let scores = self.scores(situation);
        let mut best = 0;
        for (index, score) in scores.iter().enumerate().take(situation.count) {
            if *score > scores[best] {
                best = index;
            }
        }
        best as RungIndex
    }
}
