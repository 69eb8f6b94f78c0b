//! What is seen of publishers: what they send beside what is usual for each, frames their encoders drop, and their drift.

use super::{drift::Drift, evaluate::SignalValue, rules::Signal};
use headroom_cluster::publishers::Encoders;
use headroom_core::{
    telemetry::{Encoder, StreamId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// Share of a new value in what is usual for a publisher: a half-life of seven minutes of rounds.
const USUAL: f64 = 1.0 / 60.0;

/// Rounds until it is known what is usual for a publisher.
const LEARNING: u32 = 12;

/// A publisher's report is news for this long, s.
const FRESH_S: f64 = 30.0;

/// What is remembered of publishers.
#[derive(Debug, Default)]
pub(super) struct Publishers {
    usual: BTreeMap<(StreamId, Signal), Usual>,
    /// Dropped frames at each publisher's last report, and the share of frames dropped before it.
    dropped: BTreeMap<StreamId, ((Timestamp, u32), Option<f64>)>,
    drifts: BTreeMap<StreamId, Drift>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    level: f64,
    seen: u32,
    last: f64,
}

impl Publishers {
    /// The readings of a round.
    pub(super) fn read(
        &mut self,
        now: Timestamp,
        encoders: &Encoders,
        name: impl Fn(StreamId) -> String,
    ) -> Vec<SignalValue> {
        self.usual.retain(|(stream, _), _| encoders.contains_key(stream));
        self.dropped.retain(|stream, _| encoders.contains_key(stream));
        self.drifts.retain(|stream, _| encoders.contains_key(stream));
        let mut readings = Vec::new();
        for (&stream, (at, encoder)) in encoders {
            let subject = format!("stream={}", name(stream));
            let mut push = |signal, value, evidence| {
                let subject = subject.clone();
                readings.push(SignalValue { signal, subject, latest: value, minute: value, sessions: 0.0, evidence });
            };
            if let Some(share) = self.dropped(stream, *at, encoder) {
                push(Signal::DroppedFrameRatio, share, String::new());
            }
            if let Some(media) = encoder.media_time {
                let drift = self.drifts.entry(stream).or_insert_with(|| Drift::new(*at, media));
                drift.observe(*at, media);
                push(Signal::EncoderDriftMs, drift.accumulated_ms().abs(), drift.evidence());
                if let Some(rate) = drift.ms_per_minute() {
                    push(Signal::EncoderDriftRate, rate.abs(), drift.evidence());
                }
            }
            let silent = now.since(*at).as_secs_f64() > FRESH_S;
            let values = [
                (Signal::IngestBitrateRatio, encoder.ingest_bitrate.map(|rate| rate.as_kbps())),
                (Signal::FrameRateRatio, encoder.frame_rate.map(f64::from)),
            ];
            for (signal, value) in values {
                // A publisher that reported and fell silent sends nothing, as far as anybody knows.
                let Some(value) = value.map(|value| if silent { 0.0 } else { value }) else { continue };
                let usual = self.usual.entry((stream, signal)).or_default();
                let ratio = usual.compare(value);
                if usual.seen > LEARNING {
                    push(signal, ratio, String::new());
                }
            }
        }
        readings
    }

    /// Share of its frames that a publisher's encoder has dropped since its last report; `None` where it does not report that.
    fn dropped(&mut self, stream: StreamId, at: Timestamp, encoder: &Encoder) -> Option<f64> {
        let (count, rate) = (encoder.dropped_frames?, encoder.frame_rate?);
        let (before, share) = self.dropped.entry(stream).or_insert(((at, count), None));
        let span_s = at.since(before.0).as_secs_f64();
        // A count that went back is that of an encoder that started again; a report that did not come changes nothing.
        if span_s > 0.0 {
            let lost = f64::from(count.saturating_sub(before.1));
            *share = Some(lost / (lost + f64::from(rate.max(0.0)) * span_s).max(1.0));
            *before = (at, count);
        }
        *share
    }
}

impl Usual {
    /// How `value` compares to what is usual; learns from it unless it is far below.
    fn compare(&mut self, value: f64) -> f64 {
        self.seen = self.seen.saturating_add(1);
        let share = USUAL.max(1.0 / f64::from(self.seen));
        self.last = if self.level > 0.0 { value / self.level } else { 1.0 };
        // A drop must stay a drop while it lasts; a publisher that settles lower is usual after some hours.
        let share = if self.last < 0.8 && self.seen > LEARNING { share / 20.0 } else { share };
        self.level += share * (value - self.level);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{
        evaluate::{Evaluator, Stage},
        rules::Rule,
    };
    use headroom_core::{time::Duration, units::Bitrate};

    #[test]
    fn dropped_frames_are_a_share_of_those_since_the_last_report() {
        let mut publishers = Publishers::default();
        let mut share = |at_s: u64, dropped: u32| {
            let encoder = Encoder {
                ingest_bitrate: Some(Bitrate::kbps(6_000)),
                frame_rate: Some(54.0),
                dropped_frames: Some(dropped),
                ..Encoder::default()
            };
            let at = Timestamp::from_millis(at_s * 1_000);
            let encoders = Encoders::from([(StreamId(1), (at, encoder))]);
            let readings = publishers.read(at, &encoders, |stream| stream.0.to_string());
            readings
                .into_iter()
                .find(|reading| reading.signal == Signal::DroppedFrameRatio)
                .map(|reading| reading.latest)
        };
        assert_eq!(share(10, 500), None, "nothing is known of the time before");
        assert_eq!(share(20, 500), Some(0.0));
        assert_eq!(share(30, 560), Some(0.1));
        assert_eq!(share(30, 560), Some(0.1), "the same report again");
        assert_eq!(share(40, 0), Some(0.0), "a new encoder counts anew");
    }

    /// Alerts of the default rules in an hour in which the encoder is well for ten minutes and then runs at `speed`: seconds
    /// after its speed changed, rule and stage.
    fn alerts(speed: f64) -> Vec<(u64, String, Stage)> {
        const WELL_S: u64 = 600;
        let mut publishers = Publishers::default();
        let mut evaluator = Evaluator::new(Rule::load(std::path::Path::new("")).unwrap(), 10.0);
        let mut changed = Vec::new();
        for at_s in (0..3_600_u64).step_by(10) {
            let slow = at_s.saturating_sub(WELL_S) as f64;
            // Reports come with a jitter of 80 ms.
            let media = Duration::from_secs_f64((at_s as f64 - slow) + slow * speed + (at_s * 7_919 % 80) as f64 / 1e3);
            let at = Timestamp::from_millis(at_s * 1_000);
            let encoder = Encoder { media_time: Some(media), ..Encoder::default() };
            let encoders = Encoders::from([(StreamId(1), (at, encoder))]);
            let readings = publishers.read(at, &encoders, |_| "show".into());
            let news = evaluator.observe(at_s, &readings);
            changed.extend(news.into_iter().map(|alert| (at_s.saturating_sub(WELL_S), alert.rule, alert.stage)));
        }
        changed
    }

    #[test]
    fn drift_is_told_at_once_and_forecast() {
        assert_eq!(alerts(1.0), []);
        // A crystal: 0.18 s in an hour.
        assert_eq!(alerts(0.999_95), []);
        // Two seconds are lost after 100 s; the rate says so before.
        let fast = alerts(0.98);
        let rate = fast.iter().find(|(_, rule, stage)| rule == "encoder_drift_rate" && *stage == Stage::Breached);
        assert!(rate.is_some_and(|(after_s, ..)| *after_s <= 120), "{fast:?}");
        // 240 ms a minute, below what pages: two seconds are lost after 500 s, and it is known minutes before.
        let slow = alerts(0.996);
        let stages: Vec<_> = slow.iter().map(|(after_s, rule, stage)| (rule.as_str(), *stage, *after_s)).collect();
        let [("encoder_drift", Stage::Predicted, told_s), ("encoder_drift", Stage::Breached, breached_s)] = stages[..]
        else {
            panic!("{slow:?}")
        };
        assert!((480..=560).contains(&breached_s) && breached_s - told_s >= 120, "{slow:?}");
    }
}
