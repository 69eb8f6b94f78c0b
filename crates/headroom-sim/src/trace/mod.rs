//! Network traces: what a link could carry, and what the radio said, over time.
//!
//! A [`Trace`] is a step function. The values of a [`Sample`] hold from its time until the next sample; the last one
//! holds until [`Trace::duration_s`]. Time starts at 0. What happens after the end is the reader's choice
//! ([`AtEnd`]): replay from the start, hold the last value, or stop.
//!
//! Rates are kbit/s (1000 bit/s), as in every data set read here; sizes are bits or bytes and say so.
//!
//! "How long does it take to send N bits from time t" is a lookup in the running total of deliverable bits:
//! O(log n) through [`Trace::finish_of`], amortised O(1) through a [`Cursor`] that moves forward in time.

mod cursor;
pub mod format;
mod network_mode;
pub mod statistics;
pub mod synth;
#[cfg(test)]
mod tests;

pub use cursor::{AtEnd, Cursor};
pub use format::{Format, ParseError, detect, parse, parse_auto};
pub use network_mode::NetworkMode;

/// Highest throughput taken as meant, kbit/s: the IMT-2020 downlink peak of 20 Gbit/s (ITU-R M.2410-0, clause 4.1).
pub const MAX_THROUGHPUT_KBPS: f64 = 20e6;

/// Longest trace taken as meant, seconds: four weeks. Longer times are a unit error (milliseconds, epoch seconds).
pub const MAX_DURATION_S: f64 = 28.0 * 86_400.0;

/// Most samples one trace holds: 100 ms sampling for five days. Bounds memory at about 1 GB.
pub const MAX_SAMPLES: usize = 4_500_000;

/// The state of the link from one moment until the next sample. Empty means that the source does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Start of validity, seconds since the start of the trace.
    pub t_s: f64,
    /// Downlink throughput, kbit/s.
    pub throughput_kbps: f64,
    /// Round-trip time, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Round-trip time variation, milliseconds, as the source defines it (for ping logs: the standard deviation).
    pub jitter_ms: Option<f64>,
    /// Packet loss, 0 to 1.
    pub loss_ratio: Option<f64>,
    /// Reference signal received power, dBm (3GPP TS 38.215, clause 5.1.1).
    pub rsrp_dbm: Option<f64>,
    /// Reference signal received quality, dB (3GPP TS 38.215, clause 5.1.3).
    pub rsrq_db: Option<f64>,
    /// Signal to interference and noise ratio, dB (3GPP TS 38.215, clause 5.1.5); the loggers call it SNR.
    pub sinr_db: Option<f64>,
    /// Channel quality indicator, 0 to 15 (3GPP TS 38.214, clause 5.2.2.1).
    pub cqi: Option<f64>,
    /// Uplink throughput, kbit/s.
    pub uplink_kbps: Option<f64>,
    /// Radio access technology as logged.
    pub network_mode: Option<NetworkMode>,
    /// Mean modulation and coding scheme index, 0 to 31 (3GPP TS 38.214, clause 5.1.3.1).
    pub mcs: Option<f64>,
    /// Mean number of allocated resource blocks (at most 273 in one NR carrier, 3GPP TS 38.101-1, table 5.3.2-1).
    pub resource_blocks: Option<f64>,
    /// Mean number of MIMO layers.
    pub mimo_layers: Option<f64>,
}

/// Why samples do not make a trace. Indices count from 0.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// When no sample is given.
    #[error("a trace needs at least one sample")]
    Empty,
    /// When there are more than [`MAX_SAMPLES`].
    #[error("a trace holds at most {MAX_SAMPLES} samples")]
    TooManySamples,
    /// When a sample is not later than the one before it, or its time is not a number.
    #[error("sample {index}: time {t_s} s does not come after the sample before it")]
    TimeNotIncreasing {
        /// Which sample.
        index: usize,
        /// Its time as given.
        t_s: f64,
    },
    /// When a throughput is negative, not a number, or above [`MAX_THROUGHPUT_KBPS`].
    #[error("sample {index}: throughput {kbps} kbit/s is outside 0 to {MAX_THROUGHPUT_KBPS}")]
    ThroughputOutOfRange {
        /// Which sample.
        index: usize,
        /// Its throughput as given.
        kbps: f64,
    },
    /// When the end does not come after the last sample, or the whole is longer than [`MAX_DURATION_S`].
    #[error("the trace ends at {end_s} s: not after its last sample, or later than {MAX_DURATION_S} s")]
    EndOutOfRange {
        /// The end as given, relative to the first sample.
        end_s: f64,
    },
}

/// A link over time. See the module text for the meaning of its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    samples: Vec<Sample>,
    /// Start of every sample and, last, the end: one longer than `samples`.
    bounds_s: Vec<f64>,
    /// Bits that the link could have carried from 0 to each bound.
    total_bits: Vec<f64>,
}

