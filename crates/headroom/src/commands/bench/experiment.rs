//! `headroom bench experiment`: do the statistics of experiments keep what they promise?

use anyhow::Context;
use clap::Args;
use headroom_core::{
    experiment::{Experiment, Guardrail, TimeSlices},
    ladder::Ladder,
    policy::Throughput,
    qoe::Linear,
    time::{Duration, Timestamp},
};
use headroom_sim::{
    crowd::{Crowd, Treatment},
    experiments::{
        BottleneckVerdict, Design, Pilot, Trial, Watch, behind_a_bottleneck, harmless_days, seconds_to_trip, trial,
    },
    trace::Trace,
    video::Video,
};
use serde::Serialize;
use std::{collections::BTreeMap, process::ExitCode};

/// Made-up viewers whose truth is known: A/A experiments under continuous peeking, planted effects, an arm that does harm, and two
/// arms behind one bottleneck.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A/A experiments.
    #[arg(long, default_value_t = 1_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(10..=100_000))]
    experiments: u32,
    /// Viewers of each, both arms together.
    #[arg(long, default_value_t = 20_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    viewers: u32,
    /// Looks at each.
    #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    looks: u32,
    /// Effects that are planted, in percent of the stall time.
    #[arg(long, value_delimiter = ',', default_value = "5,10,20", value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99))]
    effects: Vec<u8>,
    /// Experiments for each planted effect.
    #[arg(long, default_value_t = 200, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(10..=100_000))]
    planted: u32,
    /// Sessions at once before the arm that does harm.
    #[arg(long, default_value_t = 20_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(500..=10_000_000))]
    sessions: u32,
    /// Days that a harmless arm is watched.
    #[arg(long, default_value_t = 1_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    days: u32,
    /// The same seed gives the same figures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Probability of an interval that ever misses.
const ALPHA: f64 = 0.05;
/// What the power calculator is asked for.
const POWER: f64 = 0.8;
/// Guardrails are looked at so often, seconds.
const LOOK_EVERY_S: u32 = 10;
/// How long harm is waited for, seconds.
const MOST_HARM_S: u32 = 3_600;

/// One planted effect.
#[derive(Serialize)]
struct Found {
    viewers: usize,
    power: f64,
    coverage: f64,
}

