//! What a trace looks like in numbers: marginals, memory, outages. For putting traces side by side.

use serde::Serialize;

use super::{AtEnd, Sample, Trace};

/// Throughput below which a second counts as an outage, kbit/s: under the lowest rung of any ladder in use here.
pub const OUTAGE_KBPS: f64 = 100.0;

/// Lags at which the autocorrelation is given, seconds: one segment to a few, the horizon of a decision.
pub const LAGS_S: [usize; 4] = [1, 2, 5, 10];

/// Quantiles of one quantity over its known samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Share of the seconds for which the source gives a value.
    pub known: f64,
    /// 5 %.
    pub p05: f64,
    /// 25 %.
    pub p25: f64,
    /// 50 %: the median.
    pub p50: f64,
    /// 75 %.
    pub p75: f64,
    /// 95 %.
    pub p95: f64,
}

/// A trace, on a grid of one second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Length, seconds.
    pub duration_s: f64,
    /// Time-weighted mean throughput, kbit/s.
    pub mean_kbps: f64,
    /// Throughput of whole seconds, kbit/s.
    pub throughput_kbps: Quantiles,
    /// Share of the seconds below [`OUTAGE_KBPS`].
    pub outage_share: f64,
    /// Mean length of an unbroken run of such seconds; 0 without any.
    pub outage_mean_s: f64,
    /// Autocorrelation of throughput at [`LAGS_S`]; `None` where the trace is too short or constant.
    pub autocorrelation: [Option<f64>; 4],
    /// Correlation of the logarithm of throughput with SINR, over seconds that have both.
    pub sinr_correlation: Option<f64>,
    /// Round-trip time, milliseconds.
    pub rtt_ms: Option<Quantiles>,
    /// Jitter, milliseconds.
    pub jitter_ms: Option<Quantiles>,
    /// Loss, 0 to 1.
    pub loss_ratio: Option<Quantiles>,
    /// Signal power, dBm.
    pub rsrp_dbm: Option<Quantiles>,
    /// Signal quality, dB.
    pub rsrq_db: Option<Quantiles>,
    /// Signal to interference and noise, dB.
    pub sinr_db: Option<Quantiles>,
    /// Uplink throughput, kbit/s.
    pub uplink_kbps: Option<Quantiles>,
}

impl Statistics {
    /// Looks at one trace. A trace shorter than a second is taken as one second.
    pub fn of(trace: &Trace) -> Self {
        Self::of_all(std::slice::from_ref(trace))
    }

