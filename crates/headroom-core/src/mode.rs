//! What Headroom does with its decisions: tell them, keep them to itself, or stand aside.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What is done with decisions, from the most careful to the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mode {
    /// Every answer is what it would be without Headroom.
    Off,
    /// Decides and logs, but tells nobody: what would have changed can be read before anything does.
    Observe,
    /// Decides, logs, and tells players, playlists and steering manifests.
    #[default]
    Steer,
}

/// When a word names no mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no mode is called {0:?}; known are steer, observe, off")]
pub struct UnknownMode(String);

impl Mode {
    /// Every mode, in the order of their discriminants.
    pub const ALL: [Self; 3] = [Self::Off, Self::Observe, Self::Steer];

    /// Its name in configuration, logs and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Steer => "steer",
        }
    }

    /// What holds for a stream that has a mode of its own, or none, where `self` holds for everybody. The stream's own stands in
    /// place of everybody's, except that what is off for everybody is off everywhere.
    #[must_use]
    pub const fn of_stream(self, own: Option<Self>) -> Self {
        match (self, own) {
            (Self::Off, _) => Self::Off,
            (_, Some(own)) => own,
            (everybody, None) => everybody,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_its_own_mode_but_off_is_off_everywhere() {
        for (everybody, own, expected) in [
            (Mode::Steer, None, Mode::Steer),
            (Mode::Steer, Some(Mode::Observe), Mode::Observe),
            (Mode::Steer, Some(Mode::Off), Mode::Off),
            (Mode::Observe, Some(Mode::Steer), Mode::Steer),
            (Mode::Observe, None, Mode::Observe),
            (Mode::Off, Some(Mode::Steer), Mode::Off),
            (Mode::Off, None, Mode::Off),
        ] {
            assert_eq!(everybody.of_stream(own), expected, "{everybody} {own:?}");
        }
    }

    #[test]
    fn names_lead_back_and_their_order_is_that_of_care() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert!(Mode::Off < Mode::Observe && Mode::Observe < Mode::Steer);
        assert_eq!(
            "of".parse::<Mode>().unwrap_err().to_string(),
            "no mode is called \"of\"; known are steer, observe, off"
        );
    }
}