/// The keys other programs rely on.
#[derive(Serialize)]
struct Figures {
    design: &'static str,
    experiments: u32,
    stall_ratio: f64,
    false_alarm_rate: f64,
    sample_ratio_alarm_rate: f64,
    /// Share of all experiments whose interval held the truth at every look.
    coverage: f64,
    /// By effect in percent.
    power: BTreeMap<u8, Found>,
    harm_trip_s: Option<u32>,
    harmless_days: u32,
    harmless_tripped_on_day: Option<u32>,
    bottleneck_naive_difference: f64,
    bottleneck_switchback_ci95: [f64; 2],
    bottleneck_equal: BottleneckVerdict,
    bottleneck_planted: BottleneckVerdict,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let pilot = Pilot::draw();
    let mut rows = BTreeMap::new();
    let rate = |trials: &[Trial], of: fn(&Trial) -> bool| {
        trials.iter().filter(|trial| of(trial)).count() as f64 / trials.len() as f64
    };
    let run = |design: &Design, count: u32, salt: u64| -> Vec<Trial> {
        let seeds = arguments.seed.wrapping_mul(1 << 32).wrapping_add(salt << 24);
        in_parallel(count, |number| trial(design, seeds.wrapping_add(number.into())))
    };
    let viewers = arguments.viewers as usize;
    // Planned for the size it has.
    let planned = pilot.design(0.1, ALPHA, POWER);
    let planned_error = planned.planned_error * (planned.viewers as f64 / viewers as f64).sqrt();
    let same = Design { viewers, looks: arguments.looks as usize, effect: 0.0, planned_error, ..planned };
    let same = run(&same, arguments.experiments, 0);
    let mut covered = same.iter().filter(|trial| trial.is_covered).count();
    let mut all = same.len();
    for &effect in &arguments.effects {
        let design = pilot.design(f64::from(effect) / 100.0, ALPHA, POWER);
        let trials = run(&design, arguments.planted, effect.into());
        covered += trials.iter().filter(|trial| trial.is_covered).count();
        all += trials.len();
        let (power, coverage) = (rate(&trials, |trial| trial.is_found), rate(&trials, |trial| trial.is_covered));
        rows.insert(effect, Found { viewers: design.viewers, power, coverage });
    }
    let experiment = guarded()?;
    let watch = Watch { sessions: arguments.sessions as usize, every_s: LOOK_EVERY_S, factor: 2.0 };
    let (equal, planted) = bottleneck()?;
    let figures = Figures {
        design: "session",
        experiments: arguments.experiments,
        stall_ratio: pilot.stall_ratio(),
        false_alarm_rate: rate(&same, |trial| trial.is_found),
        sample_ratio_alarm_rate: rate(&same, |trial| trial.is_ratio_alarm),
        coverage: covered as f64 / all as f64,
        power: rows,
        harm_trip_s: seconds_to_trip(&watch, &experiment, MOST_HARM_S, arguments.seed),
        harmless_days: arguments.days,
        harmless_tripped_on_day: harmless_days(
            arguments.sessions as usize,
            &experiment,
            arguments.days,
            arguments.seed,
        ),
        bottleneck_naive_difference: equal.naive_difference,
        bottleneck_switchback_ci95: equal.switchback_ci95,
        bottleneck_equal: equal,
        bottleneck_planted: planted,
    };
    print(&figures, arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// Results in the order of their numbers, on every core.
fn in_parallel<T: Send>(count: u32, work: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count as usize);
    let work = &work;
    let mut results: Vec<(u32, T)> = std::thread::scope(|scope| {
        let part =
            |first: u32| scope.spawn(move || (first..count).step_by(threads).map(|n| (n, work(n))).collect::<Vec<_>>());
        let running: Vec<_> = (0..threads as u32).map(part).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("invariant: a trial does not panic")).collect()
    });
    results.sort_by_key(|&(number, _)| number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Two arms under the default guardrails.
fn guarded() -> anyhow::Result<Experiment> {
    let guardrails = serde_json::to_value(Guardrail::defaults())?;
    let arms = serde_json::json!([{ "name": "control" }, { "name": "treated" }]);
    let experiment = serde_json::json!({ "name": "harm", "arms": arms, "guardrails": guardrails });
    serde_json::from_value(experiment).context("the experiment of the benchmark")
}

/// Seconds that the viewers behind the bottleneck are watched: 24 blocks of two slices.
const BOTTLENECK_S: u32 = 24 * 2 * SLICE_S;
const SLICE_S: u32 = 120;
const WASHOUT_S: u32 = 40;

/// Two connections against one, which is nothing where all have them; and a client that asks for less.
fn bottleneck() -> anyhow::Result<(BottleneckVerdict, BottleneckVerdict)> {
    let trace = Trace::constant(100_000.0)?;
    let segment = Duration::from_secs(2);
    let videos = [Video::jittered(Ladder::default(), segment, BOTTLENECK_S as usize, 0.1, 7)?];
    let qoe = Linear { stall_penalty: 20.0, switch_penalty: 1.0 };
    let crowd =
        Crowd { trace: &trace, videos: &videos, viewers: 32, seconds: BOTTLENECK_S.into(), capacity_s: 12.0, qoe };
    let slices = TimeSlices { start: Timestamp::EPOCH, slice_s: SLICE_S, washout_s: WASHOUT_S, arms: 2 };
    let client = |safety| Throughput { safety, ..Throughput::default() };
    let (eager, careful) = (client(0.9), client(0.5));
    let control = Treatment { client: &eager, connections: 1.0 };
    let compare = |treated| behind_a_bottleneck(&crowd, &[control, treated], slices, "bench");
    Ok((compare(Treatment { connections: 2.0, ..control }), compare(Treatment { client: &careful, ..control })))
}

#[expect(clippy::print_stdout, reason = "the result is for people and pipes")]
fn print(figures: &Figures, arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string(figures)?);
        return Ok(());
    }
    let verdict = |met: bool| if met { "met" } else { "NOT met" };
    let percent = |share: f64| share * 100.0;
    println!("made-up viewers, stall ratio {:.2} %, seed {}", percent(figures.stall_ratio), arguments.seed);
    println!(
        "{} A/A experiments of {} viewers, {} looks each",
        figures.experiments, arguments.viewers, arguments.looks
    );
    let line = |name: &str, value: String, goal: &str, met: bool| {
        println!("  {name:<34} {value:>12}   (goal {goal}: {})", verdict(met));
    };
    let rate = figures.false_alarm_rate;
    line("false alarms, ever", format!("{:.1} %", percent(rate)), "<= 5 %", rate <= 0.05);
    let rate = figures.sample_ratio_alarm_rate;
    line("sample ratio alarms, ever", format!("{:.1} %", percent(rate)), "<= 1 %", rate <= 0.01);
    println!("planted effects at the promised size, {} experiments each", arguments.planted);
    for (effect, found) in &figures.power {
        let name = format!("{effect} % less, {} viewers: found", found.viewers);
        line(&name, format!("{:.1} %", percent(found.power)), ">= 80 %", found.power >= 0.8);
    }
    let name = "intervals that hold at every look";
    line(name, format!("{:.1} %", percent(figures.coverage)), ">= 95 %", figures.coverage >= 0.95);
    println!("guardrails, {} sessions", arguments.sessions);
    let trip = figures.harm_trip_s;
    let said = trip.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds} s"));
    line("twice the stalls: stopped after", said, "<= 300 s", trip.is_some_and(|seconds| seconds <= 300));
    let day = figures.harmless_tripped_on_day;
    let said = day.map_or_else(|| "never".to_owned(), |day| format!("day {day}"));
    line("no harm: stopped", said, &format!("never in {} days", figures.harmless_days), day.is_none());
    println!("behind one bottleneck, mean bit rate of the arm against the control");
    for (name, verdict) in
        [("two equal arms", &figures.bottleneck_equal), ("an arm that asks for less", &figures.bottleneck_planted)]
    {
        let interval = |[low, high]: [f64; 2]| format!("{:+.1} to {:+.1} %", percent(low), percent(high));
        println!("  {name:<26} true {:+6.1} %", percent(verdict.true_difference));
        println!("  {:<26} plain {:+5.1} % ({})", "", percent(verdict.naive_difference), interval(verdict.naive_ci95));
        println!(
            "  {:<26} switchback {:+.1} % ({}), {} blocks",
            "",
            percent(verdict.switchback_difference),
            interval(verdict.switchback_ci95),
            verdict.blocks
        );
    }
    Ok(())
}
