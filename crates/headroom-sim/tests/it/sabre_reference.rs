//! Sabre's own results, trace by trace: UMass-LIDS/sabre, unchanged, 25 s buffer, 3G traces with the movie bbb and 4G traces
//! with bbb4k. Ours are the policies of the engine in sabre's player.

use crate::shared;
use headroom_core::{
    policy::{BolaE, DashThroughput, Dynamic, Policy},
    time::Duration,
};
use headroom_sim::{
    controller::InPlayer,
    player::{Sabre, SabreSettings},
    session::{Step, play},
    trace::Trace,
    video::{Video, ladder_of_kbps},
};
use std::collections::BTreeMap;

#[derive(serde::Deserialize)]
struct Movie {
    segment_duration_ms: u64,
    bitrates_kbps: Vec<u64>,
    segment_sizes_bits: Vec<Vec<f64>>,
}

fn movie(text: &str) -> Video {
    let movie: Movie = serde_json::from_str(text).unwrap();
    let ladder = ladder_of_kbps(&movie.bitrates_kbps).unwrap();
    Video::new(ladder, Duration::from_millis(movie.segment_duration_ms), movie.segment_sizes_bits).unwrap()
}

/// Sabre's "time average" figures: mean bit rate in kbit/s over all time, score, and stalled share of that time.
fn figures(steps: &[Step], video: &Video) -> [f64; 3] {
    let segment_s = video.segment_duration().as_secs_f64();
    let kbps = |step: &Step| video.ladder().bitrate(step.rung).as_kbps();
    let stall_s: f64 = steps[1..].iter().map(|step| step.stall_s).sum();
    let total_s = steps[0].transfer_s + stall_s + steps.len() as f64 * segment_s;
    let per_segment = segment_s / total_s;
    let bitrate: f64 = steps.iter().map(kbps).sum();
    let utility: f64 = steps.iter().map(|step| (kbps(step) / video.ladder().bitrate(0).as_kbps()).ln()).sum();
    // Sabre's default γp is 5 s.
    [bitrate * per_segment, (utility - 5.0 * stall_s / segment_s) * per_segment, stall_s / total_s]
}

fn run(algorithm: &str, video: &Video, trace: &Trace) -> [f64; 3] {
    let first_byte_s = trace.samples()[0].rtt_ms.unwrap() / 1_000.0;
    let throughput = DashThroughput { first_byte_s, ..DashThroughput::default() };
    let bola = BolaE { first_byte_s, ..BolaE::default() };
    let policy: Box<dyn Policy> = match algorithm {
        "throughput" => Box::new(throughput),
        "bolae" => Box::new(bola),
        // Sabre switches at fixed 10 s and 5 s.
        "dynamicdash" => Box::new(Dynamic { throughput, bola, on_s: 10.0, off_s: 5.0 }),
        other => panic!("{other} is not compared"),
    };
    let mut steps = Vec::new();
    let mut player = Sabre::new(video, trace, SabreSettings { capacity_s: 25.0, first_byte_s });
    play(&mut player, &mut InPlayer::new(policy.as_ref()), &mut steps);
    figures(&steps, video)
}

struct Case {
    trace: String,
    ours: [f64; 3],
    theirs: [f64; 3],
}

#[test]
fn sabre_agrees_trace_by_trace() {
    let Some(data) = shared::data() else { return };
    let movies =
        ["bbb", "bbb4k"].map(|name| (name, movie(&shared::read(&data.join(format!("raw/sabre/{name}.json"))))));
    let sets: BTreeMap<&str, BTreeMap<String, Trace>> = ["3g", "4g"]
        .map(|set| (set, shared::traces(&data.join(format!("traces/sabre-{set}"))).into_iter().collect()))
        .into_iter()
        .collect();
    let table = shared::read(&data.join("reference/sabre.csv"));
    let mut by_case: BTreeMap<(String, String), Vec<Case>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        if !matches!(cells[3], "throughput" | "bolae" | "dynamicdash") {
            continue;
        }
        let video = &movies.iter().find(|(name, _)| *name == cells[2]).unwrap().1;
        // report.2010-09-13_1003CEST.json is 2010-09-13-1003cest.csv here.
        let name = cells[1].trim_start_matches("report").trim_start_matches(['.', '_']).trim_end_matches(".json");
        let name = name.replace('_', "-").to_lowercase();
        let trace = sets[cells[0]].get(&name).unwrap_or_else(|| panic!("no trace {name}"));
        let number = |column: usize| cells[column].parse::<f64>().unwrap();
        let theirs = [number(6), number(8), number(11)];
        let ours = run(cells[3], video, trace);
        by_case.entry((cells[0].into(), cells[3].into())).or_default().push(Case { trace: name, ours, theirs });
    }
    assert_eq!(by_case.len(), 6);
    for ((set, algorithm), cases) in by_case {
        let mean = |pick: &dyn Fn(&Case) -> f64| cases.iter().map(pick).sum::<f64>() / cases.len() as f64;
        let agrees = |case: &Case| {
            (case.ours[0] / case.theirs[0] - 1.0).abs() < 0.01 && (case.ours[2] - case.theirs[2]).abs() < 0.002
        };
        let agreeing = cases.iter().filter(|case| agrees(case)).count();
        let [kbps, score, stall] = [0, 1, 2].map(|index| {
            let [ours, theirs] = [mean(&|case| case.ours[index]), mean(&|case| case.theirs[index])];
            println!("{set} {algorithm:12} figure {index}: {ours:.4} sabre {theirs:.4}");
            [ours, theirs]
        });
        for case in cases.iter().filter(|case| !agrees(case)) {
            println!("    {} ours {:?} sabre {:?}", case.trace, case.ours, case.theirs);
        }
        // A few sessions part ways at a decision on a knife's edge (the engine remembers 32-bit averages).
        assert!(agreeing as f64 >= 0.94 * cases.len() as f64, "{set} {algorithm}: {agreeing} of {} agree", cases.len());
        assert!((kbps[0] / kbps[1] - 1.0).abs() < 0.005, "{set} {algorithm}: bit rate {kbps:?}");
        assert!((score[0] / score[1] - 1.0).abs() < 0.005, "{set} {algorithm}: score {score:?}");
        assert!((stall[0] - stall[1]).abs() < 0.0005, "{set} {algorithm}: stall {stall:?}");
    }
}
