//! What an experiment is: its arms, their shares, and how long it runs.

use super::{
    metric::{Guardrail, Metric},
    rfc3339,
};
use crate::{mode::Mode, objective::Objective, time::Timestamp};
use serde::{Deserialize, Serialize};

/// A way by which a decision reaches a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Actuator {
    /// Expected throughput (CMSD `etp`).
    Etp,
    /// Highest bit rate (CMSD `mb`, the playlist filter).
    Mb,
    /// The rung advised to a player that asks.
    Advice,
    /// Pathways of Content Steering.
    Steering,
    /// The agent's stretch: slower playback before a stall.
    Stretch,
}

impl Actuator {
    /// Every actuator.
    pub const ALL: [Self; 5] = [Self::Etp, Self::Mb, Self::Advice, Self::Steering, Self::Stretch];
}

/// What is drawn into an arm as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// One playback session.
    #[default]
    Session,
    /// One viewer, by cookie: all sessions of a person. A session without one is outside.
    Viewer,
    /// One access network. A session of an unknown one is outside.
    Network,
    /// One stream with its whole audience.
    Stream,
    /// Everybody, for a slice of time: switchback. The only valid unit where arms share a bottleneck.
    TimeSlice,
}

impl Unit {
    /// The name in configuration, requests and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Viewer => "viewer",
            Self::Network => "network",
            Self::Stream => "stream",
            Self::TimeSlice => "time_slice",
        }
    }
}

/// One way of treating sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name in reports, logs and labels.
    pub name: String,
    /// Share of the units, 0 to 1; where no arm says, all are equal and fill the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How far its decisions reach.
    #[serde(default)]
    pub mode: Mode,
    /// The policy of the engine; the configured one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The objective; that of the stream where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// By which ways decisions reach players; by all where absent, by none where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actuators: Option<Vec<Actuator>>,
}

impl Arm {
    /// Whether decisions of this arm reach players by `actuator`.
    #[must_use]
    pub fn acts_by(&self, actuator: Actuator) -> bool {
        self.mode == Mode::Steer && self.actuators.as_ref().is_none_or(|actuators| actuators.contains(&actuator))
    }
}

/// A comparison of arms on live traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its name: lower-case letters, digits, `_` and `-`.
    pub name: String,
    /// What is hashed with the unit; the name where absent. Another salt draws anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// What is drawn.
    #[serde(default)]
    pub unit: Unit,
    /// Names of the streams it runs on; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<String>,
    /// The arms; the first is the control.
    pub arms: Vec<Arm>,
    /// From when on, as RFC 3339 or seconds since the Unix epoch; at once where absent.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub start: Option<Timestamp>,
    /// Until when, likewise; until it is stopped where absent.
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub end: Option<Timestamp>,
    /// Length of a time slice in seconds; only with `unit = "time_slice"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice_s: Option<u32>,
    /// Beginning of a time slice that is not counted, in seconds: what the slice before left in buffers and queues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub washout_s: Option<u32>,
    /// What the experiment is about.
    #[serde(default)]
    pub primary: Metric,
    /// What may not get worse.
    #[serde(default = "Guardrail::defaults")]
    pub guardrails: Vec<Guardrail>,
    /// Largest share of each arm at each step, ascending (`[0.01, 0.05, 0.5]`); empty means all at once. A unit that is in
    /// stays in its arm at every later step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ramp: Vec<f64>,
    /// How long guardrails must hold before the next step, in seconds; a day where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_hold_s: Option<u32>,
}

/// A day has every hour of the audience's rhythm.
const RAMP_HOLD_S: u32 = 86_400;

impl Experiment {
    /// What is hashed with the unit.
    #[must_use]
    pub fn salt(&self) -> &str {
        self.salt.as_deref().unwrap_or(&self.name)
    }

    /// Whether it runs at `at`.
    #[must_use]
    pub fn runs_at(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at < end)
    }

    /// Whether it runs on the stream of that name.
    #[must_use]
    pub fn covers(&self, stream_name: &str) -> bool {
        self.streams.is_empty() || self.streams.iter().any(|name| name == stream_name)
    }

    /// Shares of the arms at full size, in their order.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let equal = 1.0 / self.arms.len().max(1) as f64;
        self.arms.iter().map(|arm| arm.share.unwrap_or(equal)).collect()
    }

    /// How long guardrails must hold before the next step of the ramp, seconds.
    #[must_use]
    pub fn ramp_hold_s(&self) -> u32 {
        self.ramp_hold_s.unwrap_or(RAMP_HOLD_S)
    }

    /// The largest share of each arm at a step of the ramp; all of it after the last and without a ramp.
    #[must_use]
    pub fn exposure(&self, step: usize) -> f64 {
        self.ramp.get(step).or(self.ramp.last()).copied().unwrap_or(1.0)
    }
}
