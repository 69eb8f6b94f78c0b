//! A session as people and programs read it.

use super::record::{NO_RUNG, Record};
use crate::{
    decision::Reason,
    forecast::{Forecast, Signal},
    ladder::Ladder,
    objective::Objective,
    telemetry::{SessionId, StreamId},
    time::{Duration, Timestamp},
    units::{Bitrate, Mos, Ratio},
};
use serde::{Deserialize, Serialize};

/// State of one live session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// The session.
    pub session: SessionId,
    /// What it plays.
    pub stream: StreamId,
    /// First report.
    #[serde(rename = "started_us")]
    pub started: Timestamp,
    /// Latest report.
    #[serde(rename = "last_seen_us")]
    pub last_seen: Timestamp,
    /// Media ahead of the playhead.
    #[serde(rename = "buffer_length_ms")]
    pub buffer_length: Option<Duration>,
    /// Distance behind live.
    #[serde(rename = "live_latency_ms")]
    pub live_latency: Option<Duration>,
    /// What steering is for here. Snapshots of before have none: `smooth`.
    #[serde(default)]
    pub objective: Objective,
    /// Bit rate of the rung played.
    #[serde(rename = "playing_kbps")]
    pub playing: Option<Bitrate>,
    /// Bit rate of the cap in force.
    #[serde(rename = "max_bitrate_kbps")]
    pub max_bitrate: Option<Bitrate>,
    /// Throughput expected over the next 4 s: 10 %, 50 % and 90 % quantiles.
    #[serde(rename = "forecast_kbps")]
    pub forecast: Option<[Bitrate; 3]>,
    /// What the viewer would say so far.
    pub mos: Option<Mos>,
    /// Probability of a stall within the horizon.
    pub stall_risk: Ratio,
    /// Why the cap is what it is.
    pub reason: Reason,
    /// Round-trip time.
    #[serde(rename = "rtt_ms")]
    pub rtt: Option<Duration>,
    /// Variation of the round-trip time.
    #[serde(rename = "jitter_ms")]
    pub jitter: Option<Duration>,
    /// Share of packets lost or sent again.
    pub loss_ratio: Option<Ratio>,
    /// Reference signal received power.
    pub rsrp_dbm: Option<f32>,
    /// Reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise ratio.
    pub sinr_db: Option<f32>,
    /// Stalls so far.
    pub starvations: u16,
    /// Time stalled so far, as reported.
    #[serde(rename = "stalled_ms")]
    pub stalled: Duration,
}

/// What a session was, reported once when it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// First report.
    #[serde(rename = "started_us")]
    pub started: Timestamp,
    /// Last report.
    #[serde(rename = "last_seen_us")]
    pub last_seen: Timestamp,
    /// What the viewer would say.
    pub mos: Option<Mos>,
    /// Stalls so far.
    pub starvations: u16,
    /// Time stalled, as reported.
    #[serde(rename = "stalled_ms")]
    pub stalled: Duration,
}

impl Record {
    pub(crate) fn snapshot(
        &self,
        stream: StreamId,
        objective: Objective,
        ladder: &Ladder,
        forecast: &Forecast,
    ) -> Snapshot {
        let Signal { rsrp_dbm, rsrq_db, sinr_db } = self.signal();
        Snapshot {
            session: self.id,
            stream,
            started: self.started,
            last_seen: self.last_seen,
            buffer_length: self.buffer_length(),
            live_latency: self.live_latency(),
            objective,
            playing: self.playing(ladder).map(|rung| ladder.bitrate(rung)),
            max_bitrate: (self.cap != NO_RUNG).then(|| ladder.bitrate(self.cap)),
            forecast: interval(forecast),
            mos: self.score(),
            stall_risk: Ratio::clamped(f32::from(self.stall_risk_percent) / 100.0),
            reason: self.reason,
            rtt: self.rtt(),
            jitter: self.jitter(),
            loss_ratio: self.loss_ratio(),
            rsrp_dbm,
            rsrq_db,
            sinr_db,
            starvations: self.starvations,
            stalled: Duration::from_millis(u64::from(self.stall_ms)),
        }
    }

    /// What the viewer would say so far.
    pub(crate) fn score(&self) -> Option<Mos> {
        self.opinion.score(Duration::from_millis(u64::from(self.start_delay_ms)), self.live_latency())
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            started: self.started,
            last_seen: self.last_seen,
            mos: self.score(),
            starvations: self.starvations,
            stalled: Duration::from_millis(u64::from(self.stall_ms)),
        }
    }
}

fn interval(forecast: &Forecast) -> Option<[Bitrate; 3]> {
    let scenarios = forecast.scenarios(Duration::from_secs(4));
    let rate = |level: usize| Bitrate::from_kbps_f64(f64::from(scenarios[level]));
    (!forecast.is_unknown()).then(|| [rate(0), rate(2), rate(4)])
}
