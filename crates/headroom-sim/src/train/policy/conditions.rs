//! The conditions of one session.

use super::{Settings, Stage};
use crate::{
    player::{LiveSettings, OnDemandSettings},
    profile::SIZE_SPREAD,
    video::Video,
};
use headroom_core::{
    ladder::Ladder,
    policy::learned::{AVERSIONS, SHORT_AVERSIONS},
    time::Duration,
    units::Bitrate,
};
use rand::RngExt;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;
use std::ops::RangeInclusive;

/// Spread of the logarithm of link rates: what is learned must not hang on one level.
const LEVEL_SPREAD: f64 = 0.3;
/// Time to the first byte in the named profiles, seconds.
const ROUND_TRIP_S: f64 = 0.08;

/// What is watched, how it is buffered, and how much a stall weighs.
pub(super) struct Conditions {
    pub(super) video: Video,
    /// Most media held, seconds.
    pub(super) capacity_s: f64,
    round_trip_s: f64,
    /// Mbit/s that a second of stall costs.
    pub(super) stall_penalty: f64,
    pub(super) aversion: f32,
    /// What lessons are measured in, Mbit/s.
    pub(super) unit: f64,
}

impl Conditions {
    pub(super) fn draw(settings: &Settings, random: &mut Pcg64Mcg) -> Option<Self> {
        let varied = random.random_bool(settings.varied);
        let (mut kbps, segment_s, capacity_s) = match (settings.stage, varied) {
            (Stage::Live, true) => varied_stream(random),
            (Stage::Live, false) => (default_ladder(), 2.0, 6.0),
            (Stage::LowLatency, true) => varied_short_stream(random),
            (Stage::LowLatency, false) => (default_ladder(), 1.0, 3.0),
        };
        // A faster ladder is a slower link: scaling one or the other is the same.
        let level: f64 = random.sample(StandardNormal);
        kbps.iter_mut().for_each(|kbps| *kbps *= (LEVEL_SPREAD * level).exp());
        let (aversion, covered) = draw_aversion(settings.stage, random);
        let ladder =
            Ladder::from_bitrates(&kbps.iter().copied().map(Bitrate::from_kbps_f64).collect::<Vec<_>>()).ok()?;
        let top = ladder.bitrate(ladder.top()).as_mbps();
        let segments = settings.decisions + settings.horizon + 1;
        let segment = Duration::from_secs_f64(segment_s);
        let video = Video::jittered(ladder, segment, segments, SIZE_SPREAD, random.random()).ok()?;
        Some(Self {
            video,
            capacity_s,
            round_trip_s: if varied { random.random_range(0.02..0.12) } else { ROUND_TRIP_S },
            stall_penalty: top * aversion,
            // Whoever fears stalls most would otherwise teach most: at 16 their returns spread ten times as far as at 1.
            unit: match settings.stage {
                Stage::Live => top,
                Stage::LowLatency => top * aversion.sqrt(),
            },
            aversion: (aversion as f32).clamp(*covered.start(), *covered.end()),
        })
    }

    pub(super) fn on_demand(&self) -> OnDemandSettings {
        let (capacity_s, round_trip_s) = (self.capacity_s, self.round_trip_s);
        OnDemandSettings { capacity_s, round_trip_s, ..OnDemandSettings::default() }
    }

    pub(super) fn live(&self) -> LiveSettings {
        let (capacity_s, round_trip_s) = (self.capacity_s, self.round_trip_s);
        LiveSettings {
            capacity_s,
            told_capacity_s: capacity_s,
            target_latency_s: capacity_s,
            round_trip_s,
            ..LiveSettings::default()
        }
    }
}

/// How much a stall weighs, and what the policy will be asked for at most.
fn draw_aversion(stage: Stage, random: &mut Pcg64Mcg) -> (f64, RangeInclusive<f32>) {
    match stage {
        Stage::Live => {
            let neutral = random.random_bool(0.3);
            (if neutral { 1.0 } else { 2_f64.powf(random.random_range(-1.0..1.0)) }, AVERSIONS)
        }
        Stage::LowLatency => (2_f64.powf(random.random_range(0.0..4.0)), SHORT_AVERSIONS),
    }
}

fn default_ladder() -> Vec<f64> {
    Ladder::default().rungs().iter().map(|rung| rung.bitrate.as_kbps()).collect()
}

/// A ladder of 4 to 9 rungs in uneven geometric steps, segments of 1 to 4 s, a buffer of 2.5 to 5 segments.
fn varied_stream(random: &mut Pcg64Mcg) -> (Vec<f64>, f64, f64) {
    let segment_s = [1.0, 1.0, 2.0, 4.0][random.random_range(0..4)];
    let kbps = varied_ladder(random);
    (kbps, segment_s, segment_s * random.random_range(2.5..5.0))
}

/// A ladder as in [`varied_stream`], segments of 1 s or half of it, a buffer of 2.5 to 4 s.
fn varied_short_stream(random: &mut Pcg64Mcg) -> (Vec<f64>, f64, f64) {
    let segment_s = [1.0, 1.0, 0.5][random.random_range(0..3)];
    let kbps = varied_ladder(random);
    (kbps, segment_s, random.random_range(2.5..4.0))
}

fn varied_ladder(random: &mut Pcg64Mcg) -> Vec<f64> {
    let rungs = random.random_range(4..10);
    let lowest: f64 = random.random_range(300.0..800.0);
    let range: f64 = random.random_range(8.0..58.0);
    let kbps = (0..rungs).map(|rung| {
        let inner = rung > 0 && rung + 1 < rungs;
        let shift = if inner { random.random_range(-0.15..0.15) } else { 0.0 };
        lowest * range.powf((f64::from(rung) + shift) / f64::from(rungs - 1))
    });
    kbps.collect()
}
