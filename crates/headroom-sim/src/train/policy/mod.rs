//! Training of the learned policy (`headroom-core/src/policy/learned`): policy iteration on returns of its own choices.
//!
//! The link of a simulated session does not depend on what the player does, so from every state visited *every* rung can be
//! tried on the same future, the policy choosing all that follows. That gives the value of each rung under the present
//! policy without a critic and without the noise of single trajectories. The policy is then moved along the gradient of
//! its expected value, Σ π(rung) × advantage(rung): the all-action policy gradient (Sutton et al., NIPS 1999; Allen et al.
//! 2017), with a little entropy so that it keeps trying. Unlike imitation of an oracle, no value rests on knowledge of the future
//! that the policy will not have.
//!
//! Sessions vary in everything that deployments vary in: ladder, segment duration, buffer, round-trip time, and how
//! much a stall weighs.

mod conditions;
mod learner;
mod sessions;
#[cfg(test)]
mod tests;
mod trial;

pub use learner::Learner;
pub use sessions::play;

use headroom_core::{ladder::Ladder, policy::learned::Situation};

/// Which player the sessions are played in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Pensieve's environment, buffers of 2.5 to 5 segments: what the `live` profile plays.
    Live,
    /// A player at the live edge that holds 2.5 to 4 s and gives transfers up: what `lowlatency` plays.
    LowLatency,
}

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Where sessions are played.
    pub stage: Stage,
    /// Rounds of playing and learning.
    pub rounds: usize,
    /// Sessions played in a round.
    pub sessions: usize,
    /// Decisions in a session.
    pub decisions: usize,
    /// Segments played after a tried rung.
    pub horizon: usize,
    /// First learning rate; it falls linearly to a twentieth.
    pub rate: f32,
    /// What a nat of entropy is worth, in top rungs for a segment.
    pub entropy: f32,
    /// Rounds whose lessons are remembered.
    pub remembered: usize,
    /// Times that as many lessons are learned as a round brings.
    pub passes: usize,
    /// Lessons in one step.
    pub batch: usize,
    /// Share of sessions on drawn conditions; the others play the profile of the stage.
    pub varied: f64,
}

impl Settings {
    /// What weights of this stage are trained with.
    #[must_use]
    pub fn of(stage: Stage) -> Self {
        // A segment of low latency is half as long: more of them until what was chosen has come due.
        let horizon = if stage == Stage::LowLatency { 10 } else { 8 };
        Self { stage, horizon, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stage: Stage::Live,
            rounds: 160,
            sessions: 64,
            decisions: 50,
            horizon: 8,
            rate: 0.002,
            entropy: 0.01,
            remembered: 10,
            passes: 8,
            batch: 256,
            varied: 0.3,
        }
    }
}

/// One state, and what the rungs tried there were worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    situation: Situation,
    /// Sum over the horizon in units of the top rung; `None` for rungs not tried.
    values: [Option<f32>; Ladder::MAX_RUNGS],
}
