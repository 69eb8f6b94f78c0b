//! The transport's view of the path to one viewer.

use crate::{
    time::Duration,
    units::{Bitrate, Ratio},
};
use serde::{Deserialize, Serialize};

/// What the transport measured: TCP_INFO of the serving socket, SRT statistics, or a probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Smoothed round-trip time.
    #[serde(rename = "rtt_ms", skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Duration>,
    /// Variation of the round-trip time (RFC 6298 RTTVAR for TCP, RFC 3550 §6.4.1 for RTP).
    #[serde(rename = "jitter_ms", skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// Share of packets lost or sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_ratio: Option<Ratio>,
    /// Rate at which the receiver acknowledged data.
    #[serde(rename = "delivery_rate_kbps", skip_serializing_if = "Option::is_none")]
    pub delivery_rate: Option<Bitrate>,
    /// Time the sender had data under way, where `delivery_rate` is the mean over a whole object; absent where it is that of
    /// the latest acknowledgements.
    #[serde(rename = "busy_ms", skip_serializing_if = "Option::is_none")]
    pub busy: Option<Duration>,
    /// The sender had too little to send, so `delivery_rate` is the least the link can carry
    /// (draft-cheng-iccrg-delivery-rate-estimation §2.4).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub application_limited: bool,
}
