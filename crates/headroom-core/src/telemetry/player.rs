//! The player's own view of its session.

use crate::{time::Duration, units::Bitrate};
use serde::{Deserialize, Serialize};

/// What a player says of itself. Every field is optional: players report what they know.
///
/// Field names spell out the CMCD keys of CTA-5004 and CTA-5004-B; the key is named in each doc line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Player {
    /// Bit rate of the object asked for or played (`br`).
    #[serde(rename = "encoded_bitrate_kbps", skip_serializing_if = "Option::is_none")]
    pub encoded_bitrate: Option<Bitrate>,
    /// Highest bit rate the player may choose from (`tb`).
    #[serde(rename = "top_bitrate_kbps", skip_serializing_if = "Option::is_none")]
    pub top_bitrate: Option<Bitrate>,
    /// Throughput as the player measures it (`mtp`): with `transfer_time` that of one transfer, without it the player's own
    /// average.
    #[serde(rename = "measured_throughput_kbps", skip_serializing_if = "Option::is_none")]
    pub measured_throughput: Option<Bitrate>,
    /// Time the one transfer behind `measured_throughput` took: its weight as evidence.
    #[serde(rename = "transfer_time_ms", skip_serializing_if = "Option::is_none")]
    pub transfer_time: Option<Duration>,
    /// Media ahead of the playhead (`bl`).
    #[serde(rename = "buffer_length_ms", skip_serializing_if = "Option::is_none")]
    pub buffer_length: Option<Duration>,
    /// Buffer the player aims for (`tbl`).
    #[serde(rename = "target_buffer_length_ms", skip_serializing_if = "Option::is_none")]
    pub target_buffer_length: Option<Duration>,
    /// Distance behind the live edge (`ltc`).
    #[serde(rename = "live_latency_ms", skip_serializing_if = "Option::is_none")]
    pub live_latency: Option<Duration>,
    /// Duration of the object asked for (`d`): the segment duration.
    #[serde(rename = "object_duration_ms", skip_serializing_if = "Option::is_none")]
    pub object_duration: Option<Duration>,
    /// From play request to first picture (`msd`).
    #[serde(rename = "media_start_delay_ms", skip_serializing_if = "Option::is_none")]
    pub media_start_delay: Option<Duration>,
    /// Playback rate, 1 = real time (`pr`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playback_rate: Option<f32>,
    /// What the player is doing (`sta`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PlayerState>,
    /// The buffer ran dry since the last report (`bs`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub buffer_starvation: bool,
    /// How long the playhead stood still since the last report (`bsd`).
    #[serde(rename = "starvation_duration_ms", skip_serializing_if = "Option::is_none")]
    pub starvation_duration: Option<Duration>,
    /// The object is needed urgently: start-up, seek or recovery (`su`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub startup: bool,
    /// Frames dropped since the start (`dfa`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(format = "uint32", minimum = 0, maximum = 4_294_967_295_u32))]
    pub dropped_frames: Option<u32>,
    /// Which player it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
}

/// Which player reports, as far as the rule by which it chooses rungs differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Client {
    /// dash.js, and every player that does not say: DYNAMIC.
    #[default]
    #[serde(rename = "dash.js")]
    DashJs,
    /// hls.js.
    #[serde(rename = "hls.js")]
    HlsJs,
    /// Shaka Player.
    #[serde(rename = "shaka")]
    Shaka,
}

impl Client {
    /// Every one that our rules tell apart.
    pub const ALL: [Self; 3] = [Self::DashJs, Self::HlsJs, Self::Shaka];

    /// The name in requests and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DashJs => "dash.js",
            Self::HlsJs => "hls.js",
            Self::Shaka => "shaka",
        }
    }

    /// The player of this name; `None` for any other.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name() == name)
    }
}

/// Player states of CMCD v2 (`sta`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlayerState {
    /// Loading before the first picture.
    Starting,
    /// Playing.
    Playing,
    /// Moving the playhead.
    Seeking,
    /// Standing still for lack of media.
    Rebuffering,
    /// Paused by the viewer.
    Paused,
    /// Waiting for an action outside the player.
    Waiting,
    /// At the end of the media.
    Ended,
    /// Stopped by an error.
    FatalError,
    /// Left.
    Quit,
    /// Loading ahead of a start that may never come.
    Preloading,
}
