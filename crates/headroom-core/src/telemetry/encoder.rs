//! The publisher's encoder, as seen by the ingest server or the encoder itself.

use crate::{time::Duration, units::Bitrate};
use serde::{Deserialize, Serialize};

/// What arrives from the publisher.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Encoder {
    /// Bit rate received from the publisher.
    #[serde(rename = "ingest_bitrate_kbps", skip_serializing_if = "Option::is_none")]
    pub ingest_bitrate: Option<Bitrate>,
    /// Frames received per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<f32>,
    /// Frames the encoder dropped since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_frames: Option<u32>,
    /// Round-trip time of the publishing link.
    #[serde(rename = "rtt_ms", skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Duration>,
}
