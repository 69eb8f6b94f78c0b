//! What goes into the engine and what comes out: one JSON object a line in the logs.

use crate::{
    audience::{AuthorId, BlindSpot, Classification, Command, Conditions},
    decision::Decision,
    forecast::CohortForecast,
    ladder::Ladder,
    objective::{Egress, Objective},
    policy::Weights,
    session::Summary,
    telemetry::{NetworkId, Sample, SessionId, StreamId},
    time::{Duration, Timestamp},
    units::Bitrate,
};
use serde::{Deserialize, Serialize};

/// Everything that can change a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A report about a session.
    Sample(Sample),
    /// Time passed: decide for every session with news, expire the silent ones.
    Tick {
        /// Time of the tick.
        #[serde(rename = "at_us")]
        at: Timestamp,
    },
    /// A stream was discovered or changed.
    Stream {
        /// The stream.
        stream: StreamId,
        /// When it was discovered or changed.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// What it offers.
        settings: StreamSettings,
    },
    /// The capacity of a bottleneck became known or changed: an edge's egress, a cell.
    Bottleneck {
        /// When the capacity became known.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// Whose sessions share it; `None` for everyone's.
        stream: Option<StreamId>,
        /// What it carries; `None` when that is not known any more.
        #[serde(rename = "capacity_kbps")]
        capacity: Option<Bitrate>,
    },
    /// An operator or a viewer limits the bit rate.
    Override {
        /// When the order was given.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// For whom.
        scope: Scope,
        /// The limit; `None` takes an earlier one back.
        #[serde(rename = "max_bitrate_kbps")]
        max_bitrate: Option<Bitrate>,
        /// When it ends by itself; `None` holds until taken back.
        #[serde(rename = "until_us")]
        until: Option<Timestamp>,
    },
    /// An operator orders what steering is for.
    Objective {
        /// When.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// For whom.
        scope: Scope,
        /// What for; `None` takes an earlier order back.
        objective: Option<Objective>,
    },
    /// A viewer said something.
    Feedback {
        /// The stream it was written about.
        stream: StreamId,
        /// Who wrote it, as a keyed hash.
        author: AuthorId,
        /// When the message was written.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// The message, by the identifier its source gave it.
        id: String,
        /// What a classifier made of it.
        reading: Classification,
        /// The session of the author, where it is known and live: a command acts on it. Else a command is a vote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// A viewer asks for something for the own playback.
    Command {
        /// When the viewer asked.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// Whose playback.
        session: SessionId,
        /// What the player should do.
        command: Command,
    },
    /// What the sessions of a stream go through, counted over all engines: replaces, for a while, what this engine sees.
    Conditions {
        /// The stream.
        stream: StreamId,
        /// When the counts were taken.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// The counts.
        conditions: Conditions,
    },
    /// A session comes from a network: it joins the cohort of those that play the same stream from there.
    Join {
        /// When the network became known.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// The session.
        session: SessionId,
        /// From where; 0 when that is not known any more.
        network: NetworkId,
    },
    /// What a cohort measured, over all engines: counts, for a while, in place of what this engine sees of it.
    Cohort {
        /// When the sum was made.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// What its members play.
        stream: StreamId,
        /// The network they share.
        network: NetworkId,
        /// What to expect of one of them.
        outlook: CohortForecast,
    },
    /// What another engine's audience made the objectives worth.
    Weights {
        /// For which stream.
        stream: StreamId,
        /// When the weights changed.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// How much each objective matters from now on.
        weights: Weights,
    },
}

/// Whom an override concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One session.
    Session(SessionId),
    /// Every session of a stream.
    Stream(StreamId),
    /// Every session of the engine.
    All,
}

/// What a stream offers and aims for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StreamSettings {
    /// Its encodings.
    pub ladder: Ladder,
    /// Duration of one segment.
    #[serde(rename = "segment_duration_ms")]
    pub segment_duration: Duration,
    /// Distance behind live that players should keep when nothing is wrong.
    #[serde(rename = "target_latency_ms")]
    pub target_latency: Duration,
    /// Media that players should hold when nothing is wrong.
    #[serde(rename = "target_buffer_ms")]
    pub target_buffer: Duration,
    /// What steering is for here, where that differs from the engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// For how many bits, where that differs from the engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
}

impl Default for StreamSettings {
    /// 2 s segments, three of them buffered, two and a half behind live: what hls.js and dash.js settle at with
    /// their low-latency settings on such a stream.
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            segment_duration: Duration::from_secs(2),
            target_latency: Duration::from_secs(5),
            target_buffer: Duration::from_secs(6),
            objective: None,
            egress: None,
        }
    }
}

/// What comes out of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A session's decision changed.
    Decision(Decision),
    /// A session ended, fell silent, or made room for another.
    Expired {
        /// The session.
        session: SessionId,
        /// When it ended.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// What it was.
        summary: Summary,
    },
    /// The audience of a stream moved its objectives.
    Weights {
        /// The stream.
        stream: StreamId,
        /// When the weights changed.
        #[serde(rename = "at_us")]
        at: Timestamp,
        /// How much each objective matters from now on.
        weights: Weights,
    },
    /// Viewers complain about something that telemetry does not explain.
    BlindSpot(Box<BlindSpot>),
    /// Viewers no longer complain about it.
    BlindSpotCleared {
        /// The stream.
        stream: StreamId,
        /// What they complained about.
        aspect: crate::audience::Aspect,
        /// When the complaints had ceased for long enough.
        #[serde(rename = "at_us")]
        at: Timestamp,
    },
}
