//! `[history.archive]`.

use serde::{Deserialize, Serialize};

/// `[history.archive]` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A directory or `s3://BUCKET/PREFIX`; empty: no archive.
    pub location: String,
    /// Address of a service other than Amazon's that speaks S3.
    pub s3_endpoint: String,
    /// Region of the bucket.
    pub s3_region: String,
    /// Share of the sessions of which every report is kept.
    pub session_share: f64,
    /// Seconds until a file is closed.
    pub segment_s: u64,
    /// Seconds before and after an alert of which reports of everybody are kept.
    pub incident_s: u64,
    /// Reports held ready for an incident at most. Where that is less than `incident_s` of them, sessions are sampled.
    pub incident_samples: usize,
    /// Days until files are deleted.
    pub retention_days: u32,
    /// Size from which the oldest files are deleted early, MiB.
    pub max_megabytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            location: String::new(),
            s3_endpoint: String::new(),
            s3_region: "us-east-1".into(),
            session_share: 0.01,
            segment_s: 300,
            incident_s: 30,
            incident_samples: 100_000,
            retention_days: 30,
            max_megabytes: 10_240,
        }
    }
}

impl Settings {
    /// Whether there is an archive.
    pub(crate) fn enabled(&self) -> bool {
        !self.location.is_empty()
    }
}
