//! What can go wrong, and whom it calls.

use serde::Serialize;

/// Edges: name and part of the viewers. The last is the one that goes bad.
pub(super) const EDGES: [(&str, f64); 2] = [("one", 0.6), ("two", 0.4)];

pub(super) const BAD_EDGE: &str = EDGES[EDGES.len() - 1].0;

/// Networks: name, part of the viewers, and how much more often those stall than others on ordinary days. The last is the one
/// that goes bad.
pub(super) const NETWORKS: [(&str, f64, f64); 3] = [("1", 0.5, 1.0), ("2", 0.3, 1.1), ("3", 0.2, 1.2)];

pub(super) const BAD_NETWORK: &str = NETWORKS[NETWORKS.len() - 1].0;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A link fills up: more and more stalls.
    Congestion,
    /// Demand grows beyond an egress.
    Saturation,
    /// Pictures get worse.
    Quality,
    /// The publisher walks out of coverage.
    Radio,
    /// Reports stop.
    Silence,
    /// The publisher's uplink or encoder breaks down.
    Ingest,
    /// The encoder drops one frame in seven.
    Drops,
    /// The encoder makes less than a second of media a second.
    Drift,
    /// One network's viewers stall more than the rest.
    Network,
    /// One edge's viewers stall more than the rest.
    Edge,
    /// Stalls settle on four times what they were: too few for the threshold, too many to be the same.
    Shift,
    /// Pictures settle on a worse level, above the threshold.
    Dimming,
    /// The sound breaks: players see nothing of it, viewers write of it.
    Sound,
    /// Headroom's own rounds come late.
    Lag,
}

impl IncidentKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Congestion,
        Self::Saturation,
        Self::Quality,
        Self::Radio,
        Self::Silence,
        Self::Ingest,
        Self::Drops,
        Self::Drift,
        Self::Network,
        Self::Edge,
        Self::Shift,
        Self::Dimming,
        Self::Sound,
        Self::Lag,
    ];

    /// Whether it comes gradually, so that it can be foreseen. Drift does not: the speed changes at once, and what adds up
    /// is only its consequence.
    #[must_use]
    pub fn is_ramp(self) -> bool {
        matches!(self, Self::Congestion | Self::Saturation | Self::Quality | Self::Radio)
    }

    /// The rules that should tell.
    pub(super) fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Congestion => &["stalls"],
            Self::Saturation => &["saturation"],
            Self::Quality => &["opinion"],
            Self::Radio => &["radio"],
            Self::Silence => &["silence"],
            Self::Ingest => &["ingest_bitrate", "ingest_frame_rate"],
            Self::Drops => &["encoder_drops"],
            Self::Drift => &["encoder_drift_rate", "encoder_drift"],
            Self::Network | Self::Edge => &["outlier_network"],
            Self::Shift => &["stall_shift"],
            Self::Dimming => &["opinion_shift"],
            Self::Sound => &["blind_spot"],
            Self::Lag => &["lag"],
        }
    }
}

/// Something that goes wrong, with one stream or with everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incident {
    pub(super) kind: IncidentKind,
    pub(super) stream: u64,
    pub(super) starts_s: u64,
    /// Time until it is at its worst.
    pub(super) ramp_s: u64,
    pub(super) ends_s: u64,
    /// How bad its worst is among its kind, 0 to 1; drift alone has milder and graver cases.
    pub(super) size: f64,
}

impl Incident {
    /// How bad it is at a time, 0 to 1.
    pub(super) fn severity(&self, at_s: u64) -> f64 {
        match at_s {
            _ if at_s < self.starts_s || at_s >= self.ends_s => 0.0,
            _ if self.ramp_s == 0 => 1.0,
            _ => ((at_s - self.starts_s) as f64 / self.ramp_s as f64).min(1.0),
        }
    }

    /// Whom an alert must name to be about it.
    fn subject(&self) -> String {
        match self.kind {
            IncidentKind::Silence | IncidentKind::Lag => "fleet".to_owned(),
            IncidentKind::Saturation => "bottleneck=all".to_owned(),
            IncidentKind::Network => format!("network={}", BAD_NETWORK),
            IncidentKind::Edge => format!("edge={}", BAD_EDGE),
            _ => format!("stream={}", self.stream),
        }
    }

    /// Whether an alert tells of it while it lasts.
    pub(super) fn is_told_by(&self, page: &AlertPage) -> bool {
        (self.starts_s..self.ends_s).contains(&page.at_s)
            && self.kind.rules().contains(&page.rule.as_str())
            && self.subject() == page.subject
    }
}

/// Somebody was called.
#[derive(Debug)]
pub(super) struct AlertPage {
    pub(super) at_s: u64,
    pub(super) rule: String,
    pub(super) subject: String,
}
