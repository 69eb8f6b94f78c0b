//! What is measured in every arm, and what may not get worse.

use serde::{Deserialize, Serialize};

/// A ratio of two sums over units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Seconds stalled for each second watched.
    #[default]
    StallRatio,
    /// Stalls for each hour watched.
    StallEvents,
    /// Mean logarithm of the bit rate over the lowest rung's, weighted by time played.
    LogQuality,
    /// Seconds from the first request to the first picture, for each start.
    StartTime,
    /// Fatal errors for each session.
    FatalErrors,
    /// Starts that came to nothing, for each session.
    StartFailures,
    /// Seconds watched for each session.
    PlayTime,
    /// Seconds behind live, weighted by time played.
    Latency,
    /// Changes of rung for each minute played.
    Switches,
    /// Megabits sent for each second played.
    Egress,
    /// Cost of delivery by pathway for each hour played.
    Cost,
}

impl Metric {
    /// Every metric, in the order of a report.
    pub const ALL: [Self; 11] = [
        Self::StallRatio,
        Self::StallEvents,
        Self::LogQuality,
        Self::StartTime,
        Self::FatalErrors,
        Self::StartFailures,
        Self::PlayTime,
        Self::Latency,
        Self::Switches,
        Self::Egress,
        Self::Cost,
    ];

    /// The name in configuration, requests and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StallRatio => "stall_ratio",
            Self::StallEvents => "stall_events",
            Self::LogQuality => "log_quality",
            Self::StartTime => "start_time",
            Self::FatalErrors => "fatal_errors",
            Self::StartFailures => "start_failures",
            Self::PlayTime => "play_time",
            Self::Latency => "latency",
            Self::Switches => "switches",
            Self::Egress => "egress",
            Self::Cost => "cost",
        }
    }

    /// Whether more of it is better for the viewer or the operator.
    #[must_use]
    pub const fn more_is_better(self) -> bool {
        matches!(self, Self::LogQuality | Self::PlayTime)
    }
}

/// How much worse than the control an arm may be before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Guardrail {
    /// What is watched.
    pub metric: Metric,
    /// Harm that is tolerated, as a share of the control's value: 0.1 is a tenth worse. The arm is stopped once harm beyond it
    /// is more than chance.
    pub tolerance: f64,
}

impl Guardrail {
    /// Those of an experiment that names none. Tolerances are own choices: a ramp is for finding harm, not for proving that
    /// there is none of a percent.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        [
            (Metric::StallRatio, 0.1),
            (Metric::FatalErrors, 0.1),
            (Metric::StartFailures, 0.1),
            (Metric::LogQuality, 0.1),
            (Metric::Latency, 0.1),
            (Metric::Egress, 0.25),
        ]
        .into_iter()
        .map(|(metric, tolerance)| Self { metric, tolerance })
        .collect()
    }
}