impl Trace {
    /// Builds a trace from samples in increasing time, the last of which holds until `end_s`.
    ///
    /// All times are moved so that the first sample starts at 0.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn new(mut samples: Vec<Sample>, end_s: f64) -> Result<Self, BuildError> {
        let start_s = samples.first().ok_or(BuildError::Empty)?.t_s;
        if samples.len() > MAX_SAMPLES {
            return Err(BuildError::TooManySamples);
        }
        let end_s = end_s - start_s;
        let mut bounds_s = Vec::with_capacity(samples.len() + 1);
        let mut total_bits = Vec::with_capacity(samples.len() + 1);
        let mut total = 0.0;
        let mut before: Option<(f64, f64)> = None;
        for (index, sample) in samples.iter_mut().enumerate() {
            let given_s = sample.t_s;
            sample.t_s = given_s - start_s;
            let kbps = sample.throughput_kbps;
            if !(0.0..=MAX_THROUGHPUT_KBPS).contains(&kbps) {
                return Err(BuildError::ThroughputOutOfRange { index, kbps });
            }
            if let Some((before_s, before_kbps)) = before {
                let later = sample.t_s > before_s; // false for NaN
                if !later {
                    return Err(BuildError::TimeNotIncreasing { index, t_s: given_s });
                }
                total += (sample.t_s - before_s) * before_kbps * 1000.0;
            } else if !sample.t_s.is_finite() {
                return Err(BuildError::TimeNotIncreasing { index, t_s: given_s });
            }
            bounds_s.push(sample.t_s);
            total_bits.push(total);
            before = Some((sample.t_s, kbps));
        }
        let (last_s, last_kbps) = before.ok_or(BuildError::Empty)?;
        if !(end_s > last_s && end_s <= MAX_DURATION_S) {
            return Err(BuildError::EndOutOfRange { end_s });
        }
        bounds_s.push(end_s);
        total_bits.push(total + (end_s - last_s) * last_kbps * 1000.0);
        Ok(Self { samples, bounds_s, total_bits })
    }

    /// Builds a trace from rows whose values describe the interval that ENDS at the row, as Pensieve's and
    /// Lumos5G's do. The first row only marks the start: the value of its own interval, which no row bounds, is dropped.
    ///
    /// # Errors
    /// See [`BuildError`]; one row alone is [`BuildError::Empty`].
    pub fn from_interval_ends(rows: &[Sample]) -> Result<Self, BuildError> {
        let end_s = rows.last().ok_or(BuildError::Empty)?.t_s;
        let samples = rows.windows(2).map(|pair| Sample { t_s: pair[0].t_s, ..pair[1] }).collect();
        Self::new(samples, end_s)
    }

    /// A link of one constant rate, one second long (loop or hold it).
    ///
    /// # Errors
    /// [`BuildError::ThroughputOutOfRange`].
    pub fn constant(throughput_kbps: f64) -> Result<Self, BuildError> {
        Self::new(vec![Sample { throughput_kbps, ..Sample::default() }], 1.0)
    }

    /// The samples, in time order, the first at 0.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Length in seconds.
    pub fn duration_s(&self) -> f64 {
        self.bounds_s[self.samples.len()]
    }

    /// Bits that the link could carry from start to end.
    pub fn total_bits(&self) -> f64 {
        self.total_bits[self.samples.len()]
    }

    /// Time-weighted mean throughput, kbit/s.
    pub fn mean_kbps(&self) -> f64 {
        self.total_bits() / self.duration_s() / 1000.0
    }

    /// Start and end of sample `index`, seconds. `None` past the last sample.
    pub fn bounds_of(&self, index: usize) -> Option<(f64, f64)> {
        (index < self.samples.len()).then(|| (self.bounds_s[index], self.bounds_s[index + 1]))
    }

    /// The part from `from_s` to `to_s` as a trace of its own, starting at 0. `None` if that part is empty or not
    /// inside the trace.
    pub fn window(&self, from_s: f64, to_s: f64) -> Option<Self> {
        if !(from_s >= 0.0 && to_s > from_s && to_s <= self.duration_s()) {
            return None;
        }
        let first = self.bounds_s.partition_point(|&bound| bound <= from_s) - 1;
        let last = self.bounds_s.partition_point(|&bound| bound < to_s);
        let mut samples = self.samples[first..last].to_vec();
        samples[0].t_s = from_s;
        Self::new(samples, to_s).ok()
    }

    /// Consecutive windows of `length_s` from the start; a shorter rest is left out.
    pub fn windows(&self, length_s: f64) -> impl Iterator<Item = Self> + '_ {
        let count = if length_s > 0.0 { (self.duration_s() / length_s + 1e-9).floor() as usize } else { 0 };
        (0..count).filter_map(move |index| {
            let from_s = index as f64 * length_s;
            self.window(from_s, (from_s + length_s).min(self.duration_s()))
        })
    }

    /// The same trace with every throughput (and uplink) multiplied by `factor`: for scaling a link to a ladder.
    ///
    /// # Errors
    /// [`BuildError::ThroughputOutOfRange`].
    pub fn scaled(&self, factor: f64) -> Result<Self, BuildError> {
        let samples = self.samples.iter().map(|sample| Sample {
            throughput_kbps: sample.throughput_kbps * factor,
            uplink_kbps: sample.uplink_kbps.map(|kbps| kbps * factor),
            ..*sample
        });
        Self::new(samples.collect(), self.duration_s())
    }
}
