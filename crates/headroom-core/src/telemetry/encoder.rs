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
    #[cfg_attr(feature = "schema", schema(format = "uint32", minimum = 0, maximum = 4_294_967_295_u32))]
    pub dropped_frames: Option<u32>,
    /// Media encoded or received since the publisher began, by its own time stamps: ffmpeg's `out_time_us` ÷ 1000, or the time
    /// stamp of the last frame. Beside the wall clock it shows an encoder that drifts.
    #[serde(rename = "media_time_ms", skip_serializing_if = "Option::is_none")]
    pub media_time: Option<Duration>,
    /// Round-trip time of the publishing link.
    #[serde(rename = "rtt_ms", skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Duration>,
}
