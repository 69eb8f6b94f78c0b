//! The radio's view, from a modem or a data set.

use serde::{Deserialize, Serialize};

/// Signal measurements of 3GPP TS 38.215 §5.1. Data sets that say SNR are mapped to `sinr_db` at the border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Radio {
    /// Reference signal received power, dBm (−156…−31).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsrp_dbm: Option<f32>,
    /// Reference signal received quality, dB (−43…20).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rsrq_db: Option<f32>,
    /// Signal to noise and interference ratio, dB (−23…40).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sinr_db: Option<f32>,
    /// Channel quality indicator, 0…15 (3GPP TS 38.214 §5.2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(format = "uint8", minimum = 0, maximum = 255))]
    pub cqi: Option<u8>,
}
