//! What a session was worth.

use crate::session::Step;
use headroom_core::{
    ladder::Ladder,
    qoe::{Linear, Opinion, picture},
    time::Duration,
};
use serde::Serialize;

/// Figures of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Linear QoE for each segment, in Mbit/s. The first segment is not scored: its stall is the start-up.
    pub qoe: f64,
    /// Seconds stood still, without the start-up.
    pub stall_s: f64,
    /// Seconds stood still for each second of media played, without the start-up.
    pub stall_ratio: f64,
    /// Mean bit rate played, Mbit/s.
    pub bitrate_mbps: f64,
    /// Changes of rung in a minute of media.
    pub switches: f64,
    /// Mean distance behind the live edge, seconds; 0 on demand.
    pub latency_s: f64,
    /// Start-up delay, seconds.
    pub startup_s: f64,
    /// Stalls longer than [`NOTICED_S`] in a minute of media, without the start-up.
    pub stall_events_per_min: f64,
    /// Mean of ln(R / lowest) / ln(top / lowest) over segments of bit rate R, %: 100 is the top rung throughout. A doubling of the bit
    /// rate counts the same on every rung.
    pub log_quality: f64,
    /// Mean over segments of what the viewer would say until then ([`Opinion`]), 1 to 5.
    pub mos: f64,
    /// Bits sent, those of abandoned transfers included, for each second of media, Mbit/s.
    pub egress_mbps: f64,
    /// Mean time to recover from a drop of the link ([`crate::recovery`]), seconds; `None` where the link had none.
    pub recovery_s: Option<f64>,
}

/// A stall shorter than this is not noticed (a frame or two), seconds.
pub const NOTICED_S: f64 = 0.05;

impl Score {
    /// Scores a session; `None` when it has not two segments, for then nothing is scored.
    #[must_use]
    pub fn of(steps: &[Step], ladder: &Ladder, segment: Duration, qoe: &Linear) -> Option<Self> {
        let (first, scored) = steps.split_first()?;
        if scored.is_empty() {
            return None;
        }
        let segment_s = segment.as_secs_f64();
        let mut total = Self { startup_s: first.stall_s, ..Self::default() };
        let mut previous = first.rung;
        let mut opinion = Opinion::default();
        opinion.observe_picture(picture(&ladder.rungs()[usize::from(first.rung)]), segment);
        let startup = Duration::from_secs_f64(first.stall_s);
        for step in scored {
            let bitrate = ladder.bitrate(step.rung);
            if step.stall_s > NOTICED_S {
                total.stall_events_per_min += 1.0;
                opinion.observe_stall(Duration::from_secs_f64(step.stall_s));
            }
            opinion.observe_picture(picture(&ladder.rungs()[usize::from(step.rung)]), segment);
            let latency = (step.latency_s > 0.0).then(|| Duration::from_secs_f64(step.latency_s));
            total.mos += opinion.score(startup, latency).map_or(1.0, |mos| f64::from(mos.get()));
            total.log_quality += log_quality(ladder, bitrate.as_mbps());
            total.egress_mbps += (step.bits + step.wasted_bits) / 1e6;
            total.qoe += qoe.segment(bitrate, Some(ladder.bitrate(previous)), Duration::from_secs_f64(step.stall_s));
            total.stall_s += step.stall_s;
            total.bitrate_mbps += bitrate.as_mbps();
            total.switches += f64::from(u8::from(step.rung != previous));
            total.latency_s += step.latency_s;
            previous = step.rung;
        }
        let count = scored.len() as f64;
        total.qoe /= count;
        total.bitrate_mbps /= count;
        total.latency_s /= count;
        total.switches *= 60.0 / (count * segment_s);
        total.stall_events_per_min *= 60.0 / (count * segment_s);
        total.log_quality /= count;
        total.mos /= count;
        total.egress_mbps /= count * segment_s;
        total.stall_ratio = total.stall_s / (count * segment_s);
        Some(total)
    }
}

/// Where a bit rate stands between the lowest and the top rung, on a logarithmic scale, %; 100 on a ladder of one rung.
fn log_quality(ladder: &Ladder, mbps: f64) -> f64 {
    let lowest = ladder.bitrate(0).as_mbps();
    let range = (ladder.bitrate(ladder.top()).as_mbps() / lowest).ln();
    if range > 0.0 { 100.0 * (mbps / lowest).ln() / range } else { 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headroom_core::units::Bitrate;

    #[test]
    fn figures_of_a_session_of_known_steps() {
        let ladder = Ladder::from_bitrates(&[1, 2, 4].map(Bitrate::mbps)).unwrap();
        let step = |rung, stall_s, wasted_bits| Step {
            rung,
            stall_s,
            wasted_bits,
            bits: ladder.bitrate(rung).as_bps() as f64 * 2.0,
            latency_s: 6.0,
            ..Step::default()
        };
        let steps = [step(0, 9.0, 5e6), step(0, 0.0, 0.0), step(1, 1.0, 2e6), step(2, 0.04, 0.0), step(2, 0.0, 0.0)];
        let qoe = Linear { stall_penalty: 4.0, switch_penalty: 1.0 };
        let score = Score::of(&steps, &ladder, Duration::from_secs(2), &qoe).unwrap();
        let near =
            |value: f64, expected: f64| assert!((value - expected).abs() < 1e-9, "{value} for {expected}: {score:?}");
        near(score.startup_s, 9.0);
        near(score.stall_ratio, 1.04 / 8.0);
        near(score.stall_events_per_min, 60.0 / 8.0);
        near(score.log_quality, (0.0 + 50.0 + 100.0 + 100.0) / 4.0);
        near(score.switches, 2.0 * 60.0 / 8.0);
        near(score.egress_mbps, (2.0 + 4.0 + 8.0 + 8.0 + 2.0) / 8.0);
        near(score.qoe, (1.0 + 2.0 + 4.0 + 4.0 - 4.0 * 1.04 - 3.0) / 4.0);
        assert!(score.mos > 1.0 && score.mos < 5.0);
        assert_eq!(Score::of(&steps[..1], &ladder, Duration::from_secs(2), &qoe), None);
    }
}
