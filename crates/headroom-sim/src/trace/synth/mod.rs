//! Synthetic 5G traces: seeded, labelled, and shaped after measured ones.
//!
//! One second after the other (any step), a session has
//! - a **regime** (strong, fair, weak): a semi-Markov chain with geometric stays, each with its level of throughput;
//! - **shadowing**: one slow AR(1) process that moves throughput, RSRP and SINR together;
//! - **fading**: a fast AR(1) process in the logarithm of throughput;
//! - **outages** of a second or two, as every driving recording has them;
//! - a **ceiling**, reached smoothly: what the cell or the plan allows.
//!
//! Throughput is the exponential of the sum. Round-trip time has a floor and a log-normal excess with a memory of
//! seconds that grows when the link is slow; jitter and loss follow the excess and the regime. All values stay inside
//! [`RANGES`]. The constants of each [`Preset`] were fitted by hand to marginals and autocorrelation of measured traces;
//! `headroom trace show --stats` puts both side by side.
//!
//! What it is not: a channel model. It knows no cells, no hand-over and no other users, and its RSRP range is narrower
//! than that of the UCC drives, a phone of which spent half of its time above −82 dBm.

mod presets;
#[cfg(test)]
mod tests;

pub use presets::Preset;

use presets::Shape;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use rand_pcg::Pcg64Mcg;

use super::{BuildError, MAX_SAMPLES, NetworkMode, Sample, Trace};

/// A closed range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

/// Bounds of every quantity that the generator makes up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranges {
    /// Signal power, dBm.
    pub rsrp_dbm: Range,
    /// Signal quality, dB.
    pub rsrq_db: Range,
    /// Signal to interference and noise, dB.
    pub sinr_db: Range,
    /// Round-trip time, milliseconds.
    pub rtt_ms: Range,
    /// Jitter, milliseconds.
    pub jitter_ms: Range,
    /// Loss, 0 to 1.
    pub loss_ratio: Range,
    /// Throughput outside of outages, kbit/s.
    pub throughput_kbps: Range,
}

/// The ranges of the project's brief: those of a 5G link in use.
pub const RANGES: Ranges = Ranges {
    rsrp_dbm: Range { min: -120.0, max: -80.0 },
    rsrq_db: Range { min: -20.0, max: -5.0 },
    sinr_db: Range { min: 1.0, max: 20.0 },
    rtt_ms: Range { min: 10.0, max: 500.0 },
    jitter_ms: Range { min: 0.0, max: 100.0 },
    loss_ratio: Range { min: 0.0, max: 0.05 },
    throughput_kbps: Range { min: 1_000.0, max: 2_000_000.0 },
};

/// Throughput in an outage lies below this, kbit/s.
const OUTAGE_KBPS: f64 = 100.0;

/// Memory of the round-trip excess, seconds: UCC's pings, 14 s apart, are uncorrelated; queues last seconds.
const EXCESS_MEMORY_S: f64 = 4.0;

/// Uplink for a downlink: SIGCOMM24-5GinMidBands measures 3.6 to 13 Mbit/s below CQI 12 and 20 to 40 above. This is the
/// uplink at 1 dB of SINR, kbit/s, and its growth per dB: 5 Mbit/s at 1 dB, 30 at 15 dB.
const UPLINK_AT_1_DB_KBPS: f64 = 5_000.0;
const UPLINK_GROWTH_PER_DB: f64 = 0.128;

/// Makes a trace of `duration_s` in steps of `step_s` (1 s is what the presets were fitted at).
///
/// The same preset, seed, duration and step give the same trace. Sessions of different seeds differ in their level.
///
/// # Errors
/// [`BuildError::EndOutOfRange`] when duration or step is not a positive, finite time; [`BuildError::TooManySamples`].
pub fn generate(preset: Preset, seed: u64, duration_s: f64, step_s: f64) -> Result<Trace, BuildError> {
    let sane = duration_s.is_finite() && step_s.is_finite() && duration_s > 0.0 && step_s > 0.0;
    if !sane {
        return Err(BuildError::EndOutOfRange { end_s: duration_s });
    }
    let count = (duration_s / step_s).ceil();
    if count > MAX_SAMPLES as f64 {
        return Err(BuildError::TooManySamples);
    }
    let mut session = Session::new(preset.shape(), seed, step_s);
    let samples = (0..count as usize).map(|index| session.next(index as f64 * step_s)).collect();
    Trace::new(samples, duration_s)
}

/// A first-order autoregressive process with mean 0 and variance 1.
struct Memory {
    keep: f64,
    value: f64,
}

impl Memory {
    fn new(time_constant_s: f64, step_s: f64, random: &mut Pcg64Mcg) -> Self {
        Self { keep: (-step_s / time_constant_s).exp(), value: random.sample(StandardNormal) }
    }

    fn next(&mut self, random: &mut Pcg64Mcg) -> f64 {
        let fresh: f64 = random.sample(StandardNormal);
        self.value = self.keep * self.value + (1.0 - self.keep * self.keep).sqrt() * fresh;
        self.value
    }
}

/// One generated session, step by step.
struct Session<'a> {
    shape: &'a Shape,
    step_s: f64,
    random: Pcg64Mcg,
    level: f64,
    regime: usize,
    outage: bool,
    shadowing: Memory,
    fading: Memory,
    excess: Memory,
    interference: Memory,
}

