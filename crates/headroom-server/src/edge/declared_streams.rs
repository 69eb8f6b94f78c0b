//! `edge.streams`: streams whose manifests do not pass this server, as behind nginx, declared by the operator.

use crate::stream::ManifestSummary;
use headroom_core::{
    engine::StreamSettings,
    ladder::{Ladder, LadderError},
    objective::{Egress, Objective},
    time::Duration,
    units::Bitrate,
};
use headroom_wire::cmcd::StreamingFormat;
use serde::{Deserialize, Serialize};

/// Most streams declared: somebody writes each of these lines.
const MAX_STREAMS: usize = 1_000;

/// One stream; `default.toml` says what each key means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredStream {
    /// What players call it (CMCD `cid`), or the path of its manifest.
    pub name: String,
    /// `h` or `d`, as CMCD `sf`.
    #[serde(default = "hls")]
    pub format: String,
    /// Its encodings, kbit/s; empty: the default ladder.
    #[serde(default)]
    pub ladder_kbps: Vec<f64>,
    /// How long its segments are; 0: as long as the default stream's.
    #[serde(default)]
    pub segment_s: f64,
    /// What steering is for here, where that differs from `engine.objective`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// For how many bits, where that differs from `engine.egress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
}

fn hls() -> String {
    StreamingFormat::Hls.as_wire().to_owned()
}

impl DeclaredStream {
    /// What a manifest of this stream would say.
    pub(crate) fn discovered(&self, default: &Ladder) -> Result<ManifestSummary, String> {
        let format = StreamingFormat::from_wire(&self.format)
            .filter(|format| matches!(format, StreamingFormat::Hls | StreamingFormat::Dash))
            .ok_or_else(|| format!("{}: format {:?} is neither \"h\" nor \"d\"", self.name, self.format))?;
        if self.name.is_empty() || self.name.len() > 256 {
            return Err("a stream has a name of 1 to 256 bytes".to_owned());
        }
        if !(0.0..=30.0).contains(&self.segment_s) {
            return Err(format!("{}: segment_s {} is outside 0..=30", self.name, self.segment_s));
        }
        if !self.ladder_kbps.iter().all(|rate| (1.0..=1e6).contains(rate)) {
            return Err(format!("{}: bit rates lie in 1..=1000000 kbit/s", self.name));
        }
        let ladder = if self.ladder_kbps.is_empty() { Ok(default.clone()) } else { self.ladder() };
        Ok(ManifestSummary {
            format,
            ladder: Some(ladder.map_err(|error| format!("{}: {error}", self.name))?),
            // HLS variants include their audio; for DASH the rate is unknown.
            audio: (format == StreamingFormat::Hls).then_some(Bitrate::ZERO),
            segment_duration: (self.segment_s > 0.0).then(|| Duration::from_secs_f64(self.segment_s)),
            unread: Vec::new(),
            unread_count: 0,
        })
    }

    /// `default` with what the operator wants here.
    pub(crate) fn settings(&self, default: &StreamSettings) -> StreamSettings {
        StreamSettings {
            objective: self.objective.or(default.objective),
            egress: self.egress.or(default.egress),
            ..default.clone()
        }
    }

    fn ladder(&self) -> Result<Ladder, LadderError> {
        Ladder::from_bitrates(&self.ladder_kbps.iter().copied().map(Bitrate::from_kbps_f64).collect::<Vec<_>>())
    }
}

/// What is wrong with the declared streams; `None`: nothing.
pub(crate) fn flaw(streams: &[DeclaredStream], default: &Ladder) -> Option<String> {
    if streams.len() > MAX_STREAMS {
        return Some(format!("at most {MAX_STREAMS} streams are declared"));
    }
    let mut known = std::collections::BTreeSet::new();
    if let Some(twice) = streams.iter().find(|stream| !known.insert((&stream.name, &stream.format))) {
        return Some(format!("{} is declared twice", twice.name));
    }
    streams.iter().find_map(|stream| stream.discovered(default).err())
}
