//! The constants of each preset, fitted by hand to measured traces at 1 s.
//!
//! Targets were the 5/25/50/75/95 % quantiles, the share of seconds under 100 kbit/s, and the autocorrelation at 1, 2, 5,
//! 10 and 30 s, each as the mean over the development files named at the preset. docs/traces.md has the comparison.

use std::fmt;
use std::str::FromStr;

/// A kind of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// In a car on sub-6 GHz 5G with LTE anchor: after 10 UCC 5G download drives.
    Driving,
    /// At rest, same network: after 3 UCC 5G static downloads.
    Static,
    /// On foot near mmWave 5G: after 43 Lumos5G walks.
    Walking,
    /// Mid-band 5G with 90 or 100 MHz: after 3 recordings of SIGCOMM24-5GinMidBands.
    MidBand,
    /// LTE, walking and driving: after 100 Lumos5G recordings.
    Lte,
}

/// Every preset and its name.
const NAMES: [(Preset, &str); 5] = [
    (Preset::Driving, "driving"),
    (Preset::Static, "static"),
    (Preset::Walking, "walking"),
    (Preset::MidBand, "midband"),
    (Preset::Lte, "lte"),
];

/// When a name is none of the presets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no preset is named `{0}`: driving, static, walking, midband, lte")]
pub struct UnknownPreset(String);

impl fmt::Display for Preset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NAMES.iter().find(|(preset, _)| preset == self).map_or("?", |(_, name)| name))
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(preset, _)| *preset).ok_or_else(|| UnknownPreset(text.to_owned()))
    }
}

/// One regime of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Regime {
    /// Throughput without shadowing and fading, kbit/s.
    pub(super) level_kbps: f64,
    /// Mean stay, seconds.
    pub(super) stay_s: f64,
    /// Share of the time.
    pub(super) share: f64,
    pub(super) rsrp_dbm: f64,
    pub(super) sinr_db: f64,
    /// Factor on round-trip excess and loss.
    pub(super) strain: f64,
    /// Fallen back to LTE.
    pub(super) lte: bool,
}

/// The constants of a preset.
#[derive(Debug)]
pub(super) struct Shape {
    /// Strong, fair, weak.
    pub(super) regimes: [Regime; 3],
    /// Standard deviation of the session's level, in the logarithm.
    pub(super) session_spread: f64,
    /// Time constant of shadowing, seconds, and its effect in the logarithm of throughput.
    pub(super) shadowing_s: f64,
    pub(super) shadowing_spread: f64,
    /// Time constant of fading, seconds, and its effect in the logarithm of throughput.
    pub(super) fading_s: f64,
    pub(super) fading_spread: f64,
    /// Outages that start per second, and their mean length, seconds.
    pub(super) outages_per_s: f64,
    pub(super) outage_s: f64,
    pub(super) ceiling_kbps: f64,
    /// Standard deviations of RSRP and SINR inside a regime, dB.
    pub(super) rsrp_spread_db: f64,
    pub(super) sinr_spread_db: f64,
    /// Round-trip time: floor and median excess of the strong regime, milliseconds; spread in the logarithm.
    pub(super) rtt_floor_ms: f64,
    pub(super) rtt_excess_ms: f64,
    pub(super) rtt_excess_spread: f64,
    /// Share of seconds with loss in the strong regime.
    pub(super) loss_share: f64,
    /// LTE throughout.
    pub(super) lte: bool,
}

/// Radio levels of the three regimes, inside the ranges of the brief: strong −86 dBm and 16 dB (CQI 12), fair −95 dBm and
/// 9 dB (CQI 9), weak −106 dBm and 3 dB (CQI 6), as in the coverage classes that operators publish.
const fn strong(level_kbps: f64, stay_s: f64, share: f64) -> Regime {
    Regime { level_kbps, stay_s, share, rsrp_dbm: -86.0, sinr_db: 16.0, strain: 1.0, lte: false }
}

const fn fair(level_kbps: f64, stay_s: f64, share: f64) -> Regime {
    Regime { level_kbps, stay_s, share, rsrp_dbm: -95.0, sinr_db: 9.0, strain: 1.4, lte: false }
}

const fn weak(level_kbps: f64, stay_s: f64, share: f64, lte: bool) -> Regime {
    Regime { level_kbps, stay_s, share, rsrp_dbm: -106.0, sinr_db: 3.0, strain: 2.0, lte }
}