impl<'a> Session<'a> {
    fn new(shape: &'a Shape, seed: u64, step_s: f64) -> Self {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let level: f64 = random.sample(StandardNormal);
        let shares = shape.regimes.map(|regime| regime.share);
        let regime = pick(&shares, random.random());
        Self {
            level: shape.session_spread * level,
            regime,
            outage: false,
            shadowing: Memory::new(shape.shadowing_s, step_s, &mut random),
            fading: Memory::new(shape.fading_s, step_s, &mut random),
            excess: Memory::new(EXCESS_MEMORY_S, step_s, &mut random),
            // As slow as shadowing: what neighbouring cells do.
            interference: Memory::new(shape.shadowing_s, step_s, &mut random),
            shape,
            step_s,
            random,
        }
    }

    fn next(&mut self, t_s: f64) -> Sample {
        self.move_on();
        let shape = self.shape;
        let regime = &shape.regimes[self.regime];
        let shadowing = self.shadowing.next(&mut self.random);
        let fading = self.fading.next(&mut self.random);
        let excess = self.excess.next(&mut self.random);
        let interference = self.interference.next(&mut self.random);

        let free_kbps =
            regime.level_kbps * (self.level + shape.shadowing_spread * shadowing + shape.fading_spread * fading).exp();
        // Smooth at the ceiling: the fourth power leaves the lower half of the range as it is.
        let carried_kbps = free_kbps / (1.0 + (free_kbps / shape.ceiling_kbps).powi(4)).powf(0.25);
        let throughput_kbps = if self.outage {
            OUTAGE_KBPS * self.random.random::<f64>()
        } else {
            clamp(carried_kbps, RANGES.throughput_kbps)
        };

        let rsrp_dbm = clamp(regime.rsrp_dbm + shape.rsrp_spread_db * shadowing, RANGES.rsrp_dbm);
        let sinr_db = clamp(
            regime.sinr_db + shape.sinr_spread_db * (0.6 * shadowing + 0.5 * interference + 0.3 * fading),
            RANGES.sinr_db,
        );
        // A loaded cell at high SINR stands near −8 dB, the cell edge near −16 dB (both seen in UCC).
        let rsrq_db = clamp(-16.5 + 0.5 * sinr_db + 0.8 * interference, RANGES.rsrq_db);

        // Slow links queue: the excess doubles from the strong to the weak regime and again in an outage.
        let strain = regime.strain * if self.outage { 2.0 } else { 1.0 };
        let excess_ms = strain * shape.rtt_excess_ms * (shape.rtt_excess_spread * excess).exp();
        let ripple: f64 = self.random.sample(StandardNormal);
        let lossy = self.random.random::<f64>() < shape.loss_share * strain;
        let lost = if lossy { RANGES.loss_ratio.max * self.random.random::<f64>().powi(2) } else { 0.0 };
        Sample {
            t_s,
            throughput_kbps: round(throughput_kbps, 1.0),
            rtt_ms: Some(round(clamp(shape.rtt_floor_ms + excess_ms, RANGES.rtt_ms), 10.0)),
            jitter_ms: Some(round(clamp(0.2 * excess_ms * (0.7 * ripple).exp(), RANGES.jitter_ms), 10.0)),
            loss_ratio: Some(round(if self.outage { RANGES.loss_ratio.max } else { lost }, 10_000.0)),
            rsrp_dbm: Some(round(rsrp_dbm, 1.0)),
            rsrq_db: Some(round(rsrq_db, 1.0)),
            sinr_db: Some(round(sinr_db, 1.0)),
            // Two dB a step, CQI 15 from about 21 dB on: the usual reading of 3GPP TS 38.214, table 5.2.2.1-2.
            cqi: Some(((sinr_db + 8.0) / 1.95).round().clamp(0.0, 15.0)),
            uplink_kbps: Some(round(
                if self.outage {
                    OUTAGE_KBPS * self.random.random::<f64>()
                } else {
                    UPLINK_AT_1_DB_KBPS * ((sinr_db - 1.0) * UPLINK_GROWTH_PER_DB + 0.3 * fading).exp()
                },
                1.0,
            )),
            network_mode: Some(if shape.lte || regime.lte { NetworkMode::Lte } else { NetworkMode::FiveG }),
            ..Sample::default()
        }
    }

    /// Changes regime and outage where their time is over.
    fn move_on(&mut self) {
        // Geometric stays with this mean, at any step.
        let leaves = |stay_s: f64, step_s: f64| (step_s / stay_s).min(1.0);
        let regimes = &self.shape.regimes;
        if self.random.random::<f64>() < leaves(regimes[self.regime].stay_s, self.step_s) {
            // Visits in proportion to share over stay give the shares in the long run, but for the visits that a
            // regime cannot pay to itself.
            let mut visits = regimes.map(|regime| regime.share / regime.stay_s);
            visits[self.regime] = 0.0;
            self.regime = pick(&visits, self.random.random());
        }
        let change = if self.outage {
            leaves(self.shape.outage_s, self.step_s)
        } else {
            // More where the radio is weak, the same on the whole: 1.4 is about the mean strain of every preset.
            let strain = regimes[self.regime].strain / 1.4;
            1.0 - (-self.shape.outages_per_s * strain * self.step_s).exp()
        };
        if self.random.random::<f64>() < change {
            self.outage = !self.outage;
        }
    }
}

/// Index drawn in proportion to weights, by a uniform draw from 0 to 1.
fn pick(weights: &[f64; 3], draw: f64) -> usize {
    let mut left = draw * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return index;
        }
    }
    weights.len() - 1
}

fn clamp(value: f64, range: Range) -> f64 {
    value.clamp(range.min, range.max)
}

/// Rounds to one part in `per_unit`.
fn round(value: f64, per_unit: f64) -> f64 {
    (value * per_unit).round() / per_unit
}
