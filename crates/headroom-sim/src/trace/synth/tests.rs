//! The generator is deterministic, stays in range, hangs together, and resembles what it was fitted to.

use super::{Preset, RANGES, Range, generate};
use crate::trace::format::csv;
use crate::trace::statistics::Statistics;
use crate::trace::{Sample, Trace};

/// Many sessions of a preset, one after the other.
fn sessions(preset: Preset, count: u64, duration_s: f64) -> Vec<Trace> {
    (0..count).map(|seed| generate(preset, seed, duration_s, 1.0).unwrap()).collect()
}

fn joined(traces: &[Trace]) -> Trace {
    let mut samples: Vec<Sample> = traces.iter().flat_map(|trace| trace.samples().iter().copied()).collect();
    for (index, sample) in samples.iter_mut().enumerate() {
        sample.t_s = index as f64;
    }
    let end_s = samples.len() as f64;
    Trace::new(samples, end_s).unwrap()
}

#[test]
fn a_seed_is_a_trace() {
    for preset in Preset::ALL {
        let trace = generate(preset, 7, 60.5, 1.0).unwrap();
        assert_eq!(trace, generate(preset, 7, 60.5, 1.0).unwrap());
        assert_ne!(trace, generate(preset, 8, 60.5, 1.0).unwrap());
        assert_eq!((trace.samples().len(), trace.duration_s()), (61, 60.5));
        assert_eq!(csv::parse(&csv::emit(&trace)).unwrap(), trace);
        assert_eq!(preset.to_string().parse(), Ok(preset));
    }
    for (duration_s, step_s) in
        [(0.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, 0.0), (1e9, 1e-3), (f64::INFINITY, 1.0)]
    {
        assert!(generate(Preset::Driving, 1, duration_s, step_s).is_err(), "{duration_s} in {step_s}");
    }
}

#[test]
fn every_value_is_in_range() {
    let inside = |value: Option<f64>, range: Range| value.is_some_and(|value| (range.min..=range.max).contains(&value));
    for preset in Preset::ALL {
        for trace in sessions(preset, 20, 600.0) {
            for sample in trace.samples() {
                let outage = sample.throughput_kbps <= super::OUTAGE_KBPS;
                assert!(outage || inside(Some(sample.throughput_kbps), RANGES.throughput_kbps), "{sample:?}");
                assert!(inside(sample.rsrp_dbm, RANGES.rsrp_dbm), "{sample:?}");
                assert!(inside(sample.rsrq_db, RANGES.rsrq_db), "{sample:?}");
                assert!(inside(sample.sinr_db, RANGES.sinr_db), "{sample:?}");
                assert!(inside(sample.rtt_ms, RANGES.rtt_ms), "{sample:?}");
                assert!(inside(sample.jitter_ms, RANGES.jitter_ms), "{sample:?}");
                assert!(inside(sample.loss_ratio, RANGES.loss_ratio), "{sample:?}");
            }
        }
    }
}

/// The targets of the fit: quantiles of measured throughput in Mbit/s, share of outage seconds, autocorrelation at 1, 2, 5, 10 s.
#[test]
fn marginals_and_memory_resemble_the_measured_traces() {
    let targets = [
        (Preset::Driving, 1300.0, [2.87, 8.98, 21.77, 166.7], 0.096, [0.83, 0.66, 0.44, 0.42]),
        (Preset::Static, 2800.0, [15.0, 45.4, 148.1, 228.9], 0.084, [0.80, 0.57, 0.32, 0.39]),
        (Preset::Walking, 800.0, [111.0, 493.0, 896.0, 1410.0], 0.023, [0.92, 0.85, 0.70, 0.54]),
        (Preset::MidBand, 520.0, [457.9, 617.6, 737.7, 820.1], 0.0, [0.81, 0.76, 0.68, 0.66]),
        (Preset::Lte, 630.0, [13.0, 31.0, 60.0, 110.5], 0.010, [0.89, 0.82, 0.69, 0.56]),
    ];
    for (preset, duration_s, quantiles, outage_share, autocorrelation) in targets {
        let traces = sessions(preset, 60, duration_s);
        let all = Statistics::of(&joined(&traces));
        let got = [all.throughput_kbps.p25, all.throughput_kbps.p50, all.throughput_kbps.p75, all.throughput_kbps.p95];
        for (got, target) in got.into_iter().zip(quantiles) {
            let ratio = got / 1000.0 / target;
            assert!((0.7..1.35).contains(&ratio), "{preset}: {} for {target} Mbit/s", got / 1000.0);
        }
        assert!((all.outage_share - outage_share).abs() < 0.02, "{preset}: {} in outage", all.outage_share);
        let each: Vec<Statistics> = traces.iter().map(Statistics::of).collect();
        for (lag, target) in autocorrelation.into_iter().enumerate() {
            let mean = each.iter().filter_map(|one| one.autocorrelation[lag]).sum::<f64>() / each.len() as f64;
            assert!((mean - target).abs() < 0.2, "{preset}: autocorrelation {mean:.2} for {target} at lag {lag}");
        }
    }
}

#[test]
fn quantities_hang_together() {
    for preset in Preset::ALL {
        let all = joined(&sessions(preset, 30, 600.0));
        let mean_of = |filter: &dyn Fn(&Sample) -> bool, value: &dyn Fn(&Sample) -> f64| {
            let (mut sum, mut count) = (0.0, 0.0);
            for sample in all.samples().iter().filter(|sample| filter(sample)) {
                sum += value(sample);
                count += 1.0;
            }
            sum / count
        };
        let strong = |sample: &Sample| sample.sinr_db.unwrap() >= 14.0;
        let weak = |sample: &Sample| sample.sinr_db.unwrap() <= 5.0;
        let kbps = |sample: &Sample| sample.throughput_kbps;
        assert!(mean_of(&strong, &kbps) > 1.5 * mean_of(&weak, &kbps), "{preset}: throughput follows SINR");
        for (name, value) in [
            ("round-trip time", &(|sample: &Sample| sample.rtt_ms.unwrap()) as &dyn Fn(&Sample) -> f64),
            ("jitter", &|sample| sample.jitter_ms.unwrap()),
            ("loss", &|sample| sample.loss_ratio.unwrap()),
        ] {
            assert!(mean_of(&weak, value) > mean_of(&strong, value), "{preset}: {name} falls with SINR");
        }
        let rsrp = |sample: &Sample| sample.rsrp_dbm.unwrap();
        assert!(mean_of(&strong, &rsrp) > mean_of(&weak, &rsrp) + 5.0, "{preset}: RSRP follows SINR");
        let (up, cqi) = (|sample: &Sample| sample.uplink_kbps.unwrap(), |sample: &Sample| sample.cqi.unwrap());
        assert!(mean_of(&|sample| cqi(sample) < 9.0, &up) < 14e3, "{preset}: weak uplink");
        assert!((15e3..45e3).contains(&mean_of(&|sample| cqi(sample) >= 12.0, &up)), "{preset}: strong uplink");
    }
}
