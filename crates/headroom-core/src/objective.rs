//! What steering is for: how much picture may be bought with how much risk of a stall, and for how many bits.

use crate::units::Ratio;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the policy `headroom` aims for. Each names a rule of its own; see docs/algorithms/headroom.md for what they measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Nobody stalls longer than without steering; the picture is better where the link allows it, and changes less often.
    #[default]
    Smooth,
    /// More picture, at about the stalls of a player left to itself.
    Balanced,
    /// Most bits by the linear score of the adaptation literature, which buys them with stalls.
    Sharp,
}

impl Objective {
    /// Every objective.
    pub const ALL: [Self; 3] = [Self::Smooth, Self::Balanced, Self::Sharp];

    /// The name in configuration, requests and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smooth => "smooth",
            Self::Balanced => "balanced",
            Self::Sharp => "sharp",
        }
    }

    /// Stall risk ([`crate::qoe::stall_risk`]) above which no rung but the lowest is advised, however much picture it
    /// promises. Own choice, not tuned; `sharp` has none.
    #[must_use]
    pub const fn risk_ceiling(self) -> Ratio {
        match self {
            Self::Smooth => Ratio::clamped(0.3),
            Self::Balanced => Ratio::clamped(0.5),
            Self::Sharp => Ratio::ONE,
        }
    }
}

/// How many bits steering may send, against the player left to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Egress {
    /// As many as the objective asks for.
    #[default]
    Any,
    /// No rung above the one that the player's own rule would play.
    Same,
}

impl Egress {
    /// Every value, for help texts and tables.
    pub const ALL: [Self; 2] = [Self::Any, Self::Same];

    /// The name in configuration, requests and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Same => "same",
        }
    }
}

/// A word that is none of those expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of {expected}")]
pub struct UnknownWord {
    word: String,
    expected: &'static str,
}

impl FromStr for Objective {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord { word: word.to_owned(), expected: "smooth, balanced, sharp" };
        Self::ALL.into_iter().find(|objective| objective.name() == word).ok_or_else(unknown)
    }
}

impl FromStr for Egress {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        let unknown = || UnknownWord { word: word.to_owned(), expected: "any, same" };
        Self::ALL.into_iter().find(|egress| egress.name() == word).ok_or_else(unknown)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for objective in Objective::ALL {
            assert_eq!(objective.name().parse(), Ok(objective));
            assert_eq!(serde_json::to_value(objective).unwrap(), objective.name());
        }
        for egress in Egress::ALL {
            assert_eq!(egress.name().parse(), Ok(egress));
            assert_eq!(serde_json::to_value(egress).unwrap(), egress.name());
        }
        let error = "sharpest".parse::<Objective>().unwrap_err();
        assert_eq!(error.to_string(), r#""sharpest" is none of smooth, balanced, sharp"#);
    }
}
