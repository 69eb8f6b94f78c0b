//! Packet loss, independent or in bursts.

use rand::{Rng, RngExt};

/// How packets get lost on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// No packet is lost.
    #[default]
    None,
    /// Each packet by itself with this probability.
    Random {
        /// 0 to 1.
        ratio: f64,
    },
    /// Two states with their own loss (Gilbert 1960, Elliott 1963). All values are probabilities per packet.
    GilbertElliott {
        /// From the good to the bad state.
        to_bad: f64,
        /// From the bad to the good state.
        to_good: f64,
        /// Loss in the good state.
        loss_good: f64,
        /// Loss in the bad state.
        loss_bad: f64,
    },
}

/// When a loss model cannot be built from these numbers.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// When a ratio is not a probability.
    #[error("a loss ratio of {0} is outside 0 to 1")]
    Ratio(f64),
    /// When a mean burst is shorter than one packet, or so short that the good state would have to be left with
    /// a probability above 1.
    #[error("a mean burst of {mean_burst} packets does not go with a loss ratio of {ratio}")]
    Burst {
        /// Packets asked for.
        mean_burst: f64,
        /// Ratio asked for.
        ratio: f64,
    },
}

impl Loss {
    /// Independent loss; 0 is [`Loss::None`].
    ///
    /// # Errors
    /// [`LossError::Ratio`].
    pub fn random(ratio: f64) -> Result<Self, LossError> {
        match ratio {
            0.0 => Ok(Self::None),
            _ if (0.0..=1.0).contains(&ratio) => Ok(Self::Random { ratio }),
            _ => Err(LossError::Ratio(ratio)),
        }
    }

    /// Gilbert's model with the given mean loss, in bursts of `mean_burst` packets that are all lost:
    /// `to_good = 1 / mean_burst`, `to_bad = to_good · ratio / (1 − ratio)`.
    ///
    /// # Errors
    /// See [`LossError`].
    pub fn bursts(ratio: f64, mean_burst: f64) -> Result<Self, LossError> {
        if !(0.0..1.0).contains(&ratio) {
            return Err(LossError::Ratio(ratio));
        }
        let to_good = 1.0 / mean_burst;
        let to_bad = to_good * ratio / (1.0 - ratio);
        if !(mean_burst >= 1.0 && to_bad <= 1.0) {
            return Err(LossError::Burst { mean_burst, ratio });
        }
        Ok(Self::GilbertElliott { to_bad, to_good, loss_good: 0.0, loss_bad: 1.0 })
    }

    /// Mean loss in the long run, 0 to 1.
    pub fn mean_ratio(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Random { ratio } => ratio,
            Self::GilbertElliott { to_bad, to_good, loss_good, loss_bad } => {
                let share_bad = if to_bad + to_good > 0.0 { to_bad / (to_bad + to_good) } else { 0.0 };
                loss_good + share_bad * (loss_bad - loss_good)
            }
        }
    }
}

/// Where a two-state model stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    bad: bool,
}

impl State {
    /// Draws the fate of one packet.
    pub(super) fn loses<R: Rng + ?Sized>(&mut self, loss: Loss, rng: &mut R) -> bool {
        match loss {
            Loss::None => false,
            Loss::Random { ratio } => rng.random::<f64>() < ratio,
            Loss::GilbertElliott { to_bad, to_good, loss_good, loss_bad } => {
                let leave = if self.bad { to_good } else { to_bad };
                if rng.random::<f64>() < leave {
                    self.bad = !self.bad;
                }
                rng.random::<f64>() < if self.bad { loss_bad } else { loss_good }
            }
        }
    }
}
