//! An independent implementation of Pensieve's environment (C++, not ours) gave these figures on the same traces.
//! Where ours may differ by more than the tolerance, `docs/algorithms/simulator.md` says why.

use crate::shared;
use headroom_sim::{
    contender::Contender,
    profile::Profile,
    statistics::mean,
    trace::{Trace, format},
};

/// Mean QoE and mean stall ratio over the windows.
fn measure(profile: &Profile, contender: &str, windows: &[Trace]) -> (f64, f64) {
    let contender = Contender::parse(contender, profile.objective()).unwrap();
    let mut steps = Vec::new();
    let scores: Vec<_> = windows
        .iter()
        .map(|window| {
            let video = profile.video(window.duration_s()).unwrap();
            profile.play(&contender, &video, window, &mut steps).unwrap()
        })
        .collect();
    let of = |field: fn(&headroom_sim::score::Score) -> f64| mean(&scores.iter().map(field).collect::<Vec<_>>());
    (of(|score| score.qoe), of(|score| score.stall_ratio))
}

fn assert_near(name: &str, measured: f64, reference: f64, tolerance: f64) {
    let off = measured / reference - 1.0;
    println!("{name:14} {measured:8.4} reference {reference:8.4} {:+.1} %", off * 100.0);
    assert!(off.abs() <= tolerance, "{name}: {measured} against {reference}");
}

/// The 127 training traces, Envivio, 48 segments, penalty 4.3.
#[test]
fn hsdpa_agrees() {
    let Some(data) = shared::data() else { return };
    let windows: Vec<Trace> = shared::files(&data.join("traces/pensieve-hsdpa-train"))
        .iter()
        .map(|path| format::csv::parse_interval_ends(&shared::read(path)).unwrap())
        .collect();
    assert_eq!(windows.len(), 127);
    let cases = [
        ("buffer_based", 0.334, 0.03),
        ("throughput", 0.437, 0.03),
        ("robust_mpc", 0.552, 0.03),
        ("oracle", 0.750, 0.03),
        // Plans tie (going up a segment later earns the same), and which of them wins moves plain MPC between .167 and
        // .264: the reference lies inside, next to ours.
        ("mpc", 0.176, 0.10),
        // The reference does not state its γp; ours is sabre's 5. Between 1 and 5 the QoE goes from .37 to .48.
        ("bola", 0.489, 0.20),
    ];
    for (name, reference, tolerance) in cases {
        assert_near(name, measure(&Profile::on_demand(), name, &windows).0, reference, tolerance);
    }
}

/// The first 300 s of the 13 development traces of UCC Download. The sizes are random: over seeds 0 to 11 the
/// buffer-based QoE alone moves between 3.54 and 4.44.
#[test]
fn live_agrees() {
    let Some(data) = shared::data() else { return };
    let profile = Profile::live();
    let windows: Vec<Trace> = shared::traces(&data.join("traces/ucc5g-download"))
        .iter()
        .filter_map(|(_, trace)| profile.windows(trace).into_iter().next())
        .collect();
    assert_eq!(windows.len(), 13);
    let cases = [
        ("buffer_based", 3.93, 0.107, 0.05),
        ("throughput", 8.92, 0.031, 0.10),
        ("throughput:0.8", 8.12, 0.018, 0.05),
        ("mpc", 8.42, 0.079, 0.05),
        ("robust_mpc", 6.96, 0.019, 0.15),
        ("oracle", 11.87, 0.009, 0.20),
    ];
    for (name, qoe, stall_ratio, stall_tolerance) in cases {
        let (measured_qoe, measured_stall) = measure(&profile, name, &windows);
        assert_near(name, measured_qoe, qoe, 0.05);
        assert_near(name, measured_stall, stall_ratio, stall_tolerance);
    }
}