    /// Looks at several traces of one kind: quantiles, shares and the correlation with SINR over all their seconds,
    /// autocorrelation as the mean of each one's own, the length as the sum. No trace at all gives zeros.
    pub fn of_all(traces: &[Trace]) -> Self {
        let grids: Vec<Grid> = traces.iter().map(Grid::of).collect();
        let count: usize = grids.iter().map(|grid| grid.throughput.len()).sum();
        let seconds = || grids.iter().flat_map(|grid| &grid.seconds);
        let column = |get: fn(&Sample) -> Option<f64>| quantiles(seconds().filter_map(get).collect(), count);
        let outages: Vec<usize> = grids
            .iter()
            .flat_map(|grid| grid.throughput.split(|&kbps| kbps >= OUTAGE_KBPS))
            .map(<[f64]>::len)
            .filter(|&len| len > 0)
            .collect();
        let outage_seconds: usize = outages.iter().sum();
        let throughput: Vec<f64> = grids.iter().flat_map(|grid| grid.throughput.iter().copied()).collect();
        let (radio, rate): (Vec<f64>, Vec<f64>) = seconds()
            .zip(&throughput)
            .filter_map(|(sample, kbps)| Some((sample.sinr_db?, kbps.max(OUTAGE_KBPS).ln())))
            .unzip();
        let duration_s: f64 = traces.iter().map(Trace::duration_s).sum();
        let total_bits: f64 = traces.iter().map(Trace::total_bits).sum();
        Self {
            duration_s,
            mean_kbps: if duration_s > 0.0 { total_bits / duration_s / 1000.0 } else { 0.0 },
            outage_share: outage_seconds as f64 / count.max(1) as f64,
            outage_mean_s: if outages.is_empty() { 0.0 } else { outage_seconds as f64 / outages.len() as f64 },
            autocorrelation: LAGS_S.map(|lag| {
                let each: Vec<f64> = grids.iter().filter_map(|grid| autocorrelation(&grid.throughput, lag)).collect();
                (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
            }),
            sinr_correlation: (radio.len() >= MIN_PAIRS).then(|| correlation(&radio, &rate)).flatten(),
            throughput_kbps: quantiles(throughput, count).unwrap_or_default(),
            rtt_ms: column(|sample| sample.rtt_ms),
            jitter_ms: column(|sample| sample.jitter_ms),
            loss_ratio: column(|sample| sample.loss_ratio),
            rsrp_dbm: column(|sample| sample.rsrp_dbm),
            rsrq_db: column(|sample| sample.rsrq_db),
            sinr_db: column(|sample| sample.sinr_db),
            uplink_kbps: column(|sample| sample.uplink_kbps),
        }
    }
}

/// A trace in whole seconds.
struct Grid {
    /// Mean throughput of each second, kbit/s.
    throughput: Vec<f64>,
    /// The sample in force at the start of each second.
    seconds: Vec<Sample>,
}

impl Grid {
    fn of(trace: &Trace) -> Self {
        let mut cursor = trace.cursor(AtEnd::Hold);
        let count = (trace.duration_s() + 1e-9).floor().max(1.0) as usize;
        let (mut throughput, mut seconds) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for second in 0..count {
            let (from_s, to_s) = (second as f64, second as f64 + 1.0);
            throughput.push((cursor.bits_until(to_s) - cursor.bits_until(from_s)) / 1000.0);
            seconds.extend(cursor.sample_at(from_s).copied());
        }
        Self { throughput, seconds }
    }
}

/// Fewest pairs from which a correlation is given.
const MIN_PAIRS: usize = 30;

/// Quantiles by the nearest rank.
fn quantiles(mut values: Vec<f64>, count: usize) -> Option<Quantiles> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Some(Quantiles {
        known: values.len() as f64 / count as f64,
        p05: at(0.05),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p95: at(0.95),
    })
}

/// Sample autocorrelation (the biased estimator: never outside -1 to 1).
/// `None` for a series too short or constant.
fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    if values.len() < lag + MIN_PAIRS {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let covariance: f64 = values.iter().zip(&values[lag..]).map(|(a, b)| (a - mean) * (b - mean)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

/// Pearson's correlation of two columns of equal length.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let covariance: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    let variance_a: f64 = a.iter().map(|a| (a - mean_a).powi(2)).sum();
    let variance_b: f64 = b.iter().map(|b| (b - mean_b).powi(2)).sum();
    (variance_a > 0.0 && variance_b > 0.0).then(|| covariance / (variance_a * variance_b).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(rates: impl IntoIterator<Item = f64>) -> Trace {
        let samples: Vec<Sample> = rates
            .into_iter()
            .enumerate()
            .map(|(index, throughput_kbps)| Sample { t_s: index as f64, throughput_kbps, ..Sample::default() })
            .collect();
        let end_s = samples.len() as f64;
        Trace::new(samples, end_s).unwrap()
    }

    #[test]
    fn known_series_have_their_known_figures() {
        let ramp = Statistics::of(&trace((0..=100).map(f64::from)));
        let got = ramp.throughput_kbps;
        assert_eq!((got.p05, got.p50, got.p95, got.known), (5.0, 50.0, 95.0, 1.0));
        assert_eq!((ramp.outage_share, ramp.outage_mean_s), (100.0 / 101.0, 100.0));

        let alternating = Statistics::of(&trace((0..1000).map(|index| f64::from(index % 2) * 1000.0)));
        let [one, two, ..] = alternating.autocorrelation;
        assert!((one.unwrap() + 1.0).abs() < 0.01 && (two.unwrap() - 1.0).abs() < 0.01);
        assert_eq!((alternating.outage_share, alternating.outage_mean_s), (0.5, 1.0));

        let constant = Statistics::of(&trace([5000.0; 60]));
        assert_eq!(constant.autocorrelation, [None; 4]);
        assert_eq!(Statistics::of(&trace([1.0; 5])).autocorrelation, [None; 4], "too short to tell");
    }
}