/// UCC drives: 0/2.9/9.0/21.8/167 Mbit/s, 9.6 % under 0.1; autocorrelation .83 .66 .44 .42; ping 67/82/191 ms.
const DRIVING: Shape = Shape {
    regimes: [strong(120e3, 14.0, 0.18), fair(13e3, 40.0, 0.47), weak(4e3, 45.0, 0.35, true)],
    session_spread: 0.35,
    shadowing_s: 60.0, // RSRP there: autocorrelation .97 at 1 s, .84 at 10 s, .63 at 30 s
    shadowing_spread: 0.4,
    fading_s: 2.2,
    fading_spread: 0.55,
    outages_per_s: 0.05,
    outage_s: 1.9,
    ceiling_kbps: 250e3,
    rsrp_spread_db: 5.0,
    sinr_spread_db: 3.0,
    rtt_floor_ms: 64.0,
    rtt_excess_ms: 11.0,
    rtt_excess_spread: 1.2,
    loss_share: 0.05,
    lte: false,
};

/// UCC at rest: 0/15/45/148/229 Mbit/s, 8.4 % under 0.1; autocorrelation .80 .57 .32 .39; ping 66/68/91 ms.
const STATIC: Shape = Shape {
    regimes: [strong(200e3, 16.0, 0.38), fair(50e3, 20.0, 0.34), weak(16e3, 20.0, 0.28, false)],
    session_spread: 0.3,
    shadowing_s: 120.0,
    shadowing_spread: 0.2,
    fading_s: 2.0,
    fading_spread: 0.35,
    outages_per_s: 0.04,
    outage_s: 2.3,
    ceiling_kbps: 255e3,
    rsrp_spread_db: 2.0,
    sinr_spread_db: 2.5,
    rtt_floor_ms: 64.0,
    rtt_excess_ms: 3.0,
    rtt_excess_spread: 1.0,
    loss_share: 0.01,
    lte: false,
};

/// Lumos5G walks: 8/111/493/896/1410 Mbit/s, 2.3 % under 0.1; autocorrelation .92 .85 .70 .54. It has no pings: those
/// of the static preset with a floor of 20 ms, a usual distance from mmWave 5G to a near edge.
const WALKING: Shape = Shape {
    regimes: [strong(1050e3, 32.0, 0.32), fair(500e3, 32.0, 0.40), weak(55e3, 22.0, 0.28, true)],
    session_spread: 0.25,
    shadowing_s: 25.0,
    shadowing_spread: 0.2,
    fading_s: 8.0,
    fading_spread: 0.33,
    outages_per_s: 0.011,
    outage_s: 2.1,
    ceiling_kbps: 1600e3,
    rsrp_spread_db: 4.0,
    sinr_spread_db: 3.0,
    rtt_floor_ms: 20.0,
    rtt_excess_ms: 4.0,
    rtt_excess_spread: 1.0,
    loss_share: 0.02,
    lte: false,
};

/// SIGCOMM24 mid-band: 296/458/618/738/820 Mbit/s, no outage; autocorrelation .81 .76 .68 .66. It has no pings: as walking.
const MID_BAND: Shape = Shape {
    regimes: [strong(780e3, 120.0, 0.52), fair(590e3, 110.0, 0.33), weak(330e3, 60.0, 0.15, false)],
    session_spread: 0.05,
    shadowing_s: 60.0,
    shadowing_spread: 0.1,
    fading_s: 1.0,
    fading_spread: 0.12,
    outages_per_s: 0.0,
    outage_s: 1.0,
    ceiling_kbps: 980e3,
    rsrp_spread_db: 3.0,
    sinr_spread_db: 2.5,
    rtt_floor_ms: 20.0,
    rtt_excess_ms: 3.0,
    rtt_excess_spread: 0.8,
    loss_share: 0.01,
    lte: false,
};

/// Lumos5G on LTE: 3/13/31/60/111 Mbit/s, 1 % under 0.1; autocorrelation .89 .82 .69 .56. It has no pings: a floor of 40 ms.
const LTE: Shape = Shape {
    regimes: [strong(70e3, 40.0, 0.33), fair(30e3, 40.0, 0.40), weak(8e3, 30.0, 0.27, true)],
    session_spread: 0.45,
    shadowing_s: 40.0,
    shadowing_spread: 0.3,
    fading_s: 4.0,
    fading_spread: 0.33,
    outages_per_s: 0.004,
    outage_s: 2.7,
    ceiling_kbps: 140e3,
    rsrp_spread_db: 5.0,
    sinr_spread_db: 3.0,
    rtt_floor_ms: 40.0,
    rtt_excess_ms: 8.0,
    rtt_excess_spread: 1.0,
    loss_share: 0.03,
    lte: true,
};

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [Self::Driving, Self::Static, Self::Walking, Self::MidBand, Self::Lte];

    pub(super) fn shape(self) -> &'static Shape {
        match self {
            Self::Driving => &DRIVING,
            Self::Static => &STATIC,
            Self::Walking => &WALKING,
            Self::MidBand => &MID_BAND,
            Self::Lte => &LTE,
        }
    }
}
