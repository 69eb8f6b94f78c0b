//! One message, read: attitude, what of the delivery it names, and what it asks for.
//!
//! The labels and their rules are those of the label guide beside the training text (`training/data`).

use crate::units::Ratio;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// What a classifier made of one message.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = Reading))]
pub struct Classification {
    /// The writer's attitude to what the message is about.
    pub sentiment: Sentiment,
    /// Probability the classifier gives to `sentiment`.
    pub confidence: Ratio,
    /// Parts of the stream's delivery it names, well or ill.
    pub aspects: Aspects,
    /// A request to the player, by the viewer, for the viewer's own playback.
    pub command: Option<Command>,
}

impl Classification {
    /// Whether it says that something of the delivery is bad.
    #[must_use]
    pub fn is_complaint(&self) -> bool {
        self.sentiment == Sentiment::Negative && !self.aspects.is_empty()
    }
}

/// Attitude of the writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    /// Displeased, or reporting a defect.
    Negative,
    /// A fact, a question, small talk.
    #[default]
    Neutral,
    /// Pleased, or reporting that a defect is gone.
    Positive,
}

/// A part of the delivery that viewers notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// Stalls, freezes, stutter.
    Buffering,
    /// Blur, blocks, resolution, frame rate of the stream.
    Picture,
    /// Distance behind the live edge.
    Latency,
    /// Desync, crackle, mute, volume, balance.
    Audio,
    /// Offline, black screen, error codes.
    Availability,
}

impl Aspect {
    /// Every aspect, in the order of the label guide.
    pub const ALL: [Self; 5] = [Self::Buffering, Self::Picture, Self::Latency, Self::Audio, Self::Availability];

    /// Its word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buffering => "buffering",
            Self::Picture => "picture",
            Self::Latency => "latency",
            Self::Audio => "audio",
            Self::Availability => "availability",
        }
    }
}

/// A set of aspects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aspects(u8);

impl Aspects {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether it names nothing of the delivery.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `aspect` is named.
    #[must_use]
    pub const fn contains(self, aspect: Aspect) -> bool {
        self.0 & (1 << aspect as u8) != 0
    }

    /// The same set with `aspect` in it.
    #[must_use]
    pub const fn with(self, aspect: Aspect) -> Self {
        Self(self.0 | (1 << aspect as u8))
    }

    /// Its members, in the order of [`Aspect::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.into_iter().filter(move |&aspect| self.contains(aspect))
    }
}

impl FromIterator<Aspect> for Aspects {
    fn from_iter<I: IntoIterator<Item = Aspect>>(aspects: I) -> Self {
        aspects.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Aspects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Aspects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Aspect>::deserialize(deserializer).map(Self::from_iter)
    }
}

/// A request to the player. Written as in the label guide: `lower_quality`, `set_quality=720p`, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// One rung down.
    LowerQuality,
    /// One rung up.
    RaiseQuality,
    /// A picture height in pixels; `None` leaves the choice to the player again (`auto`).
    SetQuality(Option<u16>),
    /// Nearer to the live edge.
    LowerLatency,
    /// Farther from it, to be safe.
    MoreBuffer,
    /// Say how the session is doing.
    Status,
}

/// A word that names no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the word names no command")]
#[non_exhaustive]
pub struct UnknownWord;

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LowerQuality => f.write_str("lower_quality"),
            Self::RaiseQuality => f.write_str("raise_quality"),
            Self::SetQuality(None) => f.write_str("set_quality=auto"),
            Self::SetQuality(Some(height)) => write!(f, "set_quality={height}p"),
            Self::LowerLatency => f.write_str("lower_latency"),
            Self::MoreBuffer => f.write_str("more_buffer"),
            Self::Status => f.write_str("status"),
        }
    }
}

impl FromStr for Command {
    type Err = UnknownWord;

    /// # Errors
    /// When the word is none of the label guide's, or its height is no number.
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Ok(match word {
            "lower_quality" => Self::LowerQuality,
            "raise_quality" => Self::RaiseQuality,
            "set_quality=auto" => Self::SetQuality(None),
            "lower_latency" => Self::LowerLatency,
            "more_buffer" => Self::MoreBuffer,
            "status" => Self::Status,
            _ => {
                let height = word.strip_prefix("set_quality=").and_then(|height| height.strip_suffix('p'));
                Self::SetQuality(Some(height.and_then(|height| height.parse().ok()).ok_or(UnknownWord)?))
            }
        })
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_in_the_label_guide() {
        for word in [
            "lower_quality",
            "raise_quality",
            "set_quality=720p",
            "set_quality=auto",
            "lower_latency",
            "more_buffer",
            "status",
        ] {
            assert_eq!(word.parse::<Command>().unwrap().to_string(), word);
        }
        for word in ["", "none", "set_quality", "set_quality=", "set_quality=p", "set_quality=99999p", "Status"] {
            assert_eq!(word.parse::<Command>(), Err(UnknownWord), "{word}");
        }
    }

    #[test]
    fn aspects_are_a_set_in_a_fixed_order() {
        let aspects: Aspects = [Aspect::Audio, Aspect::Buffering, Aspect::Audio].into_iter().collect();
        assert_eq!(aspects.iter().map(Aspect::word).collect::<Vec<_>>(), ["buffering", "audio"]);
        assert!(!aspects.contains(Aspect::Latency) && Aspects::NONE.is_empty());
    }
}
